"""The deployable folder: write, verify, load, predict, find by name."""

from aiaas.bundle.find import Located, data, find, locate, precision, registered, runtime
from aiaas.bundle.layout import NATIVE
from aiaas.bundle.load import Bundle, load
from aiaas.bundle.options import of_words
from aiaas.bundle.verify import verify
from aiaas.bundle.write import write

__all__ = [
    "NATIVE",
    "Bundle",
    "Located",
    "data",
    "find",
    "load",
    "locate",
    "of_words",
    "precision",
    "registered",
    "runtime",
    "verify",
    "write",
]
