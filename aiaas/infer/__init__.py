"""A file of examples in, a file of answers out: one JSON line for each input line, in order."""

from aiaas.infer.formats import FORMATS, Format
from aiaas.infer.remote import RemoteModel, is_url
from aiaas.infer.run import Answering, Summary, answers, infer, open_model

__all__ = ["FORMATS", "Answering", "Format", "RemoteModel", "Summary", "answers", "infer", "is_url", "open_model"]
