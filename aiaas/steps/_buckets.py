"""Equal rows brought together, however many rows there are: in memory where they fit, over files where not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROWS = 2**20
"""Rows that are sorted in memory at once, some 100 bytes each."""
_MOST = 1024
"""Files that are written at once: what a process may have open."""


def record() -> np.dtype[np.void]:
    """What is kept of a row: 128 bits that are equal where it is, whatever else is asked for of it, and its number."""
    import numpy as np

    return np.dtype([("high", "<u8"), ("low", "<u8"), ("label", "<u8"), ("row", "<u8")])


def records(
    pieces: Iterable[tuple[NDArray[np.uint64], NDArray[np.uint64]]],
) -> Iterator[NDArray[np.void]]:
    """Records of contents (n, 2) and labels (n,), the rows counted through all pieces."""
    import numpy as np

    start = 0
    for contents, labels in pieces:
        rows = np.empty(len(contents), record())
        rows["high"], rows["low"], rows["label"] = contents[:, 0], contents[:, 1], labels
        rows["row"] = np.arange(start, start + len(contents), dtype=np.uint64)
        start += len(contents)
        yield rows


def sorted_groups(rows: Iterable[NDArray[np.void]], count: int, scratch: Path) -> Iterator[NDArray[np.void]]:
    """All records, in arrays sorted by content and then by row; equal contents stand in the same array. `count` is how
    many there are, `scratch` an empty folder."""
    import numpy as np

    if count <= ROWS:
        whole = np.concatenate([np.empty(0, record()), *rows])
        yield _sorted(whole)
        return
    bits = min((count // ROWS).bit_length(), _MOST.bit_length() - 1)
    paths = [scratch / f"{number}.rows" for number in range(2**bits)]
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("wb")) for path in paths]
        for piece in rows:
            bucket = (piece["high"] >> np.uint64(64 - bits)).astype(np.int64)
            order = np.argsort(bucket, kind="stable")
            ends = np.searchsorted(bucket[order], np.arange(1, len(files)))
            for file, part in zip(files, np.split(piece[order], ends), strict=True):
                file.write(part.tobytes())
    for path in paths:
        yield _sorted(np.fromfile(path, record()))
        path.unlink()


def begins(rows: NDArray[np.void]) -> NDArray[np.bool_]:
    """Which of sorted records are the first of their content."""
    import numpy as np

    first = np.ones(len(rows), dtype=bool)
    first[1:] = (rows["high"][1:] != rows["high"][:-1]) | (rows["low"][1:] != rows["low"][:-1])
    return first


def _sorted(rows: NDArray[np.void]) -> NDArray[np.void]:
    """By content, then by row. One key is sorted much faster than three, and few rows are equal in it."""
    import numpy as np

    rows = rows[np.argsort(rows["high"])]
    high = rows["high"]
    tied = np.zeros(len(rows), dtype=bool)
    tied[1:] = high[1:] == high[:-1]
    tied[:-1] |= tied[1:]
    places = np.flatnonzero(tied)
    some = rows[places]
    rows[places] = some[np.lexsort((some["row"], some["low"], some["high"]))]
    return rows
