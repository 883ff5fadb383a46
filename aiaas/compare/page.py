"""A comparison as a page: one file with its plots in it, in the light and in the dark, which asks no host for more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aiaas import charts, readable

if TYPE_CHECKING:
    from aiaas.compare.comparison import Comparison, Standing

LEFT, WIDTH, RIGHT, LINE = 230, 380, 90, 28
"""Of the plot of intervals: the names, the intervals, the values behind them; the height of a line."""
HEIGHT = 240
"""Of the plot of costs, without the figures below it."""
_NAME = 30


def page(found: Comparison) -> str:
    """The page as HTML."""
    return (
        charts.environment("aiaas.compare")
        .get_template("page.html.j2")
        .render(
            found=found,
            metrics=list(dict.fromkeys(name for each in found.standings for name in each.metrics)),
            intervals=_intervals(found),
            costs=_costs(found),
        )
    )


def _intervals(found: Comparison) -> dict[str, Any] | None:
    """The main metric of each, with its interval; None where no model has one."""
    known = [each for each in found.standings if each.metrics.get(found.metric) is not None]
    ends = [end for each in known for end in _ends(each, found.metric)]
    if not ends:
        return None
    scale = _Scale(min(ends), max(ends), WIDTH)
    base = next(each for each in known if each.name == found.base)
    lines = []
    for place, each in enumerate(known):
        low, high = _ends(each, found.metric)
        value = each.metrics[found.metric]
        lines.append(
            {
                "name": each.name,
                "short": _short(each.name),
                "y": place * LINE,
                "low": scale(low),
                "high": scale(high),
                "value": scale(value or 0.0),
                "told": readable.figure(value),
                "verdict": each.against[found.metric].verdict if found.metric in each.against else "base",
            }
        )
    return {
        "lines": lines,
        "base": scale(base.metrics[found.metric] or 0.0),
        "width": LEFT + WIDTH + RIGHT,
        "height": len(lines) * LINE,
        "left": LEFT,
        "ends": [f"{end:.4g}" for end in (scale.low, scale.high)],
        "plot": WIDTH,
    }


def _ends(each: Standing, metric: str) -> tuple[float, float]:
    interval, value = each.intervals.get(metric), each.metrics.get(metric) or 0.0
    return (interval.low, interval.high) if interval else (value, value)


def _costs(found: Comparison) -> dict[str, Any] | None:
    """The main metric over the time of a row, whose axis is a logarithm; None where that is known of less than two."""
    import math

    points = [
        (each, value, latency)
        for each in found.standings
        if (value := each.metrics.get(found.metric)) is not None and (latency := each.costs.latency_ms)
    ]
    if len(points) < 2:
        return None
    across = _Scale(*_span([math.log10(latency) for _, _, latency in points]), WIDTH)
    up = _Scale(*_span([value for _, value, _ in points]), HEIGHT)
    dots = [
        {
            "x": across(math.log10(latency)),
            "y": round(HEIGHT - up(value), 1),
            "name": each.name,
            "short": _short(each.name),
            "front": bool(each.front),
            "left": across(math.log10(latency)) > WIDTH / 2,
            "told": f"{each.name}: {readable.figure(value)}, {latency:.3g} ms",
        }
        for each, value, latency in points
    ]
    return {
        "dots": dots,
        "width": WIDTH,
        "height": HEIGHT,
        "across": [f"{10**end:.3g}" for end in (across.low, across.high)],
        "up": [readable.figure(end) for end in (up.low, up.high)],
    }


def _span(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


class _Scale:
    """Where a value lies on an axis of `size`, from somewhat below the lowest to somewhat above the highest."""

    def __init__(self, low: float, high: float, size: float) -> None:
        room = (high - low) * 0.08 or max(abs(high) * 0.02, 1e-9)
        self.low, self.high, self._size = low - room, high + room, size

    def __call__(self, value: float) -> float:
        return round((value - self.low) / (self.high - self.low) * self._size, 1)


def _short(name: str) -> str:
    """A name as long as the plot has room; of an address its end, which tells it from others."""
    if len(name) <= _NAME:
        return name
    return f"…{name[1 - _NAME :]}" if "://" in name else f"{name[: _NAME - 1]}…"
