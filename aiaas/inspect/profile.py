"""Classes and columns, counted in one pass over all rows: memory is a column's, not a row's."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aiaas.contracts import Place
from aiaas.inspect.report import Class, Facts, Histogram, Lengths, Numbers, Value
from aiaas.inspect.view import Piece, View

LONG = 2**16
"""Lengths up to here are counted one by one; longer texts count as this long, but for the longest."""
DISTINCT = 10_000
"""Different values of a column that are counted; where there are more, they are not."""
COMMON = 8
BARS = 24


class Profile:
    """Give it every piece; then ask for what was counted."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.splits: Counter[str | None] = Counter()
        self._classes: Counter[tuple[str | None, str]] = Counter()
        self._columns = {name: _column(role, view.schema.field(name).type) for name, role in view.roles.items()}

    @property
    def rows(self) -> int:
        return self.splits.total()

    @property
    def characters(self) -> int:
        """How many there are in all texts."""
        return sum(column.characters for column in self._columns.values())

    def add(self, piece: Piece) -> None:
        self.splits[piece.part] += piece.rows.num_rows
        for name, column in self._columns.items():
            column.add(piece, piece.rows.column(name), self._view)
        if self._view.label:
            for each in pc.value_counts(piece.rows.column(self._view.label)).to_pylist():
                if each["values"] is not None:
                    self._classes[piece.part, each["values"]] += each["counts"]

    def classes(self) -> tuple[Class, ...]:
        """The labels, the most frequent first."""
        whole: Counter[str] = Counter()
        for (_, label), rows in self._classes.items():
            whole[label] += rows
        parts = [part for part in self.splits if part is not None]
        return tuple(
            Class(
                label=label,
                rows=rows,
                share=round(rows / max(1, whole.total()), 6),
                splits={part: self._classes[part, label] for part in parts},
            )
            for label, rows in sorted(whole.items(), key=lambda each: (-each[1], each[0]))
        )

    def facts(self, sample: dict[str, list[Any]]) -> tuple[Facts, ...]:
        """What is known of each column; `sample` has some of the values of those that hold numbers."""
        schema = self._view.schema
        return tuple(
            Facts(
                name=name,
                role=self._view.roles[name],
                type="string" if name == self._view.label else str(schema.field(name).type),
                missing=column.missing,
                **column.facts(sample.get(name, ()), self._view.hide),
            )
            for name, column in self._columns.items()
        )


class _Files:
    """A column of which only what is missing can be counted."""

    characters = 0

    def __init__(self) -> None:
        self.missing = 0

    def add(self, piece: Piece, values: pa.Array, view: View) -> None:
        self.missing += values.null_count

    def facts(self, sample: Any, hide: Callable[[str], str]) -> dict[str, Any]:
        return {}


class _Values(_Files):
    """A column whose different values are counted, as long as they are few."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: Counter[Any] | None = Counter()

    def add(self, piece: Piece, values: pa.Array, view: View) -> None:
        self.missing += values.null_count
        if pa.types.is_string(values.type):
            blank = pc.equal(pc.utf8_trim_whitespace(values), "")
            self.missing += pc.sum(blank).as_py() or 0
        if self._seen is not None:
            for each in pc.value_counts(values.drop_null()).to_pylist():
                self._seen[each["values"]] += each["counts"]
            if len(self._seen) > DISTINCT:
                self._seen = None

    def facts(self, sample: Any, hide: Callable[[str], str]) -> dict[str, Any]:
        if self._seen is None:
            return {}
        common = sorted(self._seen.items(), key=lambda each: (-each[1], str(each[0])))[:COMMON]
        return {
            "distinct": len(self._seen),
            "common": [Value(value=_short(value, hide), rows=rows) for value, rows in common],
        }


class _Numbers(_Values):
    """A column of numbers."""

    def __init__(self) -> None:
        super().__init__()
        self._count, self._sum = 0, 0.0
        self._ends = (np.inf, -np.inf)

    def add(self, piece: Piece, values: pa.Array, view: View) -> None:
        super().add(piece, values, view)
        found = _floats(values)
        if found.size:
            self._count += found.size
            with np.errstate(over="ignore"):
                self._sum += float(found.sum())
            self._ends = (min(self._ends[0], float(found.min())), max(self._ends[1], float(found.max())))

    def facts(self, sample: Any, hide: Callable[[str], str]) -> dict[str, Any]:
        found = np.array([value for value in sample if value is not None], np.float64)
        found = found[np.isfinite(found)]
        least, greatest = self._ends
        if not found.size or not math.isfinite(greatest - least + self._sum):  # more than a float holds
            return super().facts(sample, hide)
        p25, median, p75 = np.quantile(found, (0.25, 0.5, 0.75)).tolist()
        counts, edges = np.histogram(found, bins=min(BARS, max(1, len(np.unique(found)))), range=self._ends)
        numbers = Numbers(
            mean=self._sum / self._count,
            least=least,
            p25=p25,
            median=median,
            p75=p75,
            greatest=greatest,
            histogram=Histogram(edges=tuple(edges.tolist()), counts=tuple(counts.tolist())),
        )
        return {**super().facts(sample, hide), "numbers": numbers}


class _Texts(_Files):
    """A column of texts, by their lengths in characters."""

    def __init__(self) -> None:
        super().__init__()
        self._counts = np.zeros(LONG + 1, np.int64)
        self._longest = 0
        self._at: Place | None = None

    def add(self, piece: Piece, values: pa.Array, view: View) -> None:
        lengths = pc.utf8_length(values).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        filled = pc.utf8_length(pc.utf8_trim_whitespace(values)).fill_null(0).to_numpy(zero_copy_only=False) > 0
        self.missing += int(len(values) - filled.sum())
        lengths = np.where(filled, lengths, 0)
        self._counts += np.bincount(np.minimum(lengths[filled], LONG), minlength=LONG + 1)
        self.characters += int(lengths.sum())
        if lengths.size and lengths.max() > self._longest:
            self._longest = int(lengths.max())
            self._at = view.place(piece, int(lengths.argmax()))

    def facts(self, sample: Any, hide: Callable[[str], str]) -> dict[str, Any]:
        running = self._counts.cumsum()
        total = int(running[-1])
        if not total or self._at is None:
            return {}
        at = {p: int(np.searchsorted(running, max(1, np.ceil(total * p / 100)))) for p in (0, 5, 50, 95, 99)}
        lengths = Lengths(
            mean=round(self.characters / total, 2),
            least=at[0],
            p05=at[5],
            median=at[50],
            p95=at[95],
            p99=at[99],
            longest=self._longest,
            longest_at=self._at,
            histogram=self._histogram(at[99]),
        )
        return {"lengths": lengths}

    def _histogram(self, high: int) -> Histogram:
        """Up to the 99th percentile in steps of whole characters; what is longer is in the last bar."""
        step = max(1, -(-(high + 1) // BARS))
        edges = np.arange(0, high + step + 1, step)
        counts = np.add.reduceat(self._counts, edges[:-1])
        return Histogram(edges=tuple(edges.astype(float).tolist()), counts=tuple(counts.tolist()))


def _column(role: str, kind: pa.DataType) -> _Files:
    if role == "text":
        return _Texts()
    if role == "label" or pa.types.is_string(kind) or pa.types.is_boolean(kind):
        return _Values()
    return _Numbers() if pa.types.is_floating(kind) or pa.types.is_integer(kind) else _Files()


def _floats(values: pa.Array) -> NDArray[np.float64]:
    found = values.drop_null().to_numpy(zero_copy_only=False).astype(np.float64)
    return np.asarray(found[np.isfinite(found)], np.float64)


def _short(value: Any, hide: Callable[[str], str]) -> str:
    text = f"{value:g}" if isinstance(value, float) else hide(str(value))
    return text if len(text) <= 60 else f"{text[:60]}…"
