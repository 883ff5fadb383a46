"""The comparison itself: figures of each model on the same rows, and how each stands to one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aiaas import plugins
from aiaas.compare import answers, notes
from aiaas.compare.alike import alike
from aiaas.compare.answers import Differing
from aiaas.compare.front import about, front
from aiaas.compare.shown import with_inputs
from aiaas.compare.subjects import COSTS, Costs, Kind, Subject
from aiaas.compare.testing import Sampled, Test, against
from aiaas.contracts import Task, Weighs
from aiaas.errors import RemoteError, UsageError
from aiaas.statistics import Interval, Resamples, agreement, kappa, known

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aiaas.evaluate import Kept

    Labels = Mapping[str, NDArray[np.object_]]

SAMPLES = 1000
SAMPLES_A_MODEL = 100
"""Where many are compared, p of the bootstrap must be able to get small enough to outlast the correction."""
RUNNING = ("latency_ms", "memory_mb", "size_mb")
"""What it costs to have a model at work: with its main metric, what the Pareto front is of."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One of those that were compared. `metrics`, `intervals` and `against` are by the name of the metric; of the base
    `against` is empty, and agreement and kappa are None. `front` says that no other is nowhere behind and somewhere
    before; it is None for one that answered nothing."""

    name: str
    kind: Kind
    asked: int
    failed: Mapping[str, int]
    costs: Costs
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    intervals: Mapping[str, Interval | None] = field(default_factory=dict)
    against: Mapping[str, Test] = field(default_factory=dict)
    agreement: float | None = None
    kappa: float | None = None
    front: bool | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "asked": self.asked,
            "failed": dict(self.failed),
            "metrics": dict(self.metrics),
            "intervals": {name: None if each is None else list(each) for name, each in self.intervals.items()},
            "against": {name: each.as_dict() for name, each in self.against.items()},
            "agreement": self.agreement,
            "kappa": self.kappa,
            "costs": self.costs.as_dict(),
            "front": self.front,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """All models on the `rows` that all of them answered. `metric` is the main one, `respects` what the Pareto front is
    of; `differ` counts the rows that are answered differently, of which `shown` are some."""

    task: str
    base: str
    metric: str
    rows: int
    level: float
    samples: int
    respects: Sequence[str]
    standings: Sequence[Standing]
    differ: int
    shown: Sequence[Differing]
    notes: Sequence[str]

    @property
    def failed(self) -> bool:
        """Whether some of them did not answer all that they were asked."""
        return any(each.failed for each in self.standings)

    def as_dict(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "task": self.task,
            "base": self.base,
            "metric": self.metric,
            "rows": self.rows,
            "level": self.level,
            "samples": self.samples,
            "respects": list(self.respects),
            "models": [each.as_dict() for each in self.standings],
            "differ": {"rows": self.differ, "shown": [each.as_dict() for each in self.shown]},
            "notes": list(self.notes),
        }


def compare(
    subjects: Sequence[Subject],
    *,
    base: str | None = None,
    metric: str | None = None,
    respects: Sequence[str] = RUNNING,
    rows: int = 0,
    level: float = 0.95,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Comparison:
    """Hold the subjects, whose names differ, against the one called `base`, the first by default, on the rows that all
    of them answered.

    `metric` is by default the task's first; with the `respects` that are known of all (names of `COSTS`) it makes the
    Pareto front. `rows` are shown at most of those that are answered differently. Equal subjects and seed, equal
    figures. Raises UsageError for names that are not there, DataError where tasks or labels differ or no row is common,
    RemoteError where the base answered nothing.
    """
    first, others = _base_first(subjects, base)
    standing = alike(first, [each for each in others if len(each.kept)])
    task = plugins.task(first.kept.task)
    main = main_metric(task, metric)
    labels, right = _decided(standing)
    count = max(samples, SAMPLES_A_MODEL * len(others))
    sampled = _sampled(standing, task, Resamples(len(standing[first.name]), count, seed))
    names = [each.name for each in others if each.name in standing]
    tests = against(first.name, names, sampled, right, task.METRICS, level) if sampled else {}
    found = [_standing(each, standing, task, sampled, tests, labels, first.name, level) for each in subjects]
    costs = [name for name in respects if all(name in each.costs.known() for each in found if each.metrics)]
    differ, shown, places = answers.differing(standing, labels, first.name, rows)
    return Comparison(
        first.kept.task,
        first.name,
        main,
        len(standing[first.name]),
        level,
        count,
        (main, *costs),
        _with_front(found, main, task, costs),
        differ,
        with_inputs(shown, standing[first.name].at(places), first.collected, [each.protect for each in subjects]),
        notes.of(first, others, standing, task),
    )


def _base_first(subjects: Sequence[Subject], base: str | None) -> tuple[Subject, list[Subject]]:
    names = [each.name for each in subjects]
    if len(names) < 2 or len(set(names)) < len(names):
        raise UsageError("there must be two models or more, each of another name", where=", ".join(names) or None)
    if base is not None and base not in names:
        raise UsageError(f"there is no {base!r} among those that are compared: {', '.join(names)}", where="--base")
    first = subjects[names.index(base) if base is not None else 0]
    if not len(first.kept):
        raise RemoteError(f"{first.name} answered none of {first.asked:,} rows, and the others are held against it")
    return first, [each for each in subjects if each is not first]


def main_metric(task: Task, metric: str | None) -> str:
    """The metric that decides: the one that is named, or the task's first. UsageError for one that it has not."""
    if metric is not None and metric not in task.METRICS:
        raise UsageError(f"there is no metric {metric!r}; the task has: {', '.join(task.METRICS)}", where="--metric")
    return metric or next(iter(task.METRICS))


def _decided(standing: Mapping[str, Kept]) -> tuple[Labels, Mapping[str, NDArray[np.bool_]]]:
    """The labels that each answers, and which of them are right, where there are such."""
    given = {name: answers.decided(kept) for name, kept in standing.items()}
    labels = {name: each for name, each in given.items() if each is not None}
    true = {name: answers.truth(kept) for name, kept in standing.items()}
    first = next(iter(true.values()))  # all are judged by the targets of the base
    return labels, {} if first is None else {name: each == first for name, each in labels.items()}


def _sampled(standing: Mapping[str, Kept], task: Task, resamples: Resamples) -> Sampled | None:
    if not isinstance(task, Weighs):
        return None
    targets = next(iter(standing.values())).targets
    statistics = {name: task.statistics(targets, kept.scores, kept.signature) for name, kept in standing.items()}
    return Sampled.of(statistics, resamples)


def _standing(
    subject: Subject,
    standing: Mapping[str, Kept],
    task: Task,
    sampled: Sampled | None,
    tests: Mapping[str, Mapping[str, Test]],
    labels: Labels,
    base: str,
    level: float,
) -> Standing:
    who = (subject.name, subject.kind, subject.asked, subject.failed, subject.costs)
    if subject.name not in standing:
        return Standing(*who)
    kept, targets = standing[subject.name], standing[base].targets
    agreed: tuple[float | None, float | None] = (None, None)
    if subject.name != base and {base, subject.name} <= labels.keys():
        pair = labels[base], labels[subject.name]
        agreed = known(agreement(*pair)), known(kappa(*pair))
    if sampled:
        named = [name for name in task.METRICS if (subject.name, name) in sampled.values]
        metrics = {name: known(sampled.values[subject.name, name]) for name in named}
        intervals = {name: sampled.interval(subject.name, name, level) for name in named}
    else:
        measured = task.measure(targets, kept.scores, kept.signature)
        metrics, intervals = {name: measured.get(name) for name in task.METRICS}, {}
    return Standing(*who, metrics, intervals, tests.get(subject.name, {}), *agreed)


def _with_front(found: Sequence[Standing], metric: str, task: Task, costs: Sequence[str]) -> list[Standing]:
    """The same with who is on the Pareto front; what costs are is taken to two digits."""
    sign = -1.0 if task.METRICS[metric] == "higher" else 1.0
    points = {}
    for each in found:
        value = each.metrics.get(metric)
        if value is not None:
            own = [each.costs.known()[name] * (-1 if COSTS[name] == "higher" else 1) for name in costs]
            points[each.name] = [sign * value, *map(about, own)]
    best = front(points)
    return [replace(each, front=each.name in best if each.name in points else None) for each in found]
