"""A linear head over vectors: logistic regression by scikit-learn, and what is left of it once it is fitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aiaas.backends.classes import softmax
from aiaas.backends.solver import solving

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRID = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Values of C that are tried where none is given; the numbers of a vector are scaled to vary by 1."""

_MAX_ITER = 1000
_EVERY = 5
_LEAST = 1e-6  # a number of the vectors that varies less is the same in all texts


@dataclass(frozen=True, slots=True)
class Head:
    """Logits are `vectors @ weights + bias`; `weights` (size, classes), `bias` (classes,)."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def logits(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits (n, classes) of vectors (n, size)."""
        return vectors @ self.weights + self.bias


@dataclass(frozen=True, slots=True)
class Tried:
    """A head, the C it was fitted with, whether its solver came to an end, and its loss and accuracy by split."""

    head: Head
    C: float
    converged: bool
    metrics: dict[str, float]


Rows = tuple["NDArray[np.float32]", "NDArray[np.int64]"]
"""Vectors (n, size) and labels (n,)."""


def heads(train: Rows, validation: Rows, classes: int, grid: Sequence[float], balanced: bool) -> Iterator[Tried]:
    """A head for each C of `grid`, in turn, judged on the validation rows; where there are none and there is a choice,
    on every fifth training row, which is left out for that. `best` chooses among them."""
    judged = validation if len(validation[1]) else None
    learned = train
    if judged is None and len(grid) > 1:
        held = np.arange(len(train[1])) % _EVERY == _EVERY - 1
        enough = np.unique(train[1][~held]).size == np.unique(train[1]).size and held.any()
        if enough:
            learned, judged = (train[0][~held], train[1][~held]), (train[0][held], train[1][held])
    for strength in grid:
        yield _tried(learned, judged, classes, strength, balanced)


def best(tried: Sequence[Tried]) -> Tried:
    """The head that was right most often on the rows that judge; of equal ones that whose chances say so best (the
    least loss): on few rows many are right alike, and the first of them is hardly surer than chance."""
    prefix = "validation_" if "validation_accuracy" in tried[0].metrics else ""
    return max(tried, key=lambda each: (each.metrics[f"{prefix}accuracy"], -each.metrics[f"{prefix}loss"]))


def _tried(train: Rows, judged: Rows | None, classes: int, strength: float, balanced: bool) -> Tried:
    head, converged = fit(*train, classes, strength, balanced)
    metrics = _judge(head, *train)
    if judged is not None:
        metrics |= {f"validation_{name}": value for name, value in _judge(head, *judged).items()}
    return Tried(head, strength, converged, metrics)


def fit(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], classes: int, strength: float, balanced: bool
) -> tuple[Head, bool]:
    """The head of one C, and whether its solver (L-BFGS, which draws no random numbers) came to an end. The scaling
    of the vectors is folded into its weights; a class without rows gets no score."""
    from sklearn.linear_model import LogisticRegression

    mean, spread = vectors.mean(axis=0, dtype=np.float64), vectors.std(axis=0, dtype=np.float64)
    scale = 1 / np.where(spread > _LEAST, spread, 1.0)
    weight: Literal["balanced"] | None = "balanced" if balanced else None
    estimator = LogisticRegression(C=strength, class_weight=weight, max_iter=_MAX_ITER)
    with solving() as solved:
        estimator.fit(((vectors - mean) * scale).astype(np.float32), labels)
    return _folded(estimator, mean, scale, classes), solved.converged


def _folded(estimator: Any, mean: NDArray[np.float64], scale: NDArray[np.float64], classes: int) -> Head:
    coefficients, bias = np.asarray(estimator.coef_, np.float64), np.asarray(estimator.intercept_, np.float64)
    if len(coefficients) == 1:  # log odds of the second of two classes: half of them for it, half against the first
        coefficients, bias = np.concatenate([-coefficients, coefficients]) / 2, np.concatenate([-bias, bias]) / 2
    weights = np.zeros((classes, coefficients.shape[1]))
    every = np.full(classes, -1e4)  # no chance, in every precision
    weights[estimator.classes_] = coefficients * scale
    every[estimator.classes_] = bias - (coefficients * scale) @ mean
    return Head(np.ascontiguousarray(weights.T, np.float32), every.astype(np.float32))


def _judge(head: Head, vectors: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, float]:
    probabilities = softmax(head.logits(vectors))
    right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return {
        "loss": float(-np.log(np.maximum(right, np.finfo(np.float32).tiny)).mean()),
        "accuracy": float((probabilities.argmax(axis=1) == labels).mean()),
    }
