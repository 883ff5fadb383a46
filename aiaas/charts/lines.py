"""Curves over two axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiaas.charts.frame import Frame
from aiaas.charts.scale import Scale, Tick, log_ticks, short, spread, ticks

_NAME = 30
"""Columns that a name beside a dot may take."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """What it counts, and from where to where; as the values need it where that is not said. `log` is for values above
    zero that differ by their factor."""

    title: str
    low: float | None = None
    high: float | None = None
    form: str = ",.6g"
    log: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """A curve: its name, its points, the number of its colour, and the figure beside its name. `dots` marks the points,
    `names` stand beside them, `whiskers` are how far each may be off, and points that are not `joined` stand alone."""

    name: str
    points: Sequence[Point]
    shade: int = 0
    told: str = ""
    dots: bool = False
    whiskers: Sequence[tuple[float, float] | None] = ()
    joined: bool = True
    names: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Name:
    """What stands beside a dot, and on which side: towards the middle of the plot."""

    at: Point
    text: str
    short: str
    before: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """A series where it stands in the plot."""

    name: str
    told: str
    shade: int
    points: list[Point]
    path: str
    dots: bool
    whiskers: list[tuple[float, float, float]]
    names: list[Name]


@dataclass(frozen=True, slots=True)
class Lines(Frame):
    """A plot of curves, in pixels. `guide` is a line to hold them against."""

    curves: list[Curve]
    guide: str | None = None


def lines(
    title: str,
    series: Sequence[Series],
    across: Axis,
    up: Axis,
    *,
    guide: tuple[Point, Point] | None = None,
    width: int = 340,
    height: int = 220,
) -> Lines | None:
    """A plot of the curves; None where no curve has a point. `guide` runs from a point to another."""
    points = [point for each in series for point in each.points]
    if not points:
        return None
    x, columns = _axis(across, [point[0] for point in points], width)
    y, rows = _axis(up, [point[1] for point in points], height, up=True)

    def drawn(each: Series) -> Curve:
        points = [(x(across), y(up)) for across, up in each.points]
        return Curve(
            each.name,
            each.told,
            each.shade,
            points,
            _path(points) if each.joined else "",
            each.dots,
            [
                (point[0], y(ends[0]), y(ends[1]))
                for point, ends in zip(points, each.whiskers, strict=False)
                if ends is not None
            ],
            [
                Name(at, name, short(name, _NAME, middle="://" in name), at[0] > width / 2)
                for at, name in zip(points, each.names, strict=False)
            ],
        )

    curves = [drawn(each) for each in series if each.points]
    straight = _path([(x(across), y(up)) for across, up in guide]) if guide else None
    return Lines(title, across.title, up.title, width, height, rows, columns, curves, straight)


def _axis(
    axis: Axis, values: Sequence[float], length: float, up: bool = False
) -> tuple[Callable[[float], float], list[Tick]]:
    """Where a value stands, and the marks: round numbers, and the ends where these are said."""
    low, high = spread(values)
    low = low if axis.low is None else axis.low
    high = high if axis.high is None else axis.high
    if axis.log:
        return _log_axis(axis, min(values), max(values), length, up)
    marks = ticks(low, high, 5) if high > low else [low]
    first = marks[0] if axis.low is None else low
    last = marks[-1] if axis.high is None else high
    scale = Scale(first, last, length, up)
    room = (last - first) * 1e-9
    return scale, scale.ticks([mark for mark in marks if first - room <= mark <= last + room], axis.form)


def _log_axis(
    axis: Axis, low: float, high: float, length: float, up: bool
) -> tuple[Callable[[float], float], list[Tick]]:
    marks = log_ticks(low, high) if high > low else log_ticks(low * 0.9, low * 1.1)
    scale = Scale(math.log10(marks[0]), math.log10(marks[-1]), length, up)

    def place(value: float) -> float:
        return scale(math.log10(value))

    return place, [Tick(place(mark), f"{mark:{axis.form}}") for mark in marks]


def _path(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
