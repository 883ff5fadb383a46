"""Drawings as SVG, made by templates: they need no script and no host, and follow the page into the dark.

A chart is a plain object that says where everything stands; the macros of `charts.svg.j2` draw it. A page of another
room begins with `{% extends "base.html.j2" %}` and `{% import "charts.svg.j2" as draw %}`.
"""

from aiaas.charts.cells import Cells, density, matrix
from aiaas.charts.environment import environment
from aiaas.charts.lines import Axis, Lines, Series, lines
from aiaas.charts.ranges import Range, Ranges, ranges
from aiaas.charts.scale import Scale, Tick, log_ticks, short, spread, ticks, width
from aiaas.charts.steps import Steps, steps

__all__ = [
    "Axis",
    "Cells",
    "Lines",
    "Range",
    "Ranges",
    "Scale",
    "Series",
    "Steps",
    "Tick",
    "density",
    "environment",
    "lines",
    "log_ticks",
    "matrix",
    "ranges",
    "short",
    "spread",
    "steps",
    "ticks",
    "width",
]
