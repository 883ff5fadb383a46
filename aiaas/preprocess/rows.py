"""Rows on their way: what steps see, and what is kept of each aside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aiaas.contracts import Batch
from aiaas.preprocess import tables

UNNAMED = -1
"""The part of a row that is in none yet."""

ASIDE = np.dtype([("row", "<i8"), ("source", "<i4"), ("part", "i1"), ("key", "<u8")])
"""`row` counts the collected rows from 1, `source` is the number of the source or -1, `part` an index into
`split.PARTS` or `UNNAMED`. `key` is what the side of the row is decided by; 0 means what stands in it when the rows are
divided."""
_FIELDS = [(f"_{name}", pa.from_numpy_dtype(ASIDE[name])) for name in ASIDE.names or ()]

Aside = NDArray[np.void]


class Rows:
    """Some rows: `aside` (n,), and their columns, which are made lists of where a step asks for them."""

    __slots__ = ("_arrow", "_batch", "aside", "contents")

    def __init__(self, aside: Aside, *, batch: Batch | None = None, arrow: pa.RecordBatch | None = None) -> None:
        self.aside = aside
        self.contents: NDArray[np.uint64] | None = None
        """Digests of what stands in the rows (n, 2), once somebody wanted them."""
        self._batch = batch
        self._arrow = arrow

    def __len__(self) -> int:
        return len(self.aside)

    @property
    def batch(self) -> Batch:
        """The columns. To be left as they are."""
        if self._batch is None:
            assert self._arrow is not None
            self._batch = tables.to_lists(self._arrow)
        return self._batch

    def column(self, name: str) -> list[Any]:
        if self._batch is None and self._arrow is not None:
            return tables.to_lists(self._arrow.select([name]))[name]
        return self.batch[name]

    def take(self, places: NDArray[np.intp]) -> Rows:
        """Those at some places."""
        chosen = places.tolist()
        batch = {name: list(map(values.__getitem__, chosen)) for name, values in self.batch.items()}
        return Rows(self.aside[places], batch=batch)

    def arrow(self, schema: pa.Schema) -> pa.RecordBatch:
        """The columns alone."""
        if self._arrow is not None and self._arrow.schema.equals(schema):
            return self._arrow
        return tables.to_arrow(self.batch, schema)


def joined(pieces: list[Rows]) -> Rows:
    """Some rows and then others, which have the same columns."""
    if len(pieces) == 1:
        return pieces[0]
    columns: dict[str, list[Any]] = {name: [] for name in pieces[0].batch}
    for piece in pieces:
        for name, values in columns.items():
            values += piece.batch[name]
    return Rows(np.concatenate([piece.aside for piece in pieces]), batch=columns)


def with_aside(schema: pa.Schema) -> pa.Schema:
    """The schema of rows on disk."""
    return pa.schema([*schema, *(pa.field(*each) for each in _FIELDS)])


def to_disk(rows: Rows, schema: pa.Schema) -> pa.RecordBatch:
    """Everything of the rows, `schema` being that of their columns."""
    arrays = [tables.plain(rows.aside[name]) for name in ASIDE.names or ()]
    return pa.record_batch([*rows.arrow(schema).columns, *arrays], schema=with_aside(schema))


def from_disk(batch: pa.RecordBatch) -> Rows:
    """What `to_disk` gave."""
    width = batch.num_columns - len(_FIELDS)
    aside = np.empty(batch.num_rows, ASIDE)
    for name, column in zip(ASIDE.names or (), batch.columns[width:], strict=True):
        aside[name] = column.to_numpy()
    schema = pa.schema([batch.schema.field(place) for place in range(width)])
    return Rows(aside, arrow=pa.record_batch(batch.columns[:width], schema=schema))
