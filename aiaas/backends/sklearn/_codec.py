"""Rows as a matrix of numbers: numeric columns as they are, words by their place in a list."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aiaas.contracts import Params

if TYPE_CHECKING:
    from numpy.typing import NDArray

MISSING, UNKNOWN = -2.0, -1.0
"""The codes of a word that is not there (a category like any other) and of one that was never learned."""


class ColumnCode(Params):
    """How one column becomes numbers. `values` are the words in the order of their codes; numbers have none."""

    name: str
    kind: Literal["number", "category", "boolean"]
    values: tuple[str, ...] = ()


class Codec:
    """Turns rows into a float64 matrix, a column each; NaN is a missing number."""

    def __init__(self, columns: Iterable[ColumnCode]) -> None:
        self.columns = tuple(columns)
        self._codes = [{word: float(code) for code, word in enumerate(column.values)} for column in self.columns]

    @property
    def numbers(self) -> list[int]:
        return [place for place, column in enumerate(self.columns) if column.kind == "number"]

    @property
    def categories(self) -> list[int]:
        return [place for place, column in enumerate(self.columns) if column.kind != "number"]

    def encode(self, rows: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        """Rows (n) as a matrix (n, columns)."""
        matrix = np.empty((len(rows), len(self.columns)))
        for place, column in enumerate(self.columns):
            matrix[:, place] = self.column(place, [row.get(column.name) for row in rows])
        return matrix

    def column(self, place: int, values: Sequence[Any]) -> NDArray[np.float64]:
        """The numbers for the values of one column."""
        match self.columns[place].kind:
            case "number":
                return np.array([math.nan if value is None else value for value in values], np.float64)
            case "boolean":
                return np.array([MISSING if value is None else float(value) for value in values], np.float64)
            case "category":
                codes = self._codes[place]
                return np.array([MISSING if v is None else codes.get(v, UNKNOWN) for v in values], np.float64)
