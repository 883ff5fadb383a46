"""Values of a table that were measured roughly, or not at all."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

SPREAD = 0.1
"""Noise is so large a part of the standard deviation of its column."""
ABSENT = 0.1
"""The share of the values that are taken away."""


def noise(values: Sequence[Any]) -> Callable[[Any, Random], Any]:
    """Adds what is drawn from a normal distribution; a whole number stays whole. A column of one value stays as it
    is."""
    known = [float(value) for value in values if _is_number(value)]
    size = SPREAD * statistics.pstdev(known) if known else 0.0

    def change(value: Any, chance: Random) -> Any:
        if not _is_number(value):
            return value
        moved = value + chance.gauss(0, size)
        return round(moved) if isinstance(value, int) else moved

    return change


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def missing(value: Any, chance: Random) -> Any:
    """Now and then nothing."""
    return None if chance.random() < ABSENT else value
