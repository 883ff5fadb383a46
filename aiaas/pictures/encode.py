"""Pixels to files."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def to_png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG of pixels of the shape (height, width), (height, width, 1) or (height, width, 3)."""
    from PIL import Image

    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    height, width = pixels.shape[:2]
    out = io.BytesIO()
    image = Image.frombytes("L" if pixels.ndim == 2 else "RGB", (width, height), pixels.tobytes())
    image.save(out, "PNG", compress_level=1)  # of small pictures the higher levels save next to nothing
    return out.getvalue()


def to_jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """A JPEG of pixels of the shape (height, width, 1) or (height, width, 3); `quality` is from 1 to 95."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()


def to_uri(pixels: NDArray[np.uint8]) -> str:
    """A small picture of the shape (height, width, 3) as a data URI that a page can show: as a PNG or JPEG, whichever
    is shorter."""
    png, jpeg = to_png(pixels), to_jpeg(pixels, 85)
    kind, data = ("png", png) if len(png) <= len(jpeg) else ("jpeg", jpeg)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
