"""Pictures as encoded files: looked at, checked, decoded to arrays, encoded from arrays.

JPEG and PNG are taken, of one picture a file. Nothing is decoded before its header was seen to stay below the caps, so
that a file of a few kilobytes cannot ask for gigabytes.
"""

from aiaas.pictures.decode import Fit, decode, decode_many, examine, small, upright
from aiaas.pictures.encode import to_jpeg, to_png, to_uri
from aiaas.pictures.header import ENDINGS, MAX_BYTES, MAX_PIXELS, MEDIA_TYPES, Header, header

__all__ = [
    "ENDINGS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MEDIA_TYPES",
    "Fit",
    "Header",
    "decode",
    "decode_many",
    "examine",
    "header",
    "small",
    "to_jpeg",
    "to_png",
    "to_uri",
    "upright",
]
