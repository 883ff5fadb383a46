"""What a picture says of itself before anything of it is decoded."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from aiaas.errors import DataError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

MAX_BYTES = 32 * 2**20
MAX_PIXELS = 50 * 2**20
"""What the largest cameras of telephones give, 8160 x 6144, stays below it."""

MEDIA_TYPES = ("image/jpeg", "image/png")
ENDINGS = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".heic", ".avif"})
"""Endings of picture files, those that are refused included: they are pictures, and should be refused as such."""

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_FOREIGN = (
    (b"GIF8", "a GIF"),
    (b"BM", "a BMP"),
    (b"II*\0", "a TIFF"),
    (b"MM\0*", "a TIFF"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"<", "a text in XML or HTML, such as SVG or an error page"),
)
_HINT = "write it as JPEG or PNG"


@dataclass(frozen=True, slots=True)
class Header:
    """The kind of file, the width and height in pixels as stored, and the mode as Pillow names it (`RGB`, `I;16`)."""

    kind: Literal["jpeg", "png"]
    width: int
    height: int
    mode: str


def header(data: bytes) -> Header:
    """What the header of an encoded picture says; no pixel is decoded.

    Raises DataError for what is no JPEG or PNG, is damaged within its header, moves, or exceeds `MAX_BYTES` or
    `MAX_PIXELS`.
    """
    return header_of(opened(data))


def header_of(image: ImageFile) -> Header:
    return Header("png" if image.format == "PNG" else "jpeg", *image.size, image.mode)


def opened(data: bytes) -> ImageFile:
    """The picture as Pillow holds it, its header read and below the caps. Raises DataError as `header` does."""
    jpeg, png = _readers()
    if len(data) > MAX_BYTES:
        raise DataError(f"the picture has {len(data):,} bytes; at most {MAX_BYTES:,} are taken", hint="make it smaller")
    # Not Image.open: it warns of many pixels, or raises, by limits of its own that anyone may have changed.
    kind = jpeg if data.startswith(_JPEG) else png if data.startswith(_PNG) else None
    if kind is None:
        raise DataError(_no_picture(data), hint=_HINT)
    try:
        image = kind(io.BytesIO(data))
    except (SyntaxError, ValueError, OSError, EOFError) as error:
        name = "JPEG" if kind is jpeg else "PNG"
        raise DataError(f"the {name} is damaged or cut short within its header", hint="save it again") from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise DataError(
            f"the picture has {width:,} x {height:,} pixels; at most {MAX_PIXELS:,} are taken", hint="make it smaller"
        )
    if getattr(image, "is_animated", False):
        raise DataError("the PNG is animated; one picture is needed", hint="write one picture of it")
    return image


@cache
def _readers() -> tuple[type[ImageFile], type[ImageFile]]:
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile

    # Of what is odd but no reason to refuse, such as EXIF that is cut short, nobody need hear.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    return JpegImageFile, PngImageFile


def _no_picture(data: bytes) -> str:
    if not data:
        return "the picture is empty"
    if data[4:8] == b"ftyp":
        found = "HEIC, AVIF or a video"
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        found = "a WebP"
    else:
        found = next((name for magic, name in _FOREIGN if data.lstrip()[:8].startswith(magic)), "neither")
    if found == "a GIF" and _moves(data):
        found = "an animated GIF"
    return f"a JPEG or PNG is needed; this is {found}"


def _moves(data: bytes) -> bool:
    """Whether a GIF holds more than one picture: each that is shown for a time has a graphic control block."""
    return data.count(b"\x21\xf9\x04") > 1 or b"NETSCAPE2.0" in data
