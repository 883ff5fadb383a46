"""Whether each model differs from one of them by more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from aiaas.contracts import Statistic
from aiaas.statistics import (
    Difference,
    Interval,
    Resamples,
    bca,
    difference,
    holm,
    jackknife,
    known,
    mcnemar,
    observed,
    replicates,
)
from aiaas.statistics.bootstrap import GROUPS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Drawn = Mapping[tuple[str, str], NDArray[np.float64]]

ACCURACY = "accuracy"
"""The share of rows answered rightly, wherever a task has it: which rows these are is then tested."""
Ways = Mapping[str, Literal["higher", "lower"]]


@dataclass(frozen=True, slots=True)
class Test:
    """How much more than the base a model has of a metric. `p` is two-sided and corrected for how many models are held
    against the base; `verdict` is `better` or `worse` where it is below what the level leaves, else `unproven`."""

    difference: float | None
    interval: Interval | None
    p: float | None
    test: Literal["mcnemar", "bootstrap"]
    verdict: Literal["better", "worse", "unproven"]

    def as_dict(self) -> dict[str, Any]:
        interval = None if self.interval is None else list(self.interval)
        return {
            "difference": self.difference,
            "interval": interval,
            "p": self.p,
            "test": self.test,
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True)
class Sampled:
    """What each statistic of each model, by their names, is on the rows, on samples of them, and without some."""

    values: Mapping[tuple[str, str], float]
    drawn: Drawn
    left_out: Drawn

    @classmethod
    def of(cls, statistics: Mapping[str, Mapping[str, Statistic]], resamples: Resamples) -> Sampled:
        """All models are given the same samples of the same rows, which are gone through once."""
        named = {(who, name): each for who, own in statistics.items() for name, each in own.items()}
        return cls(
            observed(named, resamples.rows),
            replicates(named, resamples),
            replicates(named, jackknife(resamples.rows, GROUPS)),
        )

    def interval(self, who: str, name: str, level: float) -> Interval | None:
        key = (who, name)
        value = self.values[key]
        return bca(self.drawn[key], value, self.left_out[key], level) if value == value else None


def against(
    base: str,
    others: Sequence[str],
    sampled: Sampled,
    right: Mapping[str, NDArray[np.bool_]],
    ways: Ways,
    level: float,
) -> dict[str, dict[str, Test]]:
    """Each of the others held against the base, by its name and that of the metric. `right` says of each model which
    rows (n,) it answered rightly, where that can be said.

    Accuracy is tested by McNemar's exact test, all else by the paired bootstrap. Holm's correction is over the models,
    metric by metric: metrics of one model rise and fall together and are no further tests of their own.
    """
    found: dict[str, dict[str, Test]] = {who: {} for who in others}
    for name, way in ways.items():
        apart: dict[str, Difference] = {}
        kinds: dict[str, Literal["mcnemar", "bootstrap"]] = {}
        for who in others:
            if (base, name) not in sampled.values or (who, name) not in sampled.values:
                continue
            value = sampled.values[who, name] - sampled.values[base, name]
            apart[who] = difference(value, sampled.drawn[who, name] - sampled.drawn[base, name], level)
            kinds[who] = "bootstrap"
            if name == ACCURACY and {base, who} <= right.keys():
                apart[who] = replace(apart[who], p=mcnemar(right[base], right[who]).p)
                kinds[who] = "mcnemar"
        corrected = holm([each.p for each in apart.values()])
        for (who, each), p in zip(apart.items(), corrected, strict=True):
            found[who][name] = _test(replace(each, p=p), kinds[who], way, level)
    return found


def _test(
    found: Difference, kind: Literal["mcnemar", "bootstrap"], way: Literal["higher", "lower"], level: float
) -> Test:
    verdict: Literal["better", "worse", "unproven"] = "unproven"
    if found.p < 1 - level and found.value != 0:
        verdict = "worse" if found.is_worse(way, level) else "better"
    return Test(known(found.value), found.interval, known(found.p), kind, verdict)
