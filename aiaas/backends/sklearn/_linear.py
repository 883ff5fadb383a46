"""Linear scores and their link to probabilities: what is left of an estimator once it is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Link = Literal["softmax", "logistic", "one-vs-rest"]
LINKS: tuple[str, ...] = get_args(Link)


@dataclass(frozen=True, slots=True)
class Linear:
    """`weights` (features, outputs) and `bias` (outputs,).

    softmax: classes in competition. logistic: one output, the log odds of the second of two classes. one-vs-rest: log
    odds of each class alone, the probabilities scaled to sum to 1.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float64]
    link: Link

    @classmethod
    def of_classes(cls, weights: NDArray[np.float64], bias: NDArray[np.float64]) -> Linear:
        """Softmax over the rows of `weights` (classes, features), from which what all classes share is taken away:
        it changes no probability and would cost digits."""
        if len(weights) == 2:
            return cls.of_odds(weights[1:] - weights[:1], bias[1:] - bias[:1])
        return cls(np.ascontiguousarray((weights - weights.mean(axis=0)).T, np.float32), bias - bias.mean(), "softmax")

    @classmethod
    def of_odds(cls, weights: NDArray[np.float64], bias: NDArray[np.float64]) -> Linear:
        """Log odds: of the second of two classes when there is one row (1, features), else of each class."""
        link: Link = "logistic" if len(weights) == 1 else "one-vs-rest"
        return cls(np.ascontiguousarray(weights.T, np.float32), np.asarray(bias, np.float64), link)

    @property
    def classes(self) -> int:
        return 2 if self.link == "logistic" else int(self.bias.size)

    def predict(
        self, features: NDArray[np.int32], values: NDArray[np.float64], starts: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Probabilities (n, classes) of n sparse rows: row i holds `values[starts[i]:starts[i + 1]]` at `features`.

        Only the weights of features that occur are touched.
        """
        if self.weights.shape[1] == 1:
            scores = sums(self.weights[:, 0].take(features) * values, starts)[:, None]
        else:
            scores = sums(self.weights.take(features, axis=0) * values[:, None], starts)
        return self.probabilities(scores + self.bias)

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float32]:
        """The link applied to scores (n, outputs)."""
        if self.link == "softmax":
            parts = np.exp(scores - scores.max(axis=1, keepdims=True))
            chances = parts / parts.sum(axis=1, keepdims=True)
        else:
            chances = np.exp(-np.logaddexp(0.0, -scores))
            if self.link == "logistic":
                chances = np.concatenate([1 - chances, chances], axis=1)
            else:
                even = np.full_like(chances, 1 / chances.shape[1])
                total = chances.sum(axis=1, keepdims=True)
                chances = np.divide(chances, total, out=even, where=total > 0)
        return np.asarray(chances, np.float32)


def sums(values: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The sum of each row of a ragged array, along the first axis; 0 for an empty row."""
    total = np.zeros((len(starts) - 1, *values.shape[1:]))
    full = (starts[1:] > starts[:-1]).nonzero()[0]
    if full.size:
        total[full] = np.add.reduceat(values, starts.take(full), axis=0)
    return total
