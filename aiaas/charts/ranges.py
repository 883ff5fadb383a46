"""Values and how far each may be off, one below the other over one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiaas.charts.scale import Scale, Tick, short, spread, ticks

NAMES, PLOT, TOLD, LINE = 210, 380, 250, 26
_NAME = 25
"""Columns that a name may take."""


@dataclass(frozen=True, slots=True)
class Range:
    """A line: its name, a value with its ends, and what is said beside it. `good` and `bad` are to be seen at once;
    the axis does not follow what is `faint`, for it says little."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    told: str = ""
    bad: bool = False
    faint: bool = False
    group: str = ""
    good: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A range where it stands."""

    name: str
    short: str
    y: float
    at: float | None
    low: float | None
    high: float | None
    told: str
    look: str


@dataclass(frozen=True, slots=True)
class Ranges:
    """The plot, in pixels; `mark` is where all are held against, and `heads` are the names of groups."""

    title: str
    width: int
    height: float
    names: int
    plot: int
    lines: list[Line]
    heads: list[Tick]
    columns: list[Tick]
    mark: float | None
    mark_told: str


def ranges(title: str, values: Sequence[Range], *, mark: float | None = None, mark_told: str = "") -> Ranges | None:
    """A plot of them in their order, ranges of one `group` under its name; None where none has a value."""
    weighty = [each for each in values if not each.faint] or values
    known = [end for each in weighty for end in (each.value, each.low, each.high) if end is not None]
    if not known:
        return None
    marks = ticks(*spread([*known, *([mark] if mark is not None else [])]))
    scale = Scale(marks[0], marks[-1], PLOT)

    def place(value: float | None) -> float | None:
        return None if value is None else round(NAMES + scale(value), 1)

    lines, heads, y, group = [], [], 22.0 if mark_told else 4.0, ""
    for each in values:
        if each.group != group:
            group = each.group
            heads.append(Tick(y + 18, group))
            y += LINE
        at, low, high = place(each.value), place(each.low), place(each.high)
        look = "bad" if each.bad else "good" if each.good else "faint" if each.faint else ""
        lines.append(Line(each.name, short(each.name, _NAME, middle=True), y, at, low, high, each.told, look))
        y += LINE
    return Ranges(
        title,
        NAMES + PLOT + TOLD,
        y + 22,
        NAMES,
        PLOT,
        lines,
        heads,
        [Tick(NAMES + tick.at, tick.text) for tick in scale.ticks(marks, ",.6g")],
        place(mark),
        mark_told,
    )
