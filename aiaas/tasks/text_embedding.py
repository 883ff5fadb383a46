"""Give each text a vector: texts that mean alike lie near each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from aiaas.contracts import Answer, Column, Signature
from aiaas.errors import DataError
from aiaas.tasks._texts import decode, example, request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["COLUMNS", "METRICS", "OPEN", "answer", "decode", "example", "measure", "request"]

COLUMNS = (Column("text", "text"), Column("label", "label", optional=True))
OPEN = False
METRICS: Mapping[str, Literal["higher", "lower"]] = {"neighbour_accuracy": "higher", "mean_cosine": "lower"}

_COMPARED = 8192  # rows that are compared with each other: a second on two cores
_BLOCK = 512  # of them at a time, so that memory is a block's


def answer(scores: NDArray[np.float32], signature: Signature) -> Answer:
    """`{"embedding": [...]}` with the seven digits that a float32 holds."""
    return {"embedding": [float(f"{value:.7g}") for value in scores.tolist()]}


def measure(targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> dict[str, Any]:
    """How the vectors `scores` (n, size) lie to each other; `targets` are labels (n,), or (0,) where there are none.

    `mean_cosine` is the mean cosine of all pairs of rows: 0 where vectors point everywhere, 1 where all are alike and
    tell nothing apart. `neighbour_accuracy` is the share of rows whose nearest other row, by cosine, has their label;
    of more than some thousands, rows spread evenly over all are compared with each other. None where there is no pair,
    or no label. Raises DataError without rows.
    """
    import numpy as np

    if len(scores) == 0:
        raise DataError("there are no rows to measure on")
    lengths = np.linalg.norm(scores, axis=1, keepdims=True)
    vectors = np.asarray(scores / np.where(lengths > 0, lengths, 1), np.float32)
    labelled = len(targets) == len(vectors) > 1
    return {
        "neighbour_accuracy": _neighbours(vectors, np.asarray(targets)) if labelled else None,
        "mean_cosine": _mean_cosine(vectors) if len(vectors) > 1 else None,
    }


def _mean_cosine(vectors: NDArray[np.float32]) -> float:
    """Over all pairs of two rows: the square of the sum of unit vectors holds each pair twice, and each row once."""
    import numpy as np

    rows = len(vectors)
    total = np.square(vectors.sum(axis=0, dtype=np.float64)).sum()
    own = np.square(vectors, dtype=np.float64).sum()
    return float((total - own) / (rows * (rows - 1)))


def _neighbours(vectors: NDArray[np.float32], targets: NDArray[Any]) -> float:
    """The share of rows whose nearest other one has the same target; of equally near ones the first counts."""
    import numpy as np

    chosen = np.arange(min(len(vectors), _COMPARED)) * len(vectors) // min(len(vectors), _COMPARED)
    vectors, targets = vectors[chosen], targets[chosen]
    right = 0
    for first in range(0, len(vectors), _BLOCK):
        cosines = vectors[first : first + _BLOCK] @ vectors.T
        rows = np.arange(len(cosines))
        cosines[rows, first + rows] = -np.inf  # nobody is their own neighbour
        right += int((targets[cosines.argmax(axis=1)] == targets[first + rows]).sum())
    return right / len(vectors)
