"""Encoded pictures to arrays of one size: upright, without alpha, in as many channels as a model takes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from aiaas.cores import cores
from aiaas.errors import DataError, ExampleError
from aiaas.pictures.header import Header, header_of, opened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

Fit = Literal["stretch", "crop", "pad"]
"""How a picture of another shape is brought to the one wanted: stretched, its middle cut out, or bars put beside it."""

_ORIENTATION = 0x0112
_EXIF = ("exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp")
_CHUNK = 4
_SMALL = 16 * 2**10
"""Bytes of a picture, on average, below which threads cost more than they bring."""
# What Pillow's readers raise for files that lie; a SyntaxError is theirs for a broken chunk.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError)


def decode(
    data: bytes, height: int, width: int, channels: Literal[1, 3], *, fit: Fit = "stretch", background: int = 255
) -> NDArray[np.uint8]:
    """The pixels of an encoded picture, of the shape (height, width, channels), 0 to 255.

    The orientation that EXIF states is applied; what is transparent shows `background` (0 black, 255 white), as do the
    bars of `pad`. Raises DataError for what `header` refuses, and for a file that is cut short or damaged.
    """
    import numpy as np

    image = opened(data)
    try:
        small = _reduced(_loaded(image, width, height), width, height)
        flat = _flat(_upright(small), channels, background)
        pixels = np.asarray(_fitted(flat, height, width, fit, background))
    except _BROKEN as error:
        raise _damaged(image, error) from error
    return pixels.reshape(height, width, channels)


def small(data: bytes, side: int) -> NDArray[np.uint8]:
    """The pixels of an encoded picture in colour, made so small that neither side has more than `side` of them; what is
    small already stays as it is. Raises DataError as `decode` does."""
    import numpy as np

    image = opened(data)
    try:
        flat = _flat(_upright(_reduced(_loaded(image, side, side), side, side)), 3, 255)
        flat.thumbnail((side, side))
        return np.asarray(flat)
    except _BROKEN as error:
        raise _damaged(image, error) from error


def decode_many(
    examples: Sequence[bytes],
    height: int,
    width: int,
    channels: Literal[1, 3],
    *,
    fit: Fit = "stretch",
    background: int = 255,
    threads: int | None = None,
) -> NDArray[np.uint8]:
    """The pixels of pictures, of the shape (n, height, width, channels), decoded on `threads` (by default one a core).

    Small ones are decoded on the caller's thread: there Python's part is the larger one, and threads only wait for it.
    Raises ExampleError with the place of the first picture that cannot be decoded.
    """
    import numpy as np

    pixels = np.empty((len(examples), height, width, channels), np.uint8)

    def some(start: int) -> None:
        for place in range(start, min(start + _CHUNK, len(examples))):
            try:
                pixels[place] = decode(examples[place], height, width, channels, fit=fit, background=background)
            except DataError as error:
                raise ExampleError(error.message, place, hint=error.hint) from error

    starts = range(0, len(examples), _CHUNK)
    threads = threads or cores()
    alone = threads == 1 or len(starts) < 2 or _small(examples)
    for _ in map(some, starts) if alone else _pool(threads).map(some, starts):
        pass
    return pixels


def upright(data: bytes, side: int, *, background: int = 255) -> NDArray[np.uint8]:
    """The pixels of an encoded picture in its own shape and channels, (height, width, 1) or (height, width, 3), as its
    EXIF turns it; made smaller where a side is longer than `side`. Raises DataError as `decode` does."""
    import numpy as np

    image = opened(data)
    try:
        grey = image.mode in ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L") and "transparency" not in image.info
        flat = _flat(_upright(_loaded(image, side, side)), 1 if grey else 3, background)
        if max(flat.size) > side:
            flat.thumbnail((side, side))
        pixels = np.asarray(flat)
    except _BROKEN as error:
        raise _damaged(image, error) from error
    return pixels.reshape(flat.height, flat.width, -1)


def examine(examples: Sequence[bytes]) -> list[Header | DataError]:
    """What each picture says of itself, or why it cannot be used: all are decoded to their ends to know."""
    return list(map(_examine, examples) if _small(examples) else _pool(cores()).map(_examine, examples))


def _examine(data: bytes) -> Header | DataError:
    try:
        image = opened(data)
    except DataError as error:
        return error
    found = header_of(image)
    try:
        _loaded(image, 1, 1)
    except _BROKEN as error:
        return _damaged(image, error)
    return found


def _small(examples: Sequence[bytes]) -> bool:
    return sum(map(len, examples)) < _SMALL * len(examples)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "pictures")


def _loaded(image: ImageFile, width: int, height: int) -> ImageFile:
    """The picture decoded; a JPEG at an eighth, a quarter or half its size where that is still twice what is wanted."""
    if image.format == "JPEG" and min(image.size) > 4 * max(width, height):
        image.draft(None, (2 * max(width, height), 2 * max(width, height)))
    image.load()
    return image


def _reduced(image: Image, width: int, height: int) -> Image:
    """A large picture by whole pixels averaged, to no less than twice what is wanted: what follows copies it."""
    factor = min(image.size) // (2 * max(width, height))
    if factor < 2 or image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK") or "transparency" in image.info:
        return image
    return image.reduce(factor)


def _upright(image: Image) -> Image:
    """Turned as its EXIF says; what cannot be read there says nothing."""
    if not any(name in image.info for name in _EXIF):
        return image
    from PIL.Image import Transpose

    try:
        turned = {
            2: Transpose.FLIP_LEFT_RIGHT,
            3: Transpose.ROTATE_180,
            4: Transpose.FLIP_TOP_BOTTOM,
            5: Transpose.TRANSPOSE,
            6: Transpose.ROTATE_270,
            7: Transpose.TRANSVERSE,
            8: Transpose.ROTATE_90,
        }.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # EXIF is written by anything, and its reader raises nearly anything
        return image
    return image if turned is None else image.transpose(turned)


def _flat(image: Image, channels: int, background: int) -> Image:
    """Grey or RGB, 8 bits a channel, what is transparent over the background."""
    from PIL import Image as images

    if image.mode in ("I", "I;16", "I;16B", "I;16L"):
        image = _eight_bits(image)
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        canvas = images.new("RGB", image.size, (background,) * 3)
        canvas.paste(image, mask=image.getchannel("A"))
        image = canvas
    wanted = "L" if channels == 1 else "RGB"
    if image.mode in ("P", "CMYK") and wanted == "L":
        image = image.convert("RGB")
    return image if image.mode == wanted else image.convert(wanted)


def _eight_bits(image: Image) -> Image:
    """The upper half of 16 bits; Pillow's own conversion cuts off at 255."""
    import numpy as np
    from PIL import Image as images

    return images.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))


def _fitted(image: Image, height: int, width: int, fit: Fit, background: int) -> Image:
    if image.size == (width, height):
        return image
    from PIL import ImageOps
    from PIL.Image import Resampling

    if fit == "crop":
        return ImageOps.fit(image, (width, height), Resampling.BILINEAR)
    if fit == "pad":
        colour: Any = background if image.mode == "L" else (background,) * 3
        return ImageOps.pad(image, (width, height), Resampling.BILINEAR, colour)
    return image.resize((width, height), Resampling.BILINEAR, reducing_gap=2.0)


def _damaged(image: ImageFile, error: Exception) -> DataError:
    short = "truncated" in str(error)
    return DataError(f"the {image.format} is {'cut short' if short else 'damaged'}", hint="save or fetch it again")
