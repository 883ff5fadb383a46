"""Learning curves as a picture: an SVG that needs nothing but a viewer, in the light and in the dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiaas.charts import Tick, spread, ticks

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
class Measure:
    """What a fit reported of one metric: the points of each split that has two at least, over epochs or steps."""

    name: str
    axis: str
    points: Mapping[str, list[tuple[float, float]]]


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
    found = measured(history)[:PANELS]
    if not found:
        return None
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("aiaas.train", "templates"), autoescape=True, undefined=StrictUndefined
    )
    panels = [_panel(each) for each in found]
    for number, panel in enumerate(panels):
        panel["x"] = LEFT + number * (WIDTH + LEFT + GAP)
    return environment.get_template("curves.svg.j2").render(
        panels=panels,
        axis=found[0].axis,
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


def measured(history: History) -> list[Measure]:
    """The metrics that a fit reported twice or more, the loss first."""
    axis = "epoch" if all("epoch" in each for each in history) else "step"
    found = []
    for name in _names(history):
        points = {
            kind: [(each[axis], each[key]) for each in history if key in each and math.isfinite(each[key])]
            for kind, key in (("train", name), ("validation", f"{_HELD_OUT}{name}"))
        }
        found.append(Measure(name, axis, {kind: each for kind, each in points.items() if len(each) > 1}))
    return [each for each in found if each.points]


def _panel(measure: Measure) -> dict[str, Any]:
    """The curves of one metric with their axes."""
    found = measure.points
    xs = [x for points in found.values() for x, _ in points]
    ys = ticks(*spread([y for points in found.values() for _, y in points]))
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
        "name": measure.name,
        "curves": curves,
        "rows": [Tick(place(first, y)[1], f"{y:.6g}") for y in ys],
        "columns": [Tick(place(x, low)[0], f"{x:,.0f}") for x in _whole(first, last)],
    }


def _whole(first: float, last: float) -> list[float]:
    """Whole numbers from the first to the last epoch or step, a few of them."""
    step = max(1, round((last - first) / 4))
    inner = [first + number * step for number in range(1, 4)]
    return [first, *(x for x in inner if x <= last - step / 2), *([last] if last > first else [])]
