"""A file of examples in, a file of answers out: one JSON line for each input line, in order."""

from aiaas.infer.answering import Answering, Summary, Writing
from aiaas.infer.formats import FORMATS, Format
from aiaas.infer.remote import RemoteModel, is_url
from aiaas.infer.run import answers, infer, open_model
from aiaas.infer.writing import Asked, options_of, write

__all__ = [
    "FORMATS",
    "Answering",
    "Asked",
    "Format",
    "RemoteModel",
    "Summary",
    "Writing",
    "answers",
    "infer",
    "is_url",
    "open_model",
    "options_of",
    "write",
]
