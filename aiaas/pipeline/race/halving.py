"""Who gets how much of a budget: successive halving, as arithmetic.

In each round those that still learn share alike what the round has, then the worse half is out. What one leaves over,
because its fit ended before its share did, is there for the others in the rounds to come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, inf, isnan, log2
from typing import Literal


def rounds(learning: int) -> int:
    """How many rounds it takes until one of so many is left; one where there is one."""
    return max(1, ceil(log2(learning)))


def share(left: float, learning: int) -> int:
    """Whole seconds that each of so many gets in the next round, of `left` seconds for all rounds; 0 where that is
    less than one."""
    return max(0, int(left / rounds(learning) / learning))


def better_half(scores: Mapping[str, float | None], better: Literal["higher", "lower"]) -> Sequence[str]:
    """The names of the better half, the best first, of an odd number the larger one. Of equal ones the first named is
    better; one that has no score is worse than all that have."""
    ordered = sorted(scores, key=lambda name: _cost(scores[name], better))
    return ordered[: ceil(len(ordered) / 2)]


def _cost(score: float | None, better: Literal["higher", "lower"]) -> float:
    if score is None or isnan(score):
        return inf
    return -score if better == "higher" else score
