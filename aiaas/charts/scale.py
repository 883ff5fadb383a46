"""From values to places: scales, their marks, and names as long as there is room."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_WIDE = 0x2E80
"""From here on characters are about twice as wide: Chinese, Japanese, Korean."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where it stands in the plot, and the number beside it."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from `low` to `high` as places from 0 to `length`; `up` counts from the end, as heights do."""

    low: float
    high: float
    length: float
    up: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value, at the edge where it lies outside; with a digit behind the point."""
        share = self.share(value)
        return round(self.length * (1 - share if self.up else share), 1)

    def share(self, value: float) -> float:
        """The same as a share of the way from the low end to the high one."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return min(1.0, max(0.0, share))

    def ticks(self, values: Sequence[float], form: str = ",.6g") -> list[Tick]:
        return [Tick(self(value), f"{value:{form}}".replace("-", "−")) for value in values]


def spread(values: Sequence[float]) -> tuple[float, float]:
    """The smallest and the highest value, apart even where all are the same."""
    low, high = min(values), max(values)
    room = abs(low) * 0.05 or 1.0
    return (low, high) if high > low else (low - room, high + room)


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers at even distances that begin at or below `low` and end at or above `high`."""
    rough = (high - low) / about
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * each for each in (1, 2, 2.5, 5, 10) if size * each >= rough)
    return [number * step for number in range(math.floor(low / step), math.ceil(high / step) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten, with their double and their half where the way is short, that begin at or below `low` and end at
    or above `high`; both are greater than zero."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    within = (1, 2, 5) if last - first <= 2 else (1,)
    marks = [factor * 10.0**power for power in range(first, last + 1) for factor in within]
    begin = max(number for number, mark in enumerate(marks) if mark <= low * (1 + 1e-9))
    end = min(number for number, mark in enumerate(marks) if mark >= high * (1 - 1e-9))
    return marks[begin : end + 1]


def width(text: str) -> int:
    """About how many columns a text takes."""
    return sum(2 if ord(character) > _WIDE else 1 for character in text)


def short(text: str, columns: int, *, middle: bool = False) -> str:
    """A text in as many columns as there are, with a mark where something is missing: at the end, or in the `middle` of
    such names as addresses, whose ends tell them apart."""
    text = " ".join(text.split())
    if width(text) <= columns:
        return text
    if middle:
        tail = short(text[::-1], columns * 2 // 3)[-2::-1]
        return f"{short(text, columns - width(tail))}{tail}"
    taken, kept = 1, ""
    for character in text:
        taken += width(character)
        if taken > columns:
            break
        kept += character
    return f"{kept.rstrip()}…"
