"""Training rows as numbers, dealt out by lot to parts on disk, each of which fits into memory.

Whatever order the rows came in, sorted by label even, a part is a sample of them all. A pass takes the parts in an
order of its own and shuffles each; so memory holds one part, and a step sees rows from everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aiaas.backends.sklearn._features import Rows
from aiaas.workspace.atomic import disk_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

BYTES_AN_ENTRY = 8
_ENTRIES = 6_000_000
"""Of a part, about: some tens of megabytes, and as much again while it is shuffled."""


def parts_for(entries: int) -> int:
    """How many parts rows with so many entries are dealt out to."""
    return max(1, -(-entries // _ENTRIES))


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one part with their labels (n,)."""

    rows: Rows
    labels: NDArray[np.int64]


class Shards:
    """The parts, each in three files that only grow."""

    def __init__(self, folder: Path, parts: int, seed: int) -> None:
        self.folder, self.parts, self._seed = folder, parts, seed
        folder.mkdir(parents=True, exist_ok=True)

    def sizes(self) -> list[list[int]]:
        """The bytes of every file, for `cut`."""
        return [
            [path.stat().st_size if path.exists() else 0 for path in self._paths(part)] for part in range(self.parts)
        ]

    def cut(self, sizes: Sequence[Sequence[int]]) -> None:
        """Go back to what was there when the files had these sizes."""
        for part, each in enumerate(sizes):
            for path, size in zip(self._paths(part), each, strict=True):
                with path.open("ab") as stream:
                    stream.truncate(size)

    def deal(self, first: int, rows: Rows, labels: NDArray[np.int64]) -> None:
        """Give each row to a part; which one follows from the seed and `first`, the place of the first row."""
        owners = np.random.default_rng([self._seed, first]).integers(0, self.parts, len(rows))
        order = owners.argsort(kind="stable")
        dealt, labels = rows.take(order), labels[order]
        edges = owners[order].searchsorted(np.arange(self.parts + 1))
        for part, (begin, end) in enumerate(pairwise(edges.tolist())):
            if begin == end:
                continue
            entries = slice(dealt.starts[begin], dealt.starts[end])
            lengths = dealt.starts[begin + 1 : end + 1] - dealt.starts[begin:end]
            arrays = (
                np.stack([lengths, labels[begin:end]], axis=1).astype(np.int32),
                dealt.columns[entries],
                dealt.values[entries].astype(np.float32),
            )
            for path, array in zip(self._paths(part), arrays, strict=True):
                with disk_errors(path), path.open("ab") as stream:
                    stream.write(array.data)

    def read(self, part: int, epoch: int | None = None) -> Part:
        """The rows of a part: shuffled for an epoch, or as they came."""
        table, columns, values = (path.read_bytes() if path.exists() else b"" for path in self._paths(part))
        lengths, labels = np.frombuffer(table, np.int32).reshape(-1, 2).T.astype(np.int64)
        starts = np.concatenate(([0], lengths.cumsum()))
        rows = Rows(starts, np.frombuffer(columns, np.int32), np.frombuffer(values, np.float32).astype(np.float64))
        if epoch is None:
            return Part(rows, labels)
        order = np.random.default_rng([self._seed, epoch, part]).permutation(lengths.size)
        return Part(rows.take(order), labels[order])

    def order(self, epoch: int) -> list[int]:
        """The parts in the order in which an epoch sees them."""
        return [int(part) for part in np.random.default_rng([self._seed, epoch]).permutation(self.parts)]

    def all(self) -> Iterator[Part]:
        """Every part as it came."""
        return (self.read(part) for part in range(self.parts))

    def _paths(self, part: int) -> list[Path]:
        return [self.folder / f"{part}.{name}" for name in ("rows", "columns", "values")]
