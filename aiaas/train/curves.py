"""Learning curves as a picture: an SVG that needs nothing but a viewer, in the light and in the dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PANELS = 4
WIDTH, HEIGHT = 300, 170
"""Of the plot in a panel, without its words."""
LEFT, TOP, GAP, BOTTOM = 58, 52, 34, 42
_HELD_OUT = "validation_"
_AXES = ("step", "epoch")
_SETTINGS = ("learning_rate", "seconds", "examples_per_second")
"""What a fit reports that it was not judged by."""

History = Sequence[Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where it stands in the plot, and the number beside it."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric of one split: `kind` is train or validation, `points` as an SVG path, `last` where it ends."""

    kind: str
    path: str
    last: tuple[float, float]
    value: str


def curves_svg(history: History) -> str | None:
    """The loss and the other metrics of a fit over its epochs, training and validation rows in one plot each.

    `history` is what was reported, each with its `step`. None where there are fewer than two points of anything.
    """
    axis = "epoch" if all("epoch" in each for each in history) else "step"
    panels = [panel for name in _names(history) if (panel := _panel(name, history, axis))][:PANELS]
    if not panels:
        return None
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("aiaas.train", "templates"), autoescape=True, undefined=StrictUndefined
    )
    for number, panel in enumerate(panels):
        panel["x"] = LEFT + number * (WIDTH + LEFT + GAP)
    return environment.get_template("curves.svg.j2").render(
        panels=panels,
        axis=axis,
        top=TOP,
        width=WIDTH,
        height=HEIGHT,
        full_width=len(panels) * (WIDTH + LEFT + GAP),
        full_height=TOP + HEIGHT + BOTTOM,
    )


def _names(history: History) -> list[str]:
    """What was measured, the loss first, else in the order of the reports."""
    seen = {name.removeprefix(_HELD_OUT): None for each in history for name in each}
    names = [name for name in seen if name not in (*_AXES, *_SETTINGS)]
    return sorted(names, key=lambda name: name != "loss")


def _panel(name: str, history: History, axis: str) -> dict[str, Any] | None:
    """The curves of one metric with their axes; None where no split has two points."""
    found = {
        kind: [(each[axis], each[key]) for each in history if key in each and math.isfinite(each[key])]
        for kind, key in (("train", name), ("validation", f"{_HELD_OUT}{name}"))
    }
    found = {kind: points for kind, points in found.items() if len(points) > 1}
    if not found:
        return None
    xs = [x for points in found.values() for x, _ in points]
    ys = _ticks(*_range([y for points in found.values() for _, y in points]))
    low, high, first, last = ys[0], ys[-1], min(xs), max(xs)

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - first) / (last - first) if last > first else 0.5
        return round(across * WIDTH, 1), round(HEIGHT * (1 - (y - low) / (high - low)), 1)

    curves = [
        Curve(
            kind,
            "M" + " L".join(f"{x} {y}" for x, y in (place(*point) for point in points)),
            place(*points[-1]),
            f"{points[-1][1]:.4g}",
        )
        for kind, points in found.items()
    ]
    return {
        "name": name,
        "curves": curves,
        "rows": [Tick(place(first, y)[1], f"{y:.6g}") for y in ys],
        "columns": [Tick(place(x, low)[0], f"{x:,.0f}") for x in _whole(first, last)],
    }


def _range(values: Sequence[float]) -> tuple[float, float]:
    """The smallest and the highest value, apart even where all are the same."""
    low, high = min(values), max(values)
    room = abs(low) * 0.05 or 1.0
    return (low, high) if high > low else (low - room, high + room)


def _ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers at even distances that begin at or below `low` and end at or above `high`."""
    rough = (high - low) / about
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * each for each in (1, 2, 2.5, 5, 10) if size * each >= rough)
    return [number * step for number in range(math.floor(low / step), math.ceil(high / step) + 1)]


def _whole(first: float, last: float) -> list[float]:
    """Whole numbers from the first to the last epoch or step, a few of them."""
    step = max(1, round((last - first) / 4))
    inner = [first + number * step for number in range(1, 4)]
    return [first, *(x for x in inner if x <= last - step / 2), *([last] if last > first else [])]
