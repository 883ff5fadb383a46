"""Rows as a matrix of numbers: numeric columns as they are, words by their place in a list."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aiaas.backends.reading import go_on, tables
from aiaas.backends.streaming import pieces
from aiaas.contracts import Params, Training
from aiaas.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray
    from pyarrow import ChunkedArray, Table

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


def columns_of(train: Dataset, training: Training) -> list[ColumnCode]:
    """What each column holds; a column without a single value is left out and noted."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = {name: _kind(name, dtype) for name, dtype in training.signature.features.items()}
    filled: set[str] = set()
    words: dict[str, set[str]] = {name: set() for name, kind in kinds.items() if kind == "category"}
    for table in pieces(train):
        go_on(training)
        filled |= {name for name in kinds if table[name].null_count < len(table)}
        for name, known in words.items():
            known.update(pc.unique(table[name].cast(pa.string())).drop_null().to_pylist())
    empty = [name for name in kinds if name not in filled]
    if empty:
        training.notes["empty_columns"] = empty
    return [
        ColumnCode(name=name, kind=kind, values=tuple(sorted(words.get(name, ()))))
        for name, kind in kinds.items()
        if name in filled
    ]


def _kind(name: str, dtype: str) -> Literal["number", "category", "boolean"]:
    if dtype in {"string", "large_string", "null"}:
        return "category"
    if dtype == "bool":
        return "boolean"
    if dtype.startswith(("int", "uint", "float", "double", "decimal")):
        return "number"
    raise DataError(
        f"the column {name!r} is of type {dtype}; a model of rows takes text, numbers, and true or false", where=name
    )


def matrix_of(codec: Codec, train: Dataset, training: Training) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All rows as numbers (n, columns), and their targets (n,). Raises DataError for what is not finite."""
    target = training.signature.target
    blocks: list[NDArray[np.float64]] = []
    targets: list[NDArray[np.float64]] = []
    for table in tables(train, training):
        blocks.append(numbers_of(codec, table))
        targets.append(_targets(str(target), table[str(target)]))
    if not blocks:
        return np.empty((0, len(codec.columns))), np.empty(0)
    return np.concatenate(blocks), np.concatenate(targets)


def numbers_of(codec: Codec, table: Table) -> NDArray[np.float64]:
    """Some rows as numbers (n, columns). Raises DataError for what is not finite."""
    columns = [
        _finite(column.name, codec.column(place, table[column.name].to_pylist()))
        for place, column in enumerate(codec.columns)
    ]
    return np.column_stack(columns)


def _finite(name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values, where NaN counts as missing; DataError for infinity."""
    if np.isinf(values).any():
        raise DataError(f"the column {name!r} holds an infinite number", where=name, hint="leave such rows out")
    return values


def _targets(name: str, column: ChunkedArray) -> NDArray[np.float64]:
    values = np.array(column.to_pylist(), np.float64)  # a null becomes NaN
    if not np.isfinite(values).all():
        raise DataError(f"the column {name!r} holds a row without a finite value", where=name, hint="leave it out")
    return values
