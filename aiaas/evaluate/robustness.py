"""Whether a model answers as well where its input is changed and what it means is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

from aiaas import perturb, plugins
from aiaas.contracts import Model, Signature, Weighs
from aiaas.evaluate.certainty import ends
from aiaas.evaluate.origin import Origin
from aiaas.evaluate.requests import Columns, Requests
from aiaas.statistics import Difference, Resamples, holm, known, observed, paired

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aiaas.recipe import Evaluate

    Scores = Sequence[NDArray[np.float32] | None]
    """Of each row; None where it was refused."""

SAMPLES = 1000
"""By how many samples changed inputs are held against plain ones where the recipe wants no intervals."""
ROWS_AT_ONCE = 128


def of(
    section: Evaluate, seed: int, model: Model, requests: Requests, targets: NDArray[Any], origin: Origin
) -> dict[str, Any] | None:
    """Of some test rows the first metric of the task, with each perturbation and without: the difference, its interval,
    and `p`, corrected for how many perturbations there are. None where the recipe does not ask, or the task does not
    weigh its rows.

    `changed` says how many rows a perturbation changed, `refused` how many of them got no answer: these do not count.
    `left_out` are perturbations that need a package which is not installed; raises MissingPackageError where the recipe
    names such a one.
    """
    wanted = section.robustness
    if wanted is None or not isinstance(requests.task, Weighs):
        return None
    names, left_out = _chosen(wanted.perturbations, requests)
    rows = _drawn(len(origin.rows), wanted.rows, seed)
    drawn = Origin(origin.collected, origin.rows[rows])
    columns = {name: drawn.column(name) for name in requests.signature.features}
    trial = _Trial(requests, model, columns, seed)
    pairs = _Pairs(requests.task, requests.fitted, targets[rows] if len(targets) else targets, trial.plain)
    metric = pairs.metric()
    if metric is None:
        return None
    judged = [_judged(pairs, metric, trial.perturbed(name), section, seed) for name in names]
    return {
        "rows": pairs.rows,
        "metric": metric,
        "plain": pairs.value(metric),
        "level": section.intervals.level,
        "perturbed": [
            {"name": name, **each.as_dict(p, requests.task.METRICS[metric], section.intervals.level)}
            for name, each, p in zip(names, judged, holm([each.difference.p for each in judged]), strict=True)
        ],
        "left_out": left_out,
    }


def flat(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The metric with each perturbation as `robustness_NAME`, for trackers."""
    found = metrics.get("robustness", {}).get("perturbed", ())
    return {f"robustness_{each['name']}": each["value"] for each in found if each["value"] is not None}


def _chosen(named: Sequence[str] | None, requests: Requests) -> tuple[list[str], list[dict[str, str]]]:
    """The perturbations to try; those that the recipe does not name and that cannot be tried are left out."""
    kinds = {perturb.kind_of(requests.task, dtype) for dtype in requests.signature.features.values()}
    if named is not None:
        for name in named:
            plugins.require(perturb.requires(name), f"robustness to {name}")
        return list(named), []
    names, left_out = [], []
    for name in perturb.fitting([kind for kind in kinds if kind]):
        versions = plugins.installed(perturb.requires(name))
        if missing := next((package for package, version in versions.items() if version is None), None):
            left_out.append({"name": name, "needs": missing})
        else:
            names.append(name)
    return names, left_out


def _drawn(count: int, most: int, seed: int) -> NDArray[np.intp]:
    """The places of at most so many rows, ascending."""
    import numpy as np

    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))


class _Trial:
    """The same rows, asked as they are and changed."""

    def __init__(self, requests: Requests, model: Model, columns: Columns, seed: int) -> None:
        self._requests, self._model, self._columns, self._seed = requests, model, columns, seed
        self._rows = len(next(iter(columns.values())))
        self.plain: list[Any] = []
        for start in range(0, self._rows, ROWS_AT_ONCE):
            self.plain += requests.scores(model, _rows(columns, range(start, min(start + ROWS_AT_ONCE, self._rows))))

    def perturbed(self, name: str) -> tuple[Scores, int]:
        """The scores of all rows, and how many were changed; only these are asked anew. Of rows that had no answer
        before nothing is asked."""
        changes = {}
        for column, dtype in self._requests.signature.features.items():
            kind = perturb.kind_of(self._requests.task, dtype)
            if kind and (found := perturb.named(name, kind)):
                changes[column] = found.change(self._columns[column])
        scores = list(self.plain)
        answered = [row for row in range(self._rows) if scores[row] is not None]
        count = 0
        for start in range(0, len(answered), ROWS_AT_ONCE):
            rows = answered[start : start + ROWS_AT_ONCE]
            before = _rows(self._columns, rows)
            after = {**before, **{column: self._all(name, column, rows, changes[column]) for column in changes}}
            differ = [at for at in range(len(rows)) if any(after[each][at] != before[each][at] for each in changes)]
            count += len(differ)
            for at, given in zip(differ, self._requests.scores(self._model, _rows(after, differ)), strict=True):
                scores[rows[at]] = given
        return scores, count

    def _all(self, name: str, column: str, rows: Sequence[int], change: perturb.Change) -> list[Any]:
        """The values of some rows, each changed by a chance of its own."""
        values = self._columns[column]
        return [
            None if values[row] is None else change(values[row], Random(f"{self._seed}/{name}/{column}/{row}"))  # noqa: S311
            for row in rows
        ]


def _rows(columns: Columns, rows: Sequence[int]) -> dict[str, list[Any]]:
    return {name: [values[row] for row in rows] for name, values in columns.items()}


@dataclass(frozen=True, slots=True)
class _Judged:
    """What came of one perturbation: the metric, how far it is from that of the same rows as they were, and how many
    rows were changed and refused."""

    value: float
    difference: Difference
    changed: int
    refused: int

    def as_dict(self, p: float, better: Any, level: float) -> dict[str, Any]:
        """With the corrected p, by which it is `worse` or not."""
        corrected = replace(self.difference, p=p)
        return {
            "value": known(self.value),
            "difference": known(corrected.value),
            "interval": ends(corrected.interval),
            "p": known(p),
            "worse": corrected.is_worse(better, level),
            "changed": self.changed,
            "refused": self.refused,
        }


class _Pairs:
    """Rows that were answered plainly, to be held against other answers to the same."""

    def __init__(self, task: Weighs, signature: Signature, targets: NDArray[Any], plain: Scores) -> None:
        self.task, self.signature, self._targets, self._plain = task, signature, targets, plain
        self._answered = [row for row, each in enumerate(plain) if each is not None]
        self.rows = len(self._answered)

    def statistics(self, scores: Scores, rows: Sequence[int]) -> Mapping[str, Any]:
        import numpy as np

        targets = self._targets[list(rows)] if len(self._targets) else self._targets
        answers = [each for each in (scores[row] for row in rows) if each is not None]
        return self.task.statistics(targets, np.stack(answers), self.signature)

    def metric(self) -> str | None:
        """The first that is defined."""
        if not self.rows:
            return None
        found = observed(self.statistics(self._plain, self._answered), self.rows)
        return next((name for name, value in found.items() if value == value), None)

    def value(self, metric: str) -> float:
        return observed({metric: self.statistics(self._plain, self._answered)[metric]}, self.rows)[metric]

    def both(self, scores: Scores, metric: str) -> tuple[Mapping[str, Any], Mapping[str, Any], int]:
        """The metric of the rows that got an answer both times, and how many they are."""
        rows = [row for row in self._answered if scores[row] is not None]
        if not rows:
            return {}, {}, 0
        before, after = ({metric: self.statistics(each, rows)[metric]} for each in (self._plain, scores))
        return before, after, len(rows)


def _judged(pairs: _Pairs, metric: str, perturbed: tuple[Scores, int], section: Evaluate, seed: int) -> _Judged:
    scores, changed = perturbed
    before, after, rows = pairs.both(scores, metric)
    refused = pairs.rows - rows
    nothing = float("nan")
    if not rows:
        return _Judged(nothing, Difference(nothing, None, nothing), changed, refused)
    value = observed(after, rows)[metric]
    if not changed:
        return _Judged(value, Difference(0.0, None, nothing), changed, refused)
    resamples = Resamples(rows, section.intervals.samples or SAMPLES, seed)
    return _Judged(value, paired(before, after, resamples, section.intervals.level)[metric], changed, refused)
