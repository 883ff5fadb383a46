"""Parts of the test rows judged apart, and those that are worse than the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Signature, Task, Weighs
from aiaas.evaluate.certainty import METHOD, ends
from aiaas.evaluate.grouping import grouped, in_order
from aiaas.evaluate.notes import FEW
from aiaas.evaluate.origin import Origin
from aiaas.evaluate.scoring import Scored
from aiaas.statistics import Resamples, against_rest, holm, intervals, known, observed

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

    from aiaas.recipe import Evaluate

    Masks = Mapping[tuple[str, str], NDArray[np.bool_]]

SAMPLES = 1000
"""By how many samples slices are held against the rest where the recipe wants no intervals."""


def of(
    section: Evaluate,
    seed: int,
    scored: Scored,
    task: Task,
    signature: Signature,
    rows: Dataset,
    origin: Origin,
    addresses: Sequence[str],
) -> dict[str, Any]:
    """Under `slices` each one with its rows and what these alone give: metrics and their intervals. Those with enough
    rows are held against all other rows by the first metric of the task, and `p` is corrected for how many they are;
    `worst` are the significantly worse ones, the farthest first. Nothing where the task does not weigh its rows."""
    if not isinstance(task, Weighs):
        return {}
    masks = masks_of(section.slices, task, signature, rows, origin, addresses)
    found = [
        {"slice": kind, "value": value, **_judged(section, seed, scored, task, signature, mask)}
        for (kind, value), mask in masks.items()
    ]
    _hold_against_rest(found, section, seed, scored, task, signature, masks)
    return {"slices": found, "worst": _worst(found)}


def _hold_against_rest(
    found: Sequence[dict[str, Any]],
    section: Evaluate,
    seed: int,
    scored: Scored,
    task: Weighs,
    signature: Signature,
    masks: Masks,
) -> None:
    """Say of each large slice how far it is from all other rows."""
    statistics = task.statistics(scored.targets, scored.scores, signature)
    metric = next((name for name, value in observed(statistics, len(scored)).items() if value == value), None)
    if metric is None:
        return
    large = {name: mask for name, mask in masks.items() if mask.sum() >= FEW and (~mask).sum() >= FEW}
    resamples = Resamples(len(scored), section.intervals.samples or SAMPLES, seed)
    apart = against_rest(statistics[metric], large, resamples, section.intervals.level)
    adjusted = dict(zip(apart, holm([each.p for each in apart.values()]), strict=True))
    for each in found:
        name = (each["slice"], each["value"])
        if name in apart:
            difference = replace(apart[name], p=adjusted[name])
            each["against_rest"] = {
                "metric": metric,
                "difference": difference.value,
                "interval": ends(difference.interval),
                "p": known(difference.p),
                "worse": difference.is_worse(task.METRICS[metric], section.intervals.level),
            }


def masks_of(
    slices: Sequence[str], task: Task, signature: Signature, rows: Dataset, origin: Origin, addresses: Sequence[str]
) -> Masks:
    """Which rows (n,) are in each slice, by its kind and its value. Raises DataError for a column that was not
    collected."""
    import numpy as np

    groups = [(kind, grouped(kind, rows, task, signature, origin, addresses)) for kind in slices]
    return {(kind, value): np.array(names) == value for kind, names in groups for value in in_order(names)}


def _judged(
    section: Evaluate, seed: int, scored: Scored, task: Weighs, signature: Signature, mask: NDArray[np.bool_]
) -> dict[str, Any]:
    """What the rows of a slice give, as if there were no others."""
    count = int(mask.sum())
    targets = scored.targets[mask] if len(scored.targets) else scored.targets
    statistics = task.statistics(targets, scored.scores[mask], signature)
    figures = observed(statistics, count)
    wanted = section.intervals
    found: dict[str, Any] = {
        "rows": count,
        "few": count < FEW,
        "metrics": {name: known(value) for name, value in figures.items()},
    }
    if wanted.samples:
        judged = intervals(statistics, Resamples(count, wanted.samples, seed), wanted.level, METHOD)
        found["intervals"] = {name: ends(each) for name, each in judged.items()}
    return found


def _worst(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The significantly worse slices, the farthest from the rest first."""
    worse = [each for each in found if each.get("against_rest", {}).get("worse")]
    worse.sort(key=lambda each: -abs(each["against_rest"]["difference"]))
    return [
        {
            "slice": each["slice"],
            "value": each["value"],
            "rows": each["rows"],
            "metric": each["against_rest"]["metric"],
            "here": each["metrics"][each["against_rest"]["metric"]],
            "difference": each["against_rest"]["difference"],
            "p": each["against_rest"]["p"],
        }
        for each in worse
    ]
