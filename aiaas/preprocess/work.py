"""One segment through one pass: from its rows to files and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aiaas.contracts import Batch
from aiaas.preprocess import segments, split, tables
from aiaas.preprocess.dropped import EMPTY, SCHEMA
from aiaas.preprocess.flow import Flow, Told
from aiaas.preprocess.plan import Pass, Plan
from aiaas.preprocess.reading import Reader, content, filled
from aiaas.preprocess.rows import UNNAMED, Rows, from_disk, to_disk, with_aside
from aiaas.preprocess.segments import Segment
from aiaas.preprocess.shelf import ROWS, Done, Shelf
from aiaas.steps._content import fingerprints
from aiaas.workspace.aside import FILE

READ = "read"
"""How the step is called that leaves out rows before the first one."""
_NOTHING = np.empty((0, 2), np.uint64)
Moved = Callable[[int], None]
"""Told how many rows of the segment were read now."""


def do(plan: Plan, span: Pass, segment: Segment, told: Told, moved: Moved) -> Done:
    """Take the segment through the pass and keep what came of it on the shelf; equal arguments, equal files."""
    return _Work(plan, span, segment, told, moved).do()


class _Work:
    def __init__(self, plan: Plan, span: Pass, segment: Segment, told: Told, moved: Moved) -> None:
        self.plan, self.span, self.segment, self.moved = plan, span, segment, moved
        self.shelf = Shelf(plan.folder)
        self.sums: dict[str, Any] = {}
        self.flow = Flow(plan, span, told)
        self.reader = Reader(plan.columns, plan.time)
        self.read = 0
        self.empty = 0
        self.sources: dict[str, int] = {}
        self._cut_contents: NDArray[np.uint64] | None = None

    def do(self) -> Done:
        ending = {"survey": self._surveyed, "cut": self._to_cut, "end": self._finished}[self.span.closes]
        done = ending(self.flow.run(self._rows()))
        if len(self.flow.dropped):
            with self._stream(FILE, SCHEMA) as stream:
                stream.write_batch(self.flow.dropped.batch())
        done = {
            "read": self.read,
            "empty": self.empty,
            "lacking": self.reader.lacking.found,
            "reasons": self.flow.dropped.counts,
            "links": {
                str(link.number): {"rows": link.rows, "report": dict(link.step.report())} for link in self.flow.links
            },
            "drawn_alone": self.flow.drawn_alone,
            "named": self.flow.named,
            "sources": self.sources,
        } | done
        self.shelf.write_done(self.span.number, self.segment.number, done, self.sums)
        return done

    def _rows(self) -> Iterator[Rows]:
        """The rows of the segment as the pass takes them up."""
        if self.span.opens == "start":
            yield from self._first()
            return
        path = self.shelf.path(self.span.number - 1, self.segment.number, ROWS)
        for batch in tables.read(path):
            self.read += batch.num_rows
            yield from_disk(batch)
            self.moved(batch.num_rows)

    def _first(self) -> Iterator[Rows]:
        """The collected rows. Where one lacks what all must have the rest is looked through, and no step sees it."""
        for raw in segments.read(self.plan.collected, self.plan.schema, self.segment):
            rows = self.reader.read(raw, self.segment.before + self.read)
            self.read += len(rows)
            _count_sources(self.sources, rows)
            if not self.reader.lacking.found:
                yield self._without_empty(rows)
            self.moved(raw.num_rows)

    def _without_empty(self, rows: Rows) -> Rows:
        full = filled(rows.batch, self.plan.columns.texts)
        if full is None:
            return rows
        mask = np.asarray(full, dtype=bool)
        gone = np.flatnonzero(~mask).tolist()
        self.empty += len(gone)
        self.flow.drop(-1, READ, rows, dict.fromkeys(gone, EMPTY))
        return rows.take(np.flatnonzero(mask))

    def _stream(self, name: str, schema: pa.Schema) -> Any:
        return self.shelf.stream(self.span.number, self.segment.number, name, schema, self.sums)

    # --- what a pass ends with

    def _to_next(self, rows: Iterator[Rows]) -> Iterator[Rows]:
        """Keep the rows for the next pass."""
        schema = self.plan.columns.after(self.flow.features)
        with self._stream(ROWS, with_aside(schema)) as stream:
            for each in rows:
                stream.write_batch(to_disk(each, schema))
                yield each

    def _surveyed(self, rows: Iterator[Rows]) -> Done:
        step = self.flow.closing
        found: list[Mapping[str, NDArray[Any]]] = []
        count = surveyed = 0
        for each in self._to_next(rows):
            batch = self.flow.surveyed(each)
            found.append(step.survey(batch))
            count, surveyed = count + len(each), surveyed + len(next(iter(batch.values())))
        if not found:
            nothing: Batch = {name: [] for name in self.plan.columns.after(self.flow.features).names}
            found.append(step.survey(nothing))
        self._keep_survey(found)
        return {"rows": count, "surveyed": surveyed, "survey_report": dict(step.report())}

    def _to_cut(self, rows: Iterator[Rows]) -> Done:
        """What the cut goes by: key, part that the data names, class; and the content, where it is the last word."""
        labels = _Labels(self.plan.columns.label)
        nothing = {"key": np.uint64, "part": np.int8, "label": np.int32}
        found: list[Mapping[str, NDArray[Any]]] = [{name: np.empty(0, kind) for name, kind in nothing.items()}]
        contents = [_NOTHING]
        count = named = 0
        alone = self.plan.divided == len(self.plan.steps)
        for each in self._to_next(rows):
            named += int((each.aside["part"] != UNNAMED).sum())
            alone &= not each.aside["key"].any()
            key = self.flow.keys(each, self.flow.features)
            found.append({"key": key, "part": each.aside["part"], "label": labels.codes(each)})
            contents.append(self._contents(each))
            count += len(each)
        self._keep_survey(found, {"contents": np.concatenate(contents)})
        return {"rows": count, "surveyed": count, "labels": labels.names, "named": named, "alone": alone and not named}

    def _finished(self, rows: Iterator[Rows]) -> Done:
        """The rows of each part in a file, a label as a number of `labels`; of each its part, its content, for the
        checks, and which collected row it was."""
        columns = self.plan.columns
        labels = _Labels(columns.label)
        schema, final = columns.after(self.flow.features), columns.final(self.flow.features)
        found: list[Mapping[str, NDArray[Any]]] = [
            {"part": np.empty(0, np.int8), "contents": _NOTHING, "row": np.empty(0, np.int64)}
        ]
        pieces: list[list[pa.RecordBatch]] = [[] for _ in split.PARTS]
        classes: dict[str, NDArray[np.int64]] = {}
        kept: dict[str, int] = {}
        for each in rows:
            _count_sources(kept, each)
            codes = labels.codes(each)
            parts = each.aside["part"]
            found.append({"part": parts, "contents": self._contents(each), "row": each.aside["row"]})
            whole = _with_codes(each.arrow(schema), final, columns.label, codes)
            for part, batches in enumerate(pieces):
                chosen = np.flatnonzero(parts == part).astype(np.int64)
                if len(chosen):
                    batches.append(whole if len(chosen) == len(each) else whole.take(tables.plain(chosen)))
                classes[split.PARTS[part]] = _counts(classes.get(split.PARTS[part]), codes[chosen], len(labels.names))
        for name, batches in zip(split.PARTS, pieces, strict=True):
            if batches:
                with self._stream(f"{name}.arrow", final) as stream:
                    for batch in tables.together(batches, final):
                        stream.write_batch(batch)
        self._keep_survey(found)
        parts = np.concatenate([each["part"] for each in found])
        return {
            "rows": len(parts),
            "splits": {name: int((parts == part).sum()) for part, name in enumerate(split.PARTS)},
            "labels": labels.names,
            "classes": {part: counts.tolist() for part, counts in classes.items()},
            "features": self.flow.features,
            "kept_of_sources": kept,
        }

    def _contents(self, rows: Rows) -> NDArray[np.uint64]:
        """Digests of what stands in the rows (n, 2), which the cut before this pass may have asked for as well."""
        if rows.contents is None and self.span.opens == "cut" and self.span.begin == self.span.end:
            if self._cut_contents is None:
                with self.shelf.survey(self.span.number - 1, self.segment.number) as survey:
                    self._cut_contents = survey["contents"]
            done = self.read - len(rows)
            return self._cut_contents[done : done + len(rows)]
        if rows.contents is None:
            rows.contents = content(fingerprints(rows.batch, list(self.flow.features)))
        return rows.contents

    def _keep_survey(
        self, found: list[Mapping[str, NDArray[Any]]], more: Mapping[str, NDArray[Any]] = MappingProxyType({})
    ) -> None:
        arrays = {name: np.concatenate([each[name] for each in found]) for name in found[-1]} | dict(more)
        self.shelf.write_survey(self.span.number, self.segment.number, arrays, self.sums)


class _Labels:
    """The classes of a segment, numbered as they come."""

    def __init__(self, column: str | None) -> None:
        self._column = column
        self._known: dict[str, int] = {}

    @property
    def names(self) -> list[str]:
        return list(self._known)

    def codes(self, rows: Rows) -> NDArray[np.int32]:
        if self._column is None:
            return np.zeros(len(rows), np.int32)
        known, labels = self._known, rows.column(self._column)
        for label in dict.fromkeys(labels):
            known.setdefault(label, len(known))
        return np.fromiter(map(known.__getitem__, labels), np.int32, len(labels))


def _count_sources(counts: dict[str, int], rows: Rows) -> None:
    """Add up the rows of each source, by its number."""
    for number, found in zip(*np.unique(rows.aside["source"], return_counts=True), strict=True):
        counts[str(number)] = counts.get(str(number), 0) + int(found)


def _counts(before: NDArray[np.int64] | None, codes: NDArray[np.int32], names: int) -> NDArray[np.int64]:
    counts = np.bincount(codes, minlength=names)
    if before is not None:
        counts[: len(before)] += before
    return counts


def _with_codes(batch: pa.RecordBatch, final: pa.Schema, label: str | None, codes: NDArray[np.int32]) -> pa.RecordBatch:
    arrays = [
        tables.plain(codes.astype(np.int64)) if name == label else column
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.record_batch(arrays, schema=final)
