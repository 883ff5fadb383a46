"""A comparison as a page: one file with its plots in it, in the light and in the dark, which asks no host for more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiaas import charts, readable

if TYPE_CHECKING:
    from aiaas.compare.comparison import Comparison, Standing

WIDTH = 560
"""Of the plot of costs."""


def page(found: Comparison) -> str:
    """The page as HTML."""
    template = charts.environment("aiaas.compare").get_template("page.html.j2")
    return template.render(
        found=found,
        metrics=list(dict.fromkeys(name for each in found.standings for name in each.metrics)),
        intervals=_intervals(found),
        costs=_costs(found),
    )


def _intervals(found: Comparison) -> charts.Ranges | None:
    """The main metric of each, with its interval; None where no model has one."""
    values = []
    for each in found.standings:
        value, interval = each.metrics.get(found.metric), each.intervals.get(found.metric)
        low, high = (interval.low, interval.high) if interval else (None, None)
        verdict = each.against[found.metric].verdict if found.metric in each.against else ""
        told = " ".join(filter(None, (readable.figure(value), "base" if each.name == found.base else verdict)))
        values.append(charts.Range(each.name, value, low, high, told, bad=verdict == "worse", good=verdict == "better"))
    base = next((each.metrics.get(found.metric) for each in found.standings if each.name == found.base), None)
    return charts.ranges(f"{found.metric} of each model", values, mark=base)


def _costs(found: Comparison) -> charts.Lines | None:
    """The main metric over the time of a row; None where that is known of less than two."""
    known = [each for each in found.standings if each.metrics.get(found.metric) is not None and each.costs.latency_ms]
    if len(known) < 2:
        return None

    def series(name: str, of: list[Standing], shade: int) -> charts.Series:
        points = [(each.costs.latency_ms or 0.0, each.metrics[found.metric] or 0.0) for each in of]
        return charts.Series(name, points, shade, dots=True, joined=False, names=[each.name for each in of])

    return charts.lines(
        f"{found.metric} over the time of one row",
        [
            series("on the Pareto front", [each for each in known if each.front], 0),
            series("not on it", [each for each in known if not each.front], 5),
        ],
        charts.Axis("one row, ms", log=True),
        charts.Axis(found.metric),
        width=WIDTH,
    )
