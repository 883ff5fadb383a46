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
_MOST = 512
"""Files that are written at once: half of what a process may usually have open."""


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


class Groups:
    """All records, in arrays sorted by content and then by row; equal contents stand in the same array. `count` is how
    many there are, `scratch` an empty folder.

    Where they go over files, a record that equals one before it of the same piece, in content and label, goes no
    further: the most frequent content of all would not fit into memory. What became of the others holds for these, and
    `repeated` tells which they are.
    """

    def __init__(self, rows: Iterable[NDArray[np.void]], count: int, scratch: Path) -> None:
        self._rows, self._count, self._scratch = rows, count, scratch
        self._repeated = scratch / "repeated"

    def __iter__(self) -> Iterator[NDArray[np.void]]:
        import numpy as np

        if self._count <= ROWS:
            yield _sorted(np.concatenate([np.empty(0, record()), *self._rows]))
            return
        bits = min((self._count // ROWS).bit_length(), _MOST.bit_length() - 1)
        paths = [self._scratch / f"{number}.rows" for number in range(2**bits)]
        with ExitStack() as stack:
            repeated = stack.enter_context(self._repeated.open("wb"))
            files = [stack.enter_context(path.open("wb")) for path in paths]
            borders = np.arange(1, len(files), dtype=np.uint64) << np.uint64(64 - bits)
            for piece in self._rows:
                first, again = _firsts(piece)
                repeated.write(again.tobytes())
                for file, part in zip(files, np.split(first, np.searchsorted(first["high"], borders)), strict=True):
                    file.write(part.tobytes())
        for path in paths:
            yield _sorted(np.fromfile(path, record()))
            path.unlink()

    def repeated(self) -> Iterator[NDArray[np.void]]:
        """Rows that were held back and, of each, the `first` one that it equals; to be asked for at the end."""
        import numpy as np

        if self._count <= ROWS:
            return
        with self._repeated.open("rb") as file:
            while len(pairs := np.fromfile(file, _pair(), ROWS)):
                yield pairs


def _pair() -> np.dtype[np.void]:
    import numpy as np

    return np.dtype([("row", "<u8"), ("first", "<u8")])


def _firsts(rows: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Of records those that equal no other before them in content and label, sorted by content, and the others."""
    import numpy as np

    rows = _sorted(rows, by_label=True)
    first = begins(rows)
    first[1:] |= rows["label"][1:] != rows["label"][:-1]
    places = np.flatnonzero(~first)
    again = np.empty(len(places), _pair())
    again["row"] = rows["row"][places]
    again["first"] = rows["row"][np.flatnonzero(first)[np.cumsum(first)[places] - 1]]
    return rows[first], again


def begins(rows: NDArray[np.void]) -> NDArray[np.bool_]:
    """Which of sorted records are the first of their content."""
    import numpy as np

    first = np.ones(len(rows), dtype=bool)
    first[1:] = (rows["high"][1:] != rows["high"][:-1]) | (rows["low"][1:] != rows["low"][:-1])
    return first


def _sorted(rows: NDArray[np.void], by_label: bool = False) -> NDArray[np.void]:
    """By content, then perhaps by label, then by row. One key is sorted much faster than three, and few rows are equal
    in it."""
    import numpy as np

    rows = rows[np.argsort(rows["high"])]
    high = rows["high"]
    tied = np.zeros(len(rows), dtype=bool)
    tied[1:] = high[1:] == high[:-1]
    tied[:-1] |= tied[1:]
    places = np.flatnonzero(tied)
    some = rows[places]
    keys = ("row", "label", "low", "high") if by_label else ("row", "low", "high")
    rows[places] = some[np.lexsort([some[key] for key in keys])]
    return rows
