"""Curves over two axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from aiaas.charts.scale import Scale, Tick, spread, ticks

LEFT, TOP, RIGHT, BOTTOM = 50, 26, 14, 40
"""Room around the plot for its words."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """What it counts, and from where to where; as the values need it where that is not said."""

    title: str
    low: float | None = None
    high: float | None = None
    form: str = ",.6g"


@dataclass(frozen=True, slots=True)
class Series:
    """A curve: its name, its points, the number of its colour, and the figure beside its name. `dots` marks the points,
    `whiskers` are how far each may be off, and points that are not `joined` stand alone."""

    name: str
    points: Sequence[Point]
    shade: int = 0
    told: str = ""
    dots: bool = False
    whiskers: Sequence[tuple[float, float] | None] = ()
    joined: bool = True


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


@dataclass(frozen=True, slots=True)
class Lines:
    """A plot of curves, in pixels. `guide` is a line to hold them against."""

    title: str
    across: str
    up: str
    width: int
    height: int
    rows: list[Tick]
    columns: list[Tick]
    curves: list[Curve]
    guide: str | None = None
    left: int = field(default=LEFT, init=False)
    top: int = field(default=TOP, init=False)
    full_width: int = field(init=False)
    full_height: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "full_width", LEFT + self.width + RIGHT)
        object.__setattr__(self, "full_height", TOP + self.height + BOTTOM)


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
    x = _axis(across, [point[0] for point in points], width)
    y = _axis(up, [point[1] for point in points], height, up=True)

    def place(point: Point) -> Point:
        return x[0](point[0]), y[0](point[1])

    curves = [
        Curve(
            each.name,
            each.told,
            each.shade,
            [place(point) for point in each.points],
            _path([place(point) for point in each.points]) if each.joined else "",
            each.dots,
            [
                (x[0](point[0]), y[0](ends[0]), y[0](ends[1]))
                for point, ends in zip(each.points, each.whiskers, strict=False)
                if ends is not None
            ],
        )
        for each in series
        if each.points
    ]
    straight = _path([place(guide[0]), place(guide[1])]) if guide else None
    return Lines(title, across.title, up.title, width, height, y[1], x[1], curves, straight)


def _axis(axis: Axis, values: Sequence[float], length: float, up: bool = False) -> tuple[Scale, list[Tick]]:
    """A scale with its marks: round numbers, and the ends where these are said."""
    low, high = spread(values)
    low = low if axis.low is None else axis.low
    high = high if axis.high is None else axis.high
    marks = ticks(low, high, 5) if high > low else [low]
    first = marks[0] if axis.low is None else low
    last = marks[-1] if axis.high is None else high
    scale = Scale(first, last, length, up)
    room = (last - first) * 1e-9
    return scale, scale.ticks([mark for mark in marks if first - room <= mark <= last + room], axis.form)


def _path(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
