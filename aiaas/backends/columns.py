"""Columns as the inputs of a network: numbers around 0 with deviation 1, words as indicators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends.rows import Codec, ColumnCode
from aiaas.contracts import Params

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LARGEST = 1e6  # deviations: what lies further away is an error in the data, and would drown the rest


class Inputs(Params):
    """What was learned of the columns. Numbers: `fill` stands for a missing one, then mean and deviation. Words: the
    codes that have an indicator; the rarer ones and those never seen share the last."""

    columns: tuple[ColumnCode, ...]
    fill: tuple[float, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    codes: tuple[tuple[float, ...], ...]

    @property
    def width(self) -> int:
        """Inputs: two a number (the second says that it was missing), one a kept word, one for all other words."""
        return 2 * len(self.fill) + sum(len(codes) + 1 for codes in self.codes)


def learn(codec: Codec, matrix: NDArray[np.float64], max_categories: int) -> Inputs:
    """Look at the training rows as the codec gives them (n, columns)."""
    numbers = matrix[:, codec.numbers]
    known = ~np.isnan(numbers)
    fill = np.array(
        [np.median(column[here]) if here.any() else 0.0 for column, here in zip(numbers.T, known.T, strict=True)]
    )
    filled = np.where(known, numbers, fill)
    deviation = filled.std(axis=0)
    return Inputs(
        columns=codec.columns,
        fill=tuple(fill.tolist()),
        mean=tuple(filled.mean(axis=0).tolist()),
        deviation=tuple(np.where(deviation > 0, deviation, 1.0).tolist()),
        codes=tuple(_codes(matrix[:, place], max_categories) for place in codec.categories),
    )


def _codes(column: NDArray[np.float64], most: int) -> tuple[float, ...]:
    """The codes of the most frequent words, in their order."""
    codes, rows = np.unique(column, return_counts=True)
    chosen = np.argsort(-rows, kind="stable")[:most]
    return tuple(np.sort(codes[chosen]).tolist())


class Encoder:
    """Rows as inputs of a network."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs, self._codec = inputs, Codec(inputs.columns)
        self._scale = tuple(np.array(each) for each in (inputs.fill, inputs.mean, inputs.deviation))

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
        """Rows (n) as inputs (n, width)."""
        return self.matrix(self._codec.encode(rows))

    def matrix(self, matrix: NDArray[np.float64]) -> NDArray[np.float32]:
        """What the codec gave (n, columns) as inputs (n, width)."""
        fill, mean, deviation = self._scale
        numbers = matrix[:, self._codec.numbers]
        missing = np.isnan(numbers)
        scaled = np.clip((np.where(missing, fill, numbers) - mean) / deviation, -_LARGEST, _LARGEST)
        parts = [scaled, missing]
        for place, codes in zip(self._codec.categories, self.inputs.codes, strict=True):
            same = matrix[:, place, None] == np.array(codes)
            parts += [same, ~same.any(axis=1, keepdims=True)]
        return np.concatenate(parts, axis=1, dtype=np.float32)
