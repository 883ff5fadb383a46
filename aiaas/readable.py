"""Figures as a person reads them, the same on a page, in a terminal, on a card and in an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

NONE = "–"
_STEERS = re.compile("[\x00-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def figure(value: float | None) -> str:
    """Such as 0.8203, 1,234.5 or 3.1e-05; a dash where there is none."""
    if value is None:
        return NONE
    size = abs(value)
    if size and size < 1e-3:
        return f"{value:.1e}"
    return f"{value:.4f}" if size < 100 else f"{value:,.1f}" if size < 1e6 else f"{value:.4g}"


def ends(interval: Sequence[float] | None) -> str:
    """Such as `0.8070 to 0.8322`."""
    return NONE if interval is None else f"{figure(interval[0])} to {figure(interval[1])}"


def signed(value: float | None) -> str:
    """A difference, such as +0.0123."""
    return NONE if value is None else f"{value:+.4f}" if abs(value) < 100 else f"{value:+,.1f}"


def chance(p: float | None) -> str:
    """A p value: how often as much would be seen by chance."""
    return NONE if p is None else f"{p:.2g}" if p >= 0.0001 else "<0.0001"


def cost(value: float | None) -> str:
    """In three digits, such as 0.123, 12.3 or 1,234."""
    return NONE if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def took(seconds: float) -> str:
    """Such as `12 s`, `3 min` or `2 h 5 min`."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: float) -> str:
    """Bytes in decimal units."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def value(given: Any) -> str:
    """A value of a recipe or a row, on a line."""
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, float):
        return f"{given:.6g}"
    if isinstance(given, list | tuple):
        return ", ".join(map(value, given)) or "none"
    if isinstance(given, dict):
        return ", ".join(f"{name} {value(each)}" for name, each in given.items())
    return NONE if given is None else str(given)


def named(metric: str) -> str:
    """The name of a metric without underscores."""
    return metric.replace("_", " ")


def printable(text: str) -> str:
    """A text on one line, without what steers a terminal, turns the way of reading or is not seen: a dot stands for
    it."""
    return _STEERS.sub("·", text)


def printable_lines(text: str) -> str:
    """The same, with its lines."""
    return "\n".join(map(printable, text.split("\n")))


FILTERS: Mapping[str, Callable[[Any], str]] = {
    each.__name__: each for each in (figure, ends, signed, chance, cost, took, size, value, named)
}
"""For templates."""
