"""How a classifier answers and how it is measured, whatever its examples are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from aiaas.contracts import Answer, Signature
from aiaas.errors import DataError

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
}


def answer(scores: NDArray[np.float32], signature: Signature) -> Answer:
    """`{"label", "score", "scores": {label: probability}}` with six decimals; of equal scores the first label wins."""
    rounded = [round(score, 6) for score in scores.tolist()]
    best = int(scores.argmax())
    return {
        "label": signature.labels[best],
        "score": rounded[best],
        "scores": dict(zip(signature.labels, rounded, strict=True)),
    }


def measure(targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> dict[str, Any]:
    """Metrics of the probabilities `scores` (n, classes) against `targets` (n,), indices into the labels.

    precision, recall and f1 are macro averages over the classes that occur in the targets or the predictions, as
    scikit-learn has them; the weighted ones go by the rows of a class. `roc_auc` is one against the rest, averaged over
    the classes that have rows both inside and outside; None where none has. `classes` maps a label to its own figures
    and `confusion[true][predicted]` counts rows. Raises DataError when there are no rows.
    """
    import numpy as np

    targets = np.asarray(targets, np.int64)
    if targets.size == 0:
        raise DataError("there are no rows to measure on")
    probabilities = np.asarray(scores, np.float64)
    classes = len(signature.labels)
    predicted = probabilities.argmax(axis=1)
    confusion = np.bincount(targets * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    areas = _areas(targets, probabilities)
    known = [area for area in areas if area is not None]
    return {
        "accuracy": float(np.trace(confusion) / targets.size),
        **_averages(targets, predicted),
        "roc_auc": float(np.mean(known)) if known else None,
        "log_loss": _log_loss(targets, probabilities),
        "classes": _by_class(targets, predicted, areas, signature),
        "confusion": confusion.tolist(),
    }


def _averages(targets: NDArray[np.int64], predicted: NDArray[np.int64]) -> dict[str, float]:
    from sklearn.metrics import precision_recall_fscore_support

    figures: dict[str, float] = {}
    for average, suffix in (("macro", ""), ("weighted", "_weighted")):
        values = precision_recall_fscore_support(targets, predicted, average=average, zero_division=0)
        figures |= {
            f"{name}{suffix}": float(value)
            for name, value in zip(("precision", "recall", "f1"), values[:3], strict=True)
        }
    return figures


def _areas(targets: NDArray[np.int64], probabilities: NDArray[np.float64]) -> list[float | None]:
    """The area under the ROC curve of each class against the rest; None where one side has no rows.

    Of two classes both have the area of the second: rounding must not make two figures of one.
    """
    from sklearn.metrics import roc_auc_score

    def area(number: int) -> float | None:
        inside = targets == number
        both = inside.any() and not inside.all()
        return float(roc_auc_score(inside, probabilities[:, number])) if both else None

    classes = probabilities.shape[1]
    return [area(1)] * 2 if classes == 2 else [area(number) for number in range(classes)]


def _log_loss(targets: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    """Mean of -log p(true class), natural logarithm; p is kept above the resolution of a float32."""
    import numpy as np

    true = probabilities[np.arange(targets.size), targets] / probabilities.sum(axis=1)
    least = float(np.finfo(np.float32).eps)
    return float(-np.log(true.clip(least, 1 - least)).mean())


def _by_class(
    targets: NDArray[np.int64], predicted: NDArray[np.int64], areas: list[float | None], signature: Signature
) -> dict[str, dict[str, Any]]:
    from sklearn.metrics import precision_recall_fscore_support

    columns = precision_recall_fscore_support(
        targets, predicted, labels=list(range(len(signature.labels))), average=None, zero_division=0
    )
    return {
        label: {
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
            "roc_auc": area,
            "rows": int(rows),
        }
        for label, precision, recall, f1, rows, area in zip(signature.labels, *columns, areas, strict=True)
    }
