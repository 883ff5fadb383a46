"""Give each text a vector: texts that mean alike lie near each other."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from aiaas.contracts import Answer, Column, Mistakes, Signature, Statistic
from aiaas.errors import DataError
from aiaas.statistics import known, observed
from aiaas.statistics.weighted import Mean, ratio
from aiaas.tasks._texts import decode, example, request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "COLUMNS",
    "METRICS",
    "OPEN",
    "answer",
    "decode",
    "example",
    "measure",
    "mistakes",
    "request",
    "statistics",
    "told",
]

COLUMNS = (Column("text", "text"), Column("label", "label", optional=True))
OPEN = False
METRICS: Mapping[str, Literal["higher", "lower"]] = {"neighbour_accuracy": "higher", "mean_cosine": "lower"}

_COMPARED = 8192  # rows that are compared with each other: a second on two cores
_BLOCK = 512  # of them at a time, so that memory is a block's
_ADDED = 4096  # vectors that are added up in double precision at a time


def answer(scores: NDArray[np.float32], signature: Signature) -> Answer:
    """`{"embedding": [...]}` with the seven digits that a float32 holds."""
    return {"embedding": [float(f"{value:.7g}") for value in scores.tolist()]}


def told(answer: Answer, signature: Signature) -> list[float]:
    """The vector of an answer."""
    return [float(value) for value in answer["embedding"]]


def measure(targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> dict[str, Any]:
    """How the vectors `scores` (n, size) lie to each other; `targets` are labels (n,), or (0,) where there are none.

    `mean_cosine` is the mean cosine of all pairs of rows: 0 where vectors point everywhere, 1 where all are alike and
    tell nothing apart. `neighbour_accuracy` is the share of rows whose nearest other row, by cosine, has their label;
    of more than some thousands, rows spread evenly over all are compared with each other. None where there is no pair,
    or no label. Raises DataError without rows.
    """
    found = observed(statistics(targets, scores, signature), len(scores))
    return {name: known(value) for name, value in found.items()}


def statistics(targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> Mapping[str, Statistic]:
    """The same as functions of weights. A row's neighbour is the nearest of all rows, whatever their weights are: a
    copy of itself is none. `mean_cosine` is of pairs of different rows."""
    import numpy as np

    vectors = _of_length_one(scores)
    neighbours = _Neighbours(vectors, np.asarray(targets)) if _labelled(targets, vectors) else _undefined
    return {"neighbour_accuracy": neighbours, "mean_cosine": _MeanCosine(vectors)}


def mistakes(targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> Mistakes:
    """Rows whose nearest neighbour has another label, of those that `measure` compares; one costs its cosine to that.
    None where there are no labels. Targets and answers are numbers of labels."""
    import numpy as np

    vectors, losses = _of_length_one(scores), np.full(len(scores), np.nan)
    if not _labelled(targets, vectors):
        return Mistakes(losses, lambda place: {"target": None, "answer": None, "score": None})
    neighbours = _Neighbours(vectors, np.asarray(targets))
    nearest, cosines = neighbours.found
    rows, of = neighbours.chosen, np.asarray(targets)
    wrong = of[rows] != of[nearest]
    losses[rows[wrong]] = cosines[wrong]
    neighbour = dict(zip(rows.tolist(), nearest.tolist(), strict=True))

    def told(place: int) -> dict[str, Any]:
        return {"target": int(of[place]), "answer": int(of[neighbour[place]]), "score": round(float(losses[place]), 6)}

    return Mistakes(losses, told)


def _labelled(targets: NDArray[Any], vectors: NDArray[np.float32]) -> bool:
    return len(targets) == len(vectors) > 1


def _of_length_one(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    if len(scores) == 0:
        raise DataError("there are no rows to measure on")
    lengths = np.linalg.norm(scores, axis=1, keepdims=True)
    return np.asarray(scores / np.where(lengths > 0, lengths, 1), np.float32)


def _undefined(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    return np.full(len(weights), np.nan)


class _MeanCosine:
    """Over all pairs of two rows: the square of the sum of unit vectors holds each pair twice, and each row once."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        import numpy as np

        self._vectors = vectors
        self._own = np.square(vectors, dtype=np.float64).sum(axis=1)

    def __call__(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        total = np.zeros((len(weights), self._vectors.shape[1]))
        for first in range(0, len(self._vectors), _ADDED):
            rows = slice(first, first + _ADDED)
            total += weights[:, rows] @ self._vectors[rows].astype(np.float64)
        squares = np.square(weights)
        pairs = np.square(weights.sum(axis=1)) - squares.sum(axis=1)
        return ratio(np.square(total).sum(axis=1) - squares @ self._own, pairs, np.nan)


class _Neighbours:
    """The share of rows whose nearest other one has the same target; of equally near ones the first counts. Of more
    than some thousands, `chosen` rows are compared."""

    def __init__(self, vectors: NDArray[np.float32], targets: NDArray[Any]) -> None:
        import numpy as np

        compared = min(len(vectors), _COMPARED)
        self.chosen = np.arange(compared) * len(vectors) // compared
        self._vectors, self._targets = vectors[self.chosen], targets[self.chosen]

    def __call__(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._share(weights[:, self.chosen])

    @cached_property
    def found(self) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """The nearest other row of each that is compared, among all rows, and its cosine. Found once: it is by far the
        dearest."""
        import numpy as np

        vectors, nearest, near = self._vectors, [], []
        for first in range(0, len(vectors), _BLOCK):
            cosines = vectors[first : first + _BLOCK] @ vectors.T
            rows = np.arange(len(cosines))
            cosines[rows, first + rows] = -np.inf  # nobody is their own neighbour
            nearest.append(cosines.argmax(axis=1))
            near.append(cosines[rows, nearest[-1]])
        return self.chosen[np.concatenate(nearest)], np.concatenate(near)

    @cached_property
    def _share(self) -> Mean:
        import numpy as np

        places = np.searchsorted(self.chosen, self.found[0])
        return Mean(self._targets[places] == self._targets)
