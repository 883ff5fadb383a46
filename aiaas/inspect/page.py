"""An inspection as a page: one file with its plots in it, in the light and in the dark, which asks no host for more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiaas.inspect.report import Facts, Histogram, Report

CLASSES, COLUMNS = 30, 60
"""How many are shown."""
LEFT, BARS, RIGHT, LINE = 170, 360, 110, 24
"""Of a plot of bars: the names, the bars, the figures behind them; the height of a line."""
HEIGHT = 90
"""Of a histogram, without the figures below it."""
_SPLITS = ("train", "validation", "test")
_NAME = 22


def page(report: Report, subject: str) -> str:
    """The page as HTML; `subject` is what was looked at."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("aiaas.inspect", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pictures = report.pictures.sizes if report.pictures else {}
    columns = [each for each in report.columns if each.role != "label"]  # its values are the classes
    return environment.get_template("page.html.j2").render(
        subject=subject,
        report=report,
        splits=[name for name in _SPLITS if name in report.rows.splits],
        classes=_classes(report),
        columns=[{"facts": each, "plot": _plot(each)} for each in columns[:COLUMNS]],
        more_columns=len(columns) - COLUMNS,
        languages=bars({name: [share] for name, share in report.languages.items()}, _percent),
        sizes=bars({name: [count] for name, count in pictures.items()}),
        personal=bars({name: [count] for name, count in report.personal.items()}),
        shown={"classes": CLASSES},
    )


def _classes(report: Report) -> dict[str, Any] | None:
    """The rows of each class, those of each split in a shade of their own."""
    splits = [name for name in _SPLITS if name in report.rows.splits]
    shown = report.classes[:CLASSES]
    return bars({each.label: [each.splits[name] for name in splits] or [each.rows] for each in shown})


def _percent(share: float) -> str:
    return "< 1%" if 0 < share < 0.01 else f"{share:.0%}"


def bars(
    values: Mapping[str, Sequence[float]], form: Callable[[float], str] = "{:,.0f}".format
) -> dict[str, Any] | None:
    """A plot of bars that lie: a name each, its parts one behind the other. None where there is nothing to show."""
    if not values:
        return None
    most = max(sum(parts) for parts in values.values()) or 1
    lines = []
    for number, (name, parts) in enumerate(values.items()):
        x = float(LEFT)
        pieces = []
        for shade, part in enumerate(parts):
            width = round(part / most * BARS, 1)
            pieces.append({"x": round(x, 1), "width": width, "shade": shade})
            x += width
        told = form(sum(parts))
        lines.append({"name": name, "short": _short(name), "y": number * LINE, "parts": pieces, "told": told, "end": x})
    return {"lines": lines, "width": LEFT + BARS + RIGHT, "height": len(lines) * LINE, "left": LEFT, "line": LINE}


def _plot(facts: Facts) -> dict[str, Any] | None:
    """How the values of a column are spread: lengths of texts, numbers, or the most frequent ones."""
    if facts.lengths:
        longer = facts.lengths.longest > facts.lengths.histogram.edges[-1]
        return {
            "histogram": histogram(facts.lengths.histogram),
            "what": "characters and more" if longer else "characters",
        }
    if facts.numbers:
        return {"histogram": histogram(facts.numbers.histogram), "what": "values"}
    if facts.role == "feature" and facts.common:
        return {"bars": bars({each.value: [each.rows] for each in facts.common})}
    return None


def histogram(counted: Histogram) -> dict[str, Any]:
    """A plot of bars that stand side by side."""
    most = max(counted.counts) or 1
    step = BARS / len(counted.counts)
    columns = [
        {
            "x": round(place * step, 1),
            "width": round(max(1.0, step - 1), 1),
            "height": round(max(count / most * HEIGHT, 1 if count else 0), 1),
            "told": f"{low:g} to {high:g}: {count:,}",
        }
        for place, (count, low, high) in enumerate(
            zip(counted.counts, counted.edges[:-1], counted.edges[1:], strict=True)
        )
    ]
    ends = [f"{counted.edges[0]:,.6g}", f"{counted.edges[-1]:,.6g}"]
    return {"columns": columns, "width": BARS, "height": HEIGHT, "ends": ends}


def _short(name: str) -> str:
    """A name as long as the plot has room: Chinese characters are twice as wide."""
    width, kept = 0, ""
    for character in name:
        width += 2 if ord(character) > 0x2E80 else 1
        if width > _NAME:
            return f"{kept}…"
        kept += character
    return kept
