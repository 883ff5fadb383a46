"""Collected rows as they come to the first step: target checked, and what their side follows from noted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aiaas.contracts import Batch
from aiaas.errors import DataError
from aiaas.preprocess import segments, split, tables
from aiaas.preprocess.layout import SOURCE, Layout
from aiaas.preprocess.rows import ASIDE, UNNAMED, Rows
from aiaas.preprocess.segments import Segment
from aiaas.recipe.split import TimeSplit, moment
from aiaas.steps._content import digests

_SHOWN = 40


@dataclass(slots=True)
class Lacking:
    """Rows that lack what every row must have, by column: how many, the first of them, and of how many rows."""

    found: dict[str, tuple[int, str]] = field(default_factory=dict)
    rows: int = 0

    def add(self, column: str, places: Sequence[int], rows: Rows) -> None:
        if places:
            count, first = self.found.get(column, (0, ""))
            if not count:
                row, source = rows.aside["row"][places[0]], rows.aside["source"][places[0]]
                first = f"row {row}" + (f" of source {source}" if source >= 0 else "")
            self.found[column] = count + len(places), first

    def merge(self, other: Lacking) -> None:
        """Take up what was found in the rows after these."""
        self.rows += other.rows
        for column, (count, first) in other.found.items():
            before, earlier = self.found.get(column, (0, first))
            self.found[column] = before + count, earlier

    def refuse(self, columns: Layout, total: int) -> None:
        """DataError for the first column that some rows lack; `total` is how many rows there are in all."""
        for name in (columns.target, columns.group, columns.time):
            if name in self.found:
                count, first = self.found[name]
                of = f"{total:,}" if self.rows == total else f"the first {self.rows:,}"
                raise DataError(
                    f"{count:,} of {of} rows have no {name}; the first is {first}",
                    where="collect",
                    hint=f"fill the column {name!r}, or take these rows out of the data",
                )


class Reader:
    """Makes `Rows` of collected record batches, those in which no text stands left out (`empty` counts them)."""

    def __init__(self, columns: Layout, time: TimeSplit | None) -> None:
        self.lacking = Lacking()
        self.columns = columns
        self._time = time
        self._parts: dict[tuple[str, Any], int] = {}

    def read(self, raw: pa.RecordBatch, before: int) -> Rows:
        """The rows of a batch that `before` rows precede."""
        aside = np.empty(raw.num_rows, ASIDE)
        aside["row"] = np.arange(before + 1, before + 1 + raw.num_rows)
        aside["source"] = _sources(raw)
        aside["part"] = UNNAMED
        aside["key"] = 0
        rows = Rows(aside, arrow=self._select(raw))
        self.lacking.rows += raw.num_rows
        if self.columns.target is not None:
            values = rows.batch[self.columns.target]
            blank = _not_finite if self.columns.kind == "number" else _blank
            self.lacking.add(self.columns.target, blank(values), rows)
        if self.columns.time is not None:
            self._by_time(raw, rows)
        named = self.named(raw)
        aside["part"] = np.where(named == UNNAMED, aside["part"], named)
        if self.columns.group is not None:
            self._by_group(raw, rows)
        return rows

    def _select(self, raw: pa.RecordBatch) -> pa.RecordBatch:
        schema = self.columns.schema
        try:
            columns = [_cast(raw.column(field.name), field.type) for field in schema]
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise DataError(
                f"the target {self.columns.target!r} is not a number: {error}",
                where="collect",
                hint="name the right column: `columns: {target: THEIRS}`",
            ) from error
        return pa.record_batch(columns, schema=schema)

    def named(self, raw: pa.RecordBatch) -> NDArray[np.int8]:
        """Parts that the data names; what a source says wins over the column that the recipe names."""
        named = np.full(raw.num_rows, UNNAMED, np.int8)
        for column in reversed(self.columns.splits):
            values = raw.column(column)
            if values.null_count < len(values):
                parts = np.array([self._part(column, value) for value in values.to_pylist()], np.int8)
                named = np.where(parts == UNNAMED, named, parts)
        return named

    def _part(self, column: str, value: Any) -> int:
        key = (column, value)
        if key not in self._parts:
            self._parts[key] = split.part_of(value, column)
        return self._parts[key]

    def _by_group(self, raw: pa.RecordBatch, rows: Rows) -> None:
        name = self.columns.group or ""
        values = tables.to_lists(raw.select([name]))[name]
        self.lacking.add(name, _nothing(values), rows)
        rows.aside["key"] = content(digests({name: values}, [name]))[:, 0]

    def _by_time(self, raw: pa.RecordBatch, rows: Rows) -> None:
        assert self._time is not None
        name = self._time.column
        values = tables.to_lists(raw.select([name]))[name]
        missing = _nothing(values)
        self.lacking.add(name, missing, rows)
        first: Any = None if self._time.validation_from is None else moment(self._time.validation_from)
        last = moment(self._time.test_from)
        parts = np.full(len(values), split.TRAIN, np.int8)
        for place in sorted(set(range(len(values))) - set(missing)):
            when = self._moment(values[place], last, rows.aside["row"][place])
            if when >= last:
                parts[place] = split.TEST
            elif first is not None and when >= first:
                parts[place] = split.VALIDATION
        rows.aside["part"] = parts

    def _moment(self, value: Any, bound: Any, row: int) -> Any:
        """When a row was; DataError where it cannot be held against the bounds of the recipe."""
        try:
            found = moment(value if isinstance(value, str | int | float) else value.isoformat())
        except (ValueError, AttributeError):
            found = None
        if type(found) is not type(bound):
            said = str(value) if len(str(value)) <= _SHOWN else f"{str(value)[:_SHOWN]}…"
            kind = "a number" if isinstance(bound, float) else "an ISO date or time"
            raise DataError(
                f"row {row} of the column {self.columns.time!r} says {said!r}, which is not {kind}",
                where="preprocess.split.time",
                hint="write it as test_from is written, in every row",
            )
        return found


def named_parts(path: Path, schema: pa.Schema, found: Iterable[Segment], columns: Layout) -> set[int]:
    """The parts that some collected row names, and `UNNAMED` where one names none; reads these columns alone."""
    if not columns.splits:
        return {UNNAMED}
    named: set[int] = set()
    reader = Reader(columns, None)
    for segment in found:
        for raw in segments.read(path, schema, segment):
            named.update(reader.named(raw).tolist())
    return named or {UNNAMED}


def content(digested: bytes) -> NDArray[np.uint64]:
    """Digests of rows as numbers (n, 2)."""
    return np.frombuffer(digested, dtype="<u8").reshape(-1, 2)


def filled(batch: Batch, texts: Iterable[str]) -> list[bool] | None:
    """Which rows hold a text at all: those whose every text is empty or missing hold nothing to learn from, or to be
    judged on. None where all do."""
    columns = [batch[name] for name in texts if name in batch]
    if not columns or all(all(column) and not any(map(str.isspace, column)) for column in columns):
        return None
    return [any(text and not text.isspace() for text in row) for row in zip(*columns, strict=True)]


def _sources(raw: pa.RecordBatch) -> Any:
    if SOURCE not in raw.schema.names:
        return -1
    column = raw.column(SOURCE)
    return column.to_numpy() if column.null_count == 0 else [-1 if n is None else n for n in column.to_pylist()]


def _nothing(values: list[Any]) -> list[int]:
    """The places of missing values and of blank ones."""
    return [
        place
        for place, value in enumerate(values)
        if value is None or value != value or (isinstance(value, str) and not value.strip())
    ]


def _blank(values: list[Any]) -> list[int]:
    if all(values) and not any(map(str.isspace, values)):
        return []
    return [place for place, value in enumerate(values) if not value or value.isspace()]


def _not_finite(values: list[Any]) -> list[int]:
    return [place for place, value in enumerate(values) if value is None or not math.isfinite(value)]


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return column if column.type == kind else column.cast(kind)
