"""Training texts in blocks, the unit of all that is counted and learned: which rows make one follows from the rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aiaas.backends.reading import go_on
from aiaas.backends.streaming import pieces
from aiaas.contracts import Training
from aiaas.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

_CHARACTERS, _ROWS = 2_000_000, 65_536  # its n-grams take some tens of megabytes


@dataclass(frozen=True, slots=True)
class Block:
    """Rows from `first` to before `end`: their texts and labels."""

    first: int
    texts: list[str]
    labels: NDArray[np.int64]

    @property
    def end(self) -> int:
        return self.first + len(self.texts)


def blocks(rows: Dataset, training: Training, first: int = 0) -> Iterator[Block]:
    """The rows in order from `first`, where a block began. Raises DataError where a text or a label is missing, and
    Interrupted when asked to stop."""
    texts: list[str] = []
    labels: list[NDArray[np.int64]] = []
    size = 0
    for table in pieces(rows, first):
        go_on(training)
        if table["text"].null_count or table["label"].null_count:
            raise DataError("a training row has no text or no label", hint="leave such rows out")
        found = table["text"].to_pylist()
        targets = table["label"].to_numpy().astype(np.int64)
        begin = 0
        for place, text in enumerate(found):
            size += len(text)
            if size >= _CHARACTERS or len(texts) + place + 1 - begin == _ROWS:
                block = Block(
                    first,
                    [*texts, *found[begin : place + 1]],
                    np.concatenate([*labels, targets[begin : place + 1]]),
                )
                yield block
                go_on(training)
                first, begin, size = block.end, place + 1, 0
                texts, labels = [], []
        texts += found[begin:]
        labels.append(targets[begin:])
    if texts:
        yield Block(first, texts, np.concatenate(labels))
    go_on(training)
