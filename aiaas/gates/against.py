"""Whether a model is worse than another one by more than chance, on the same rows, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from aiaas.contracts import Signature, Statistic, Task, Weighs, WeighsClasses
from aiaas.evaluate.certainty import ends
from aiaas.evaluate.notes import FEW
from aiaas.statistics import (
    Difference,
    Resamples,
    by_spread,
    holm,
    mcnemar,
    observed,
    paired,
    percentile,
    replicates,
    within,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aiaas.recipe.gate import Against

    Masks = Mapping[tuple[str, str], NDArray[np.bool_]]

ACCURACY = "accuracy"
"""The metric of rows that are right or wrong, for which there is a test of its own."""
_CLASS = "f1"
"""The metric of single classes."""
_Part = tuple[str, str, str]
"""A part of the rows: its metric where that is another one, its kind, its value."""


@dataclass(frozen=True, slots=True)
class Side:
    """One model's scores (n, outputs) of the rows, and what it is judged by."""

    scores: NDArray[np.float32]
    signature: Signature


@dataclass(frozen=True, slots=True)
class Pair:
    """Two models on the same rows: targets (n,), the one that is there, and the one that wants to be."""

    task: Task
    targets: NDArray[Any]
    before: Side
    after: Side

    def __len__(self) -> int:
        return len(self.after.scores)

    def statistics(self) -> tuple[Mapping[str, Statistic], Mapping[str, Statistic]]:
        """The metrics of both as functions of weights."""
        assert isinstance(self.task, Weighs), "`judge` refuses other tasks"
        before, after = (
            self.task.statistics(self.targets, side.scores, side.signature) for side in (self.before, self.after)
        )
        return before, after

    def of_classes(self) -> tuple[Mapping[str, Statistic], Mapping[str, Statistic]]:
        """The f1 of each class of both, by its label; nothing where the task has none."""
        if not isinstance(self.task, WeighsClasses):
            return {}, {}
        before, after = (
            self.task.class_statistics(self.targets, side.scores, side.signature) for side in (self.before, self.after)
        )
        return _f1(before), _f1(after)

    def right(self, side: Side) -> NDArray[np.bool_]:
        """Which rows (n,) a classifier got right, by what a caller is answered."""
        right: NDArray[np.bool_] = side.signature.decide(side.scores) == self.targets
        return right


@dataclass(frozen=True, slots=True)
class Held:
    """How much more the model has of the metric than the one before; `worse`: less good by more than chance and than
    the margin. `p` is that of the test, two-sided, of a difference of the margin. Of a classifier, how many rows only
    one of both got right."""

    metric: str
    rows: int
    before: float
    after: float
    difference: float
    interval: list[float] | None
    test: Literal["McNemar", "paired bootstrap"]
    p: float | None
    worse: bool
    only_before: int | None = None
    only_after: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {name: each for name, each in asdict(self).items() if each is not None or name in ("interval", "p")}


def hold(pair: Pair, asked: Against, metric: str, resamples: Resamples) -> Held | None:
    """Hold the second model against the first by the metric; None where it is not defined for one of them.

    Accuracy is judged by McNemar's test, exact; with a margin, and for every other metric, by the paired bootstrap. Of
    equal models at most half of what `asked.level` leaves are said to be worse: the other half of the test is to the
    better.
    """
    better = pair.task.METRICS[metric]
    before, after = ({metric: each[metric]} for each in pair.statistics())
    one, other = (observed(each, len(pair))[metric] for each in (before, after))
    if one != one or other != other:
        return None
    shift = -asked.margin if better == "higher" else asked.margin
    shifted = {metric: lambda weights: before[metric](weights) + shift}
    apart = paired(shifted, after, resamples, asked.level)[metric]
    interval = [each + shift for each in apart.interval] if apart.interval else None
    held = Held(
        metric,
        len(pair),
        one,
        other,
        other - one,
        interval,
        "paired bootstrap",
        _known(apart.p),
        apart.is_worse(better, asked.level),
    )
    if metric != ACCURACY or not pair.after.signature.labels:
        return held
    tested = mcnemar(pair.right(pair.before), pair.right(pair.after))
    held = replace(held, only_before=tested.only_first, only_after=tested.only_second)
    if asked.margin:
        return held
    worse = tested.p < 1 - asked.level and tested.only_first > tested.only_second
    return replace(held, test="McNemar", p=tested.p, worse=worse)


def where(pair: Pair, metric: str, masks: Masks, resamples: Resamples, level: float) -> list[dict[str, Any]]:
    """The same by class (their f1) and by slice, as far as there are rows enough: what each model has there, how far
    they are apart, and whether this one is worse. `p` is corrected for how many they are, and is from the spread of the
    samples: a share of so many samples could not be small enough to be told apart from chance among many parts."""
    import numpy as np

    better = {"": pair.task.METRICS[metric], _CLASS: "higher"}
    sides: list[dict[_Part, Statistic]] = []
    for flat, classes in zip(pair.statistics(), pair.of_classes(), strict=True):
        found: dict[_Part, Statistic] = {(_CLASS, "class", label): each for label, each in classes.items()}
        sides.append(found | {("", *name): _within(flat[metric], mask) for name, mask in masks.items()})
    before, after = sides
    labels = pair.after.signature.labels
    rows = {part: int(np.sum(pair.targets == labels.index(part[2]))) for part in before if part[0] == _CLASS}
    rows |= {("", *name): int(mask.sum()) for name, mask in masks.items()}
    before = {part: each for part, each in before.items() if rows[part] >= FEW}
    differences = {part: _less(after[part], each) for part, each in before.items()}
    there, values = (observed(each, len(pair)) for each in (before, differences))
    apart = {
        part: Difference(values[part], percentile(samples, level), by_spread(values[part], samples))
        for part, samples in replicates(differences, resamples).items()
    }
    adjusted = dict(zip(apart, holm([each.p for each in apart.values()]), strict=True))
    return [
        {
            "kind": part[1],
            "value": part[2],
            "metric": part[0] or metric,
            "rows": rows[part],
            "before": there[part],
            "after": there[part] + each.value,
            "difference": each.value,
            "interval": ends(each.interval),
            "p": _known(adjusted[part]),
            "worse": replace(each, p=adjusted[part]).is_worse(better[part[0]], level),
        }
        for part, each in apart.items()
        if each.value == each.value
    ]


def _f1(classes: Mapping[str, Mapping[str, Statistic]]) -> dict[str, Statistic]:
    return {label: figures[_CLASS] for label, figures in classes.items() if _CLASS in figures}


def _less(one: Statistic, other: Statistic) -> Statistic:
    return lambda weights: one(weights) - other(weights)


def _within(statistic: Statistic, mask: NDArray[np.bool_]) -> Statistic:
    return lambda weights: statistic(next(within([weights], mask)))


def _known(p: float) -> float | None:
    return None if p != p else p
