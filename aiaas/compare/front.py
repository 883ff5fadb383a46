"""Who is beaten by nobody in all respects at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def front(points: Mapping[str, Sequence[float]]) -> set[str]:
    """The names of the Pareto front. Of each point (respects,) less is better; one that another is nowhere behind and
    somewhere before is beaten. Of equal points none beats the other."""
    return {name for name, point in points.items() if not any(_beats(other, point) for other in points.values())}


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(mine <= theirs for mine, theirs in pairs) and any(mine < theirs for mine, theirs in pairs)


def about(value: float) -> float:
    """A measured cost to two digits: what is faster by a hundredth is not faster."""
    return float(f"{value:.1e}")
