"""Arrays of numbers to rows: pixels become encoded pictures, labels their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aiaas.errors import DataError
from aiaas.pictures import MAX_PIXELS, to_png

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aiaas.sources._params import FileParams

ROWS = 1000
BYTES = 16 * 2**20


def height(shape: Sequence[int], size: int = 1) -> int:
    """How many rows of an array with this shape, its items of `size` bytes, are held at once."""
    row = size
    for each in shape[1:]:
        row *= each
    return max(1, min(ROWS, BYTES // max(row, 1)))


def is_pictures(shape: Sequence[int]) -> bool:
    """Whether an array of this shape holds pictures: (rows, height, width), or with 1 or 3 channels behind, each of at
    least one pixel and not more than a picture may have."""
    formed = len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3))
    return formed and 1 <= shape[1] * shape[2] <= MAX_PIXELS


def to_pictures(pixels: NDArray[Any], params: FileParams, where: str, first: int) -> list[Any]:
    """A PNG of each row. Values are scaled from 0 … `highest` to 0 … 255; DataError for those outside."""
    import numpy as np

    # Written so that NaN is found as well.
    outside = ~((pixels >= 0) & (pixels <= params.highest)).reshape(len(pixels), -1).all(axis=1)
    if outside.any():
        row = int(outside.argmax())
        low, high = pixels[row].min(), pixels[row].max()
        raise DataError(
            f"pixels of row {first + row} go from {low:g} to {high:g}; allowed are 0 to {params.highest:g}",
            where=where,
            hint="say with highest: which value is the brightest",
        )
    if pixels.dtype != np.uint8 or params.highest != 255:
        pixels = np.rint(pixels.astype(np.float64) * (255 / params.highest)).astype(np.uint8)
    return [to_png(each) for each in pixels]


def to_labels(values: Sequence[Any], names: Sequence[str] | None, where: str, first: int) -> list[Any]:
    """The labels by their names, where there are names; DataError for a number that has none."""
    if names is None:
        return list(values)
    for row, value in enumerate(values):
        if not isinstance(value, int) or not 0 <= value < len(names):
            raise DataError(
                f"the label of row {first + row} is {value!r}; label_names: names those from 0 to {len(names) - 1}",
                where=where,
            )
    return [names[value] for value in values]
