"""Labels as a network learns them: targets, what a row counts, probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends.settings import Learning
from aiaas.errors import TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def one_hot(labels: NDArray[np.int64], classes: int, smoothing: float = 0.0) -> NDArray[np.float32]:
    """Targets (n, classes) of labels (n,); `smoothing` is the share of each that all classes get alike."""
    targets = np.full((len(labels), classes), smoothing / classes, np.float32)
    targets[np.arange(len(labels)), labels] += 1 - smoothing
    return targets


def class_weights(settings: Learning, labels: NDArray[np.int64], names: Sequence[str]) -> NDArray[np.float32]:
    """What a row of each class counts (classes,). `balanced` is n / (classes · rows of the class), as scikit-learn has
    it. Raises TrainingError for a label that is not there."""
    asked = settings.class_weights
    if asked is None:
        return np.ones(len(names), np.float32)
    if asked == "balanced":
        rows = np.bincount(labels, minlength=len(names))
        return np.where(rows, len(labels) / (len(names) * np.maximum(rows, 1)), 0.0).astype(np.float32)
    unknown = sorted(set(asked) - set(names))
    if unknown:
        raise TrainingError(
            f"there is no label {unknown[0]!r}; allowed: {', '.join(names)}", where="train.class_weights"
        )
    return np.array([asked.get(name, 1.0) for name in names], np.float32)


def softmax(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Probabilities (n, classes), each row of which sums to 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64)
    probabilities: NDArray[np.float32] = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return probabilities
