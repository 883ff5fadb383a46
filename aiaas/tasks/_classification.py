"""How a classifier answers and how it is measured, whatever its examples are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from aiaas.contracts import Answer, Mistakes, Signature, Statistic
from aiaas.decision import CalibrationError, confidence
from aiaas.errors import DataError
from aiaas.statistics import known, observed
from aiaas.statistics.weighted import Area, Gathered, Mean, Once, ratio

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

METRICS: Mapping[str, Literal["higher", "lower"]] = {
    "accuracy": "higher",
    "precision": "higher",
    "recall": "higher",
    "f1": "higher",
    "precision_weighted": "higher",
    "recall_weighted": "higher",
    "f1_weighted": "higher",
    "roc_auc": "higher",
    "log_loss": "lower",
    "ece": "lower",
}
_FIGURES = ("precision", "recall", "f1")


def answer(scores: NDArray[np.float32], signature: Signature) -> Answer:
    """`{"label", "score", "scores": {label: probability}}` with six decimals. The label is the likeliest, of equal
    ones the first, unless the signature has thresholds."""
    rounded = [round(score, 6) for score in scores.tolist()]
    best = int(signature.decide(scores))
    return {
        "label": signature.labels[best],
        "score": rounded[best],
        "scores": dict(zip(signature.labels, rounded, strict=True)),
    }


def told(answer: Answer, signature: Signature) -> list[float]:
    """The probabilities of an answer, in the order of the labels."""
    return [float(answer["scores"][label]) for label in signature.labels]


def measure(targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> dict[str, Any]:
    """Metrics of the probabilities `scores` (n, classes) against `targets` (n,), indices into the labels.

    precision, recall and f1 are macro averages over the classes that occur in the targets or the predictions, as
    scikit-learn has them; the weighted ones go by the rows of a class. `roc_auc` is one against the rest, averaged over
    the classes that have rows both inside and outside; None where none has. `ece` is the expected calibration error: by
    how much accuracy and confidence are apart. `classes` maps a label to its own figures
    and `confusion[true][predicted]` counts rows. Raises DataError when there are no rows, or labels that the model does
    not know.
    """
    judged = _Judged(targets, scores, signature)
    counts = judged.confusion()
    flat = observed(judged.flat(), judged.rows)
    own = {(number, name): each for number in range(len(counts)) for name, each in judged.of_class(number).items()}
    classes: list[dict[str, Any]] = [{} for _ in signature.labels]
    for (number, name), value in observed(own, judged.rows).items():
        # Of no rows, or no answers, scikit-learn says 0; a sample without them says nothing.
        classes[number][name] = known(value) if name == "roc_auc" or value == value else 0.0
    return {
        **{name: known(value) for name, value in flat.items()},
        "classes": {
            label: {**figures, "rows": sum(counts[number])}
            for number, (label, figures) in enumerate(zip(signature.labels, classes, strict=True))
        },
        "confusion": counts,
    }


def statistics(targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> Mapping[str, Statistic]:
    """The metrics of `METRICS` as functions of weights; raises what `measure` raises."""
    return _Judged(targets, scores, signature).flat()


def class_statistics(
    targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature
) -> Mapping[str, Mapping[str, Statistic]]:
    """Those of each label; not defined for samples in which the class does not occur."""
    judged = _Judged(targets, scores, signature)
    return {label: judged.of_class(number) for number, label in enumerate(signature.labels)}


def mistakes(targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> Mistakes:
    """Wrong labels; one costs what its row adds to `log_loss`. Raises what `measure` raises."""
    judged = _Judged(targets, scores, signature)

    def told(place: int) -> dict[str, Any]:
        given = answer(scores[place], signature)
        return {"target": signature.labels[int(targets[place])], "answer": given["label"], "score": given["score"]}

    return Mistakes(judged.losses_of_wrong(), told)


class _Counts(NamedTuple):
    """The weight of each class (classes, b): answered rightly, there, answered."""

    right: NDArray[np.float64]
    true: NDArray[np.float64]
    answered: NDArray[np.float64]

    def share(self, name: str, otherwise: float) -> NDArray[np.float64]:
        """One of precision, recall and f1 of each class, and `otherwise` where it is one of nothing."""
        match name:
            case "precision":
                return ratio(self.right, self.answered, otherwise)
            case "recall":
                return ratio(self.right, self.true, otherwise)
        return ratio(2 * self.right, self.true + self.answered, otherwise)


class _Judged:
    """Answers against the truth. Whatever is asked of it counts classes once for the same weights, and sorts by a score
    once."""

    def __init__(self, targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> None:
        import numpy as np

        self._targets = np.asarray(targets, np.int64)
        self._scores = np.asarray(scores, np.float64)
        self.rows, self._classes = len(self._targets), len(signature.labels)
        if self.rows == 0:
            raise DataError("there are no rows to measure on")
        _refuse_unknown(self._targets, signature.labels)
        self._answers = signature.decide(self._scores)
        self._right = Gathered(self._targets, self._classes, self._targets == self._answers)
        self._true = Gathered(self._targets, self._classes)
        self._answered = Gathered(self._answers, self._classes)
        self._counts = Once(self._count)
        self._found = Once(self._areas_found)

    def confusion(self) -> list[list[int]]:
        """How many rows of each class were answered with each."""
        import numpy as np

        cells = np.bincount(self._targets * self._classes + self._answers, minlength=self._classes**2)
        counts: list[list[int]] = cells.reshape(self._classes, self._classes).tolist()
        return counts

    def flat(self) -> dict[str, Statistic]:
        figures: dict[str, Statistic] = {"accuracy": self._accuracy}
        for suffix, average in (("", self._macro), ("_weighted", self._weighted)):
            figures |= {f"{name}{suffix}": average(name) for name in _FIGURES}
        return {**figures, "roc_auc": self._area, "log_loss": Mean(self._losses), "ece": self._ece}

    def of_class(self, number: int) -> dict[str, Statistic]:
        def figure(name: str) -> Statistic:
            return lambda weights: self._counts(weights).share(name, float("nan"))[number]

        return {**{name: figure(name) for name in _FIGURES}, "roc_auc": lambda weights: self._found(weights)[number]}

    # --- by the classes that were answered

    def _count(self, weights: NDArray[np.float64]) -> _Counts:
        return _Counts(self._right(weights), self._true(weights), self._answered(weights))

    def _accuracy(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        counts = self._counts(weights)
        return ratio(counts.right.sum(axis=0), counts.true.sum(axis=0), float("nan"))

    def _macro(self, name: str) -> Statistic:
        """The mean over the classes that occur; a share of nothing counts 0."""

        def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
            counts = self._counts(weights)
            occurs = counts.true + counts.answered > 0
            return ratio((counts.share(name, 0.0) * occurs).sum(axis=0), occurs.sum(axis=0), float("nan"))

        return statistic

    def _weighted(self, name: str) -> Statistic:
        """The mean over the classes by their rows."""

        def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
            counts = self._counts(weights)
            return ratio((counts.share(name, 0.0) * counts.true).sum(axis=0), counts.true.sum(axis=0), float("nan"))

        return statistic

    # --- by the scores

    @cached_property
    def _areas(self) -> list[Area]:
        """The area of each class against the rest. Of two classes both have that of the second: rounding must not make
        two figures of one."""
        chosen = [1] if self._classes == 2 else range(self._classes)
        return [Area(self._targets == number, self._scores[:, number]) for number in chosen]

    def _areas_found(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The areas (classes, b)."""
        import numpy as np

        found = np.stack([area(weights) for area in self._areas])
        return np.broadcast_to(found, (self._classes, found.shape[1])) if self._classes == 2 else found

    def _area(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        found = self._found(weights)
        known = ~np.isnan(found)
        return ratio(np.where(known, found, 0).sum(axis=0), known.sum(axis=0), np.nan)

    @cached_property
    def _losses(self) -> NDArray[np.float64]:
        """-log p(true class) of each row, natural logarithm; p is kept above the resolution of a float32."""
        import numpy as np

        true = self._scores[np.arange(self.rows), self._targets] / self._scores.sum(axis=1)
        least = float(np.finfo(np.float32).eps)
        return np.asarray(-np.log(true.clip(least, 1 - least)))

    def losses_of_wrong(self) -> NDArray[np.float64]:
        """The losses of the rows that are answered wrongly, NaN of the others."""
        import numpy as np

        return np.where(self._targets == self._answers, np.nan, self._losses)

    @cached_property
    def _ece(self) -> CalibrationError:
        return CalibrationError(*confidence(self._targets, self._scores, self._answers))


def _refuse_unknown(targets: NDArray[np.int64], labels: Sequence[str]) -> None:
    """DataError for a row whose class is none of the model's."""
    import numpy as np

    strange = np.flatnonzero((targets < 0) | (targets >= len(labels)))
    if strange.size:
        raise DataError(
            f"{strange.size:,} of {targets.size:,} rows have a label that the model does not know, first row "
            f"{strange[0] + 1:,}; it knows {len(labels)} labels: {', '.join(labels[:10])}",
            hint="train the model on rows of every label, or leave these out",
        )
