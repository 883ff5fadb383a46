"""Takes rows through the steps, batch by batch.

A step that must know of all rows before it changes any makes the rows up to it be written to a file, which it surveys
while they are written and maps when they are read again.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from aiaas import steps
from aiaas.contracts import Batch, Judges, Step, Surveys
from aiaas.errors import DataError
from aiaas.preprocess import tables
from aiaas.preprocess.layout import SOURCE, Layout

Tick = Callable[[str, int], None]


@dataclass(slots=True)
class Link:
    """A step in its place, and how many rows came and went. `empty` counts those that it left without text."""

    name: str
    params: Any
    step: Step
    rows_in: int = 0
    rows_out: int = 0
    empty: int = 0

    def report(self) -> dict[str, Any]:
        counts = {"in": self.rows_in, "out": self.rows_out, "empty": self.empty}
        kept = steps.record(self.name, self.params, self.step)
        told = steps.joined(self.step, [self.step.report()])
        return {"name": self.name, "params": kept["params"], "rows": counts, "report": told}


class Flow:
    """The way of the rows from `collected` through the steps; temporary files stand in `scratch`."""

    def __init__(self, links: Sequence[Link], layout: Layout, scratch: Path, tick: Tick) -> None:
        self.links = links
        self.collected = 0
        self.empty = 0
        self._layout = layout
        self._scratch = scratch
        self._tick = tick
        self._files: list[Path] = []

    def run(self, collected: Path, look: Callable[[Batch], None]) -> Path:
        """Write the rows that remain into a file of `scratch` and return it; `look` sees each batch of them."""
        rows = self._first(collected)
        pending: list[Link] = []
        for link in self.links:
            if isinstance(link.step, Surveys):
                written = self._file()
                surveys = [link.step.survey(batch) for batch in self._write(rows, pending, written)]
                with tempfile.TemporaryDirectory(dir=self._scratch) as scratch:
                    link.step.conclude(surveys, Path(scratch))
                rows, pending = self._again(written, link.name), []
            pending.append(link)
        final = self._file()
        for batch in self._write(rows, pending, final):
            look(batch)
        return final

    def remove(self) -> None:
        """Remove the temporary files."""
        for path in self._files:
            path.unlink(missing_ok=True)

    def _file(self) -> Path:
        path = self._scratch / f".rows-{len(self._files)}.arrow"
        self._files.append(path)
        return path

    def _write(self, rows: Iterator[Batch], links: Sequence[Link], path: Path) -> Iterator[Batch]:
        schema = self._layout.schema
        with tables.writer(path, schema) as stream:
            for batch in rows:
                mapped = self._map(batch, links)
                if _height(mapped):
                    stream.write_batch(tables.to_arrow(mapped, schema))
                    yield mapped

    def _map(self, batch: Batch, links: Sequence[Link]) -> Batch:
        for link in links:
            before = _height(batch)
            if not before:
                break
            verdicts = None
            if isinstance(link.step, Judges):
                verdicts = link.step.verdicts(link.rows_in, link.rows_in + before)
            batch = steps.mapped(link.step, batch, verdicts).rows
            applied = _height(batch)
            batch = self._drop_empty(batch)
            link.rows_in += before
            link.rows_out += _height(batch)
            link.empty += applied - _height(batch)
        return batch

    def _drop_empty(self, batch: Batch) -> Batch:
        """Rows whose every text is empty or missing hold nothing to learn from, or to be judged on."""
        texts = self._layout.texts
        if not texts:
            return batch
        columns = [batch[name] for name in texts]
        if all(all(column) and not any(map(str.isspace, column)) for column in columns):
            return batch
        filled = [any(text and not text.isspace() for text in row) for row in zip(*columns, strict=True)]
        return {name: [v for v, full in zip(values, filled, strict=True) if full] for name, values in batch.items()}

    def _again(self, path: Path, doing: str) -> Iterator[Batch]:
        for batch in tables.read(path):
            yield tables.to_lists(batch)
            self._tick(doing, batch.num_rows)

    def _first(self, collected: Path) -> Iterator[Batch]:
        """The collected rows, every one with a target."""
        missing: list[str] = []
        count = 0
        for raw in tables.read(collected):
            batch = tables.to_lists(self._select(raw))
            for place in self._targetless(batch):
                count += 1
                source = f" of source {raw.column(SOURCE)[place]}" if SOURCE in raw.schema.names else ""
                missing[:] = missing or [f"row {self.collected + place + 1}{source}"]
            self.collected += raw.num_rows
            if not missing:
                filled = self._drop_empty(batch)
                self.empty += raw.num_rows - _height(filled)
                yield filled
            self._tick("read", raw.num_rows)
        if missing:
            raise DataError(
                f"{count:,} of {self.collected:,} rows have no {self._layout.target}; the first is {missing[0]}",
                where="collect",
                hint=f"fill the column {self._layout.target!r}, or take these rows out of the data",
            )

    def _select(self, raw: pa.RecordBatch) -> pa.RecordBatch:
        schema = self._layout.schema
        try:
            columns = [_cast(raw.column(field.name), field.type) for field in schema]
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise DataError(
                f"the target {self._layout.target!r} is not a number: {error}",
                where="collect",
                hint="name the right column: `columns: {target: THEIRS}`",
            ) from error
        return pa.record_batch(columns, schema=schema)

    def _targetless(self, batch: Batch) -> list[int]:
        if self._layout.target is None:
            return []
        values = batch[self._layout.target]
        if self._layout.kind == "number":
            return [place for place, value in enumerate(values) if value is None or not math.isfinite(value)]
        return [place for place, value in enumerate(values) if not value or value.isspace()]


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return column if column.type == kind else column.cast(kind)


def _height(batch: Batch) -> int:
    return len(next(iter(batch.values())))
