"""Predict a number for each row of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from aiaas.contracts import Answer, Column, Mistakes, Signature, Statistic
from aiaas.errors import DataError
from aiaas.statistics import known, observed
from aiaas.statistics.weighted import Once, Sums, ratio
from aiaas.tasks._rows import decode, example, request

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

COLUMNS = (Column("target", "number"),)
OPEN = True
METRICS: Mapping[str, Literal["higher", "lower"]] = {"mae": "lower", "rmse": "lower", "r2": "higher"}
_ROUNDING = 1e-13
"""A share of the sum of squares that is rounding, and no spread."""


def answer(scores: NDArray[np.float32], signature: Signature) -> Answer:
    """`{"value": …}` with the seven digits that a float32 holds."""
    return {"value": float(f"{float(scores[0]):.7g}")}


def told(answer: Answer, signature: Signature) -> list[float]:
    """The value of an answer."""
    return [float(answer["value"])]


def measure(targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> dict[str, Any]:
    """Mean absolute error and root of the mean squared error in units of the target, and R², the explained share of
    its variance; R² is None for fewer than two rows. `scores` has the shape (n, 1). DataError without rows.
    """
    found = observed(statistics(targets, scores, signature), len(targets))
    return {name: known(value) for name, value in found.items()}


def statistics(targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> Mapping[str, Statistic]:
    """The same as functions of weights. Where the target does not vary R² is 1 without an error and else 0, as
    scikit-learn has it."""
    import numpy as np

    if len(targets) == 0:
        raise DataError("there are no rows to measure on")
    truth = np.asarray(targets, np.float64)
    error = np.asarray(scores, np.float64).reshape(len(truth), 1)[:, 0] - truth
    # From a value in the middle, sums of squares lose nothing to rounding, and those of one value are 0.
    around = truth - np.sort(truth)[len(truth) // 2]
    columns = [np.ones(len(truth)), np.abs(error), np.square(error), around, np.square(around)]
    sums = Once(Sums(np.stack(columns, axis=1)))

    def mae(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        rows, absolute, *_ = sums(weights)
        return ratio(absolute, rows, np.nan)

    def rmse(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        rows, _, squared, *_ = sums(weights)
        return np.sqrt(ratio(squared, rows, np.nan))

    def r2(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        rows, _, squared, first, second = sums(weights)
        spread = second - ratio(np.square(first), rows, 0.0)
        spread = np.where(spread > _ROUNDING * second, spread, 0)
        found = np.where(spread > 0, 1 - ratio(squared, spread, 0.0), np.where(squared > 0, 0.0, 1.0))
        return np.where(rows > 1, found, np.nan)

    return {"mae": mae, "rmse": rmse, "r2": r2}


def mistakes(targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> Mistakes:
    """How far each value is off, in units of the target."""
    import numpy as np

    truth = np.asarray(targets, np.float64)
    apart = np.abs(np.asarray(scores, np.float64)[:, 0] - truth)

    def told(place: int) -> dict[str, Any]:
        return {"target": float(truth[place]), "answer": answer(scores[place], signature)["value"], "score": None}

    return Mistakes(np.where(apart > 0, apart, np.nan), told)
