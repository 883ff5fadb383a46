"""What came of all segments: joined, checked, written, told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aiaas import steps
from aiaas.contracts import Step
from aiaas.preprocess import checks, dropped, split, tables
from aiaas.preprocess.layout import with_features
from aiaas.preprocess.plan import Pass, Plan
from aiaas.preprocess.reading import Lacking
from aiaas.preprocess.shelf import Shelf
from aiaas.preprocess.work import READ
from aiaas.workspace.aside import FILE

TEST_ROWS = "test_rows.npy"


class Passed:
    """What came of a pass, as its segments told."""

    def __init__(self, plan: Plan, span: Pass, shelf: Shelf) -> None:
        self.plan, self.span, self._shelf = plan, span, shelf
        found = [shelf.done(span.number, segment.number) for segment in plan.segments]
        self.done = [each for each in found if each is not None]
        self.rows = sum(each["rows"] for each in self.done)
        surveyed = [each.get("surveyed", 0) for each in self.done]
        self.starts: list[int] = np.cumsum([0, *surveyed]).tolist()
        """Which rows were surveyed of each segment, counted through all."""
        self.lacking = reduce(_merged, (lacking(each) for each in self.done), Lacking())

    @property
    def names(self) -> list[str]:
        """The labels, sorted."""
        return sorted({name for each in self.done for name in each.get("labels", ())})

    def classes(self) -> tuple[list[str], NDArray[np.int32] | None]:
        """The labels and the index of each row's; none where the task has no labels."""
        if self.plan.columns.label is None:
            return [], None
        names = self.names
        codes = [np.empty(0, np.int32)]
        for segment, each in zip(self.plan.segments, self.done, strict=True):
            with self._shelf.survey(self.span.number, segment.number) as survey:
                codes.append(index(names, each["labels"])[survey["label"]])
        return names, np.concatenate(codes)

    def links(self) -> dict[int, dict[str, int]]:
        """By the number of the step how many rows came and went."""
        numbers = range(self.span.begin, self.span.end)
        return {
            number: {
                name: sum(each["links"][str(number)]["rows"][name] for each in self.done)
                for name in ("in", "out", "empty")
            }
            for number in numbers
        }

    def reports(self, number: int) -> Iterator[dict[str, Any]]:
        """What a step told in each segment."""
        for each in self.done:
            if self.span.begin <= number < self.span.end:
                yield each["links"][str(number)]["report"]
            elif self.span.closes == "survey" and number == self.span.end:
                yield each["survey_report"]


class Outcome:
    """The result of all passes: `passed`, and the steps that concluded in between."""

    def __init__(self, plan: Plan, section: Any, shelf: Shelf, links: Sequence[Step], passed: Sequence[Passed]) -> None:
        self.plan, self.section, self.shelf = plan, section, shelf
        self.steps, self.passed = links, passed
        self.last = passed[-1]
        self.names = self.last.names
        self.splits = {part: sum(each["splits"][part] for each in self.last.done) for part in split.PARTS}
        self.classes = {part: self._class_counts(part) for part in split.PARTS}

    def _class_counts(self, part: str) -> NDArray[np.int64]:
        counts = np.zeros(len(self.names), np.int64)
        for each in self.last.done:
            found = np.asarray(each["classes"].get(part, []), np.int64)
            np.add.at(counts, index(self.names, each["labels"])[: len(found)], found)
        return counts

    def check(self, *, leaks: bool) -> None:
        """Raise DataError for a split that cannot carry a result; `leaks` may be in it."""
        learned = self.plan.columns.learned and self.plan.columns.label is not None
        if learned:
            checks.refuse_one_class(self.names, self.last.rows)
        if self.plan.time is not None:
            checks.refuse_absent_times(self.plan.time, self.splits)
        checks.refuse_no_train(self.splits)
        if self.plan.stable and self.plan.time is None:
            checks.refuse_absent(self.plan.sides.parts, self.splits, self.last.rows)
            if self.section.stratify and learned:
                checks.refuse_unspread(self.plan.sides.parts, self.names, self.classes)
        if not leaks and not self._divided_by_content():
            checks.refuse_leaks(self.plan, self.shelf, self.last)
        if learned:
            checks.refuse_unlearned(self.classes, self.names)

    def _divided_by_content(self) -> bool:
        """Whether the part of every row follows from what stands in it at the end, so that equal rows are together."""
        if self.plan.divided < len(self.plan.steps):
            return False
        if self.plan.stable:
            return all(each["drawn_alone"] for each in self.last.done)
        return all(each["alone"] for each in self.passed[-2].done)

    def _named(self) -> int:
        return sum(each["named"] for passed in self.passed for each in passed.done)

    # --- files

    def write(self, out: Path) -> None:
        """The parts, which collected rows those of test were, and the rows that were dropped."""
        features = self.last.done[-1]["features"]
        final = self.plan.columns.final(features)
        described = with_features(final, self.plan.columns.label, self.names, self.plan.schema)
        for part in split.PARTS:
            with tables.writer(out / f"{part}.arrow", described) as stream:
                for batch in self._batches(part):
                    stream.write_batch(batch.replace_schema_metadata(described.metadata))
        np.save(out / TEST_ROWS, self._rows_of("test"), allow_pickle=False)
        dropped.join(self._pieces(FILE), out / FILE)

    def _rows_of(self, part: str) -> NDArray[np.int64]:
        """The numbers (n,) of the collected rows, from 1, that the rows of a part were, in their order."""
        numbers = [np.empty(0, np.int64)]
        for segment in self.plan.segments:
            with self.shelf.survey(self.last.span.number, segment.number) as survey:
                numbers.append(survey["row"][survey["part"] == split.PARTS.index(part)])
        return np.concatenate(numbers)

    def _batches(self, part: str) -> Iterator[pa.RecordBatch]:
        """The rows of a part, in the order of the data, with the numbers that labels have in the whole."""
        for segment, each in zip(self.plan.segments, self.last.done, strict=True):
            path = self.shelf.path(self.last.span.number, segment.number, f"{part}.arrow")
            if f"{part}.arrow" in each["files"]:
                codes = index(self.names, each["labels"]).astype(np.int64)
                for batch in tables.read(path):
                    yield _numbered(batch, self.plan.columns.label, codes)

    def _pieces(self, name: str) -> Iterator[Path]:
        for passed in self.passed:
            for segment, each in zip(self.plan.segments, passed.done, strict=True):
                if name in each["files"]:
                    yield self.shelf.path(passed.span.number, segment.number, name)

    # --- summary

    def summary(self) -> dict[str, Any]:
        """What came of the rows, for a person and for the run."""
        told = self._steps()
        first = self.passed[0]
        summary: dict[str, Any] = {
            "rows": {
                "collected": sum(each["read"] for each in first.done),
                "empty": sum(each["empty"] for each in first.done),
                "kept": self.last.rows,
            },
            "steps": told,
            "dropped": self._dropped(),
            "sources": self._sources(),
            "splits": self.splits,
            "split": {
                "named": self._named(),
                "stratified": self.plan.columns.label is not None and self.section.stratify,
                "stable": self.plan.stable,
            },
            "warnings": [each["report"]["warning"] for each in told if "warning" in each["report"]],
        }
        if self.plan.columns.label:
            summary["labels"] = self.names
            summary["classes"] = {
                part: {name: int(count) for name, count in zip(self.names, counts, strict=True)}
                for part, counts in self.classes.items()
            }
        return summary

    def _steps(self) -> list[dict[str, Any]]:
        rows = {number: counts for passed in self.passed for number, counts in passed.links().items()}
        told, protect = [], steps.protection(self.steps)
        for number, (spec, step) in enumerate(zip(self.plan.steps, self.steps, strict=True)):
            reports = (report for passed in self.passed for report in passed.reports(number))
            report = steps.joined(step, [step.report(), *reports], protect)
            told.append({"name": spec.name, "params": dict(spec.params), "rows": rows[number], "report": report})
        return told

    def _dropped(self) -> list[dict[str, Any]]:
        """How many rows went, by step and reason, in the order of the steps."""
        counts: dict[str, dict[str, int]] = {}
        for passed in self.passed:
            for each in passed.done:
                for link, reasons in each["reasons"].items():
                    for reason, rows in reasons.items():
                        dropped.count(counts.setdefault(link, {}), reason, rows)
        order = [("-1", READ), *((str(number), spec.name) for number, spec in enumerate(self.plan.steps))]
        return [
            {"step": name, "reason": reason, "rows": rows}
            for link, name in order
            for reason, rows in sorted(counts.get(link, {}).items(), key=lambda each: (-each[1], each[0]))
        ]

    def _sources(self) -> list[dict[str, Any]]:
        """Of each source how many rows were collected, and how many stand in the parts."""
        read = _added(each["sources"] for each in self.passed[0].done)
        kept = _added(each["kept_of_sources"] for each in self.last.done)
        names = {str(number): address for number, address in enumerate(self.plan.addresses)}
        return [
            {"source": names.get(number, number), "collected": rows, "kept": kept.get(number, 0)}
            for number, rows in sorted(read.items(), key=lambda each: int(each[0]))
            if int(number) >= 0
        ]


def index(names: Sequence[str], found: Sequence[str]) -> NDArray[np.int32]:
    """For each of the labels found in a segment its place among all."""
    places = {name: place for place, name in enumerate(names)}
    return np.array([places[name] for name in found], np.int32)


def _numbered(batch: pa.RecordBatch, label: str | None, codes: NDArray[np.int64]) -> pa.RecordBatch:
    if label is None:
        return batch
    place = batch.schema.names.index(label)
    return batch.set_column(place, label, tables.plain(codes[batch.column(place).to_numpy()]))


def lacking(done: dict[str, Any]) -> Lacking:
    """What rows of a segment lack."""
    return Lacking({name: (count, first) for name, (count, first) in done["lacking"].items()}, done["read"])


def _merged(one: Lacking, other: Lacking) -> Lacking:
    one.merge(other)
    return one


def _added(counts: Any) -> dict[str, int]:
    whole: dict[str, int] = {}
    for each in counts:
        for name, rows in each.items():
            whole[name] = whole.get(name, 0) + rows
    return whole
