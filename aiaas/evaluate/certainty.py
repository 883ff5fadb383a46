"""How far each metric of a model may be off: intervals over the test rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Signature, Statistic, Task, Weighs, WeighsClasses
from aiaas.evaluate.scoring import Scored
from aiaas.statistics import Interval, Method, Resamples, intervals

if TYPE_CHECKING:
    from aiaas.recipe import Evaluate

METHOD: Method = "bca"
"""The one whose intervals hold the true value most often on few rows; docs/benchmarks.md has the figures."""
Ends = list[float] | None
"""An interval as JSON: from where to where, None where there is none."""


def of(section: Evaluate, seed: int, scored: Scored, task: Task, signature: Signature) -> dict[str, Any] | None:
    """The intervals of the flat metrics under `metrics`, those of single classes under `classes`; None where the recipe
    wants none, or the task does not say how its metrics weigh rows."""
    wanted = section.intervals
    if not wanted.samples or not isinstance(task, Weighs):
        return None
    flat = task.statistics(scored.targets, scored.scores, signature)
    own: Mapping[str, Mapping[str, Statistic]] = {}
    if isinstance(task, WeighsClasses):
        own = task.class_statistics(scored.targets, scored.scores, signature)
    named: dict[tuple[str, ...], Statistic] = {(name,): each for name, each in flat.items()}
    named |= {(label, name): each for label, figures in own.items() for name, each in figures.items()}
    found = intervals(named, Resamples(len(scored), wanted.samples, seed), wanted.level, METHOD)
    classes = {label: {name: ends(found[label, name]) for name in figures} for label, figures in own.items()}
    return {
        "level": wanted.level,
        "samples": wanted.samples,
        "method": METHOD,
        "metrics": {name: ends(found[(name,)]) for name in flat},
        **({"classes": classes} if classes else {}),
    }


def ends(interval: Interval | None) -> Ends:
    return None if interval is None else [interval.low, interval.high]


def flat(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The ends of the intervals as numbers of their own, `NAME_low` and `NAME_high`, for trackers."""
    found = metrics.get("intervals", {}).get("metrics", {})
    return {
        f"{name}_{which}": value
        for name, interval in found.items()
        if interval is not None
        for which, value in zip(("low", "high"), interval, strict=True)
    }
