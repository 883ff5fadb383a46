"""Predict a number for each row of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from aiaas.contracts import Answer, Column, Signature
from aiaas.errors import DataError
from aiaas.tasks._rows import decode, example, request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["COLUMNS", "METRICS", "OPEN", "answer", "decode", "example", "measure", "request"]

COLUMNS = (Column("target", "number"),)
OPEN = True
METRICS: Mapping[str, Literal["higher", "lower"]] = {"mae": "lower", "rmse": "lower", "r2": "higher"}


def answer(scores: NDArray[np.float32], signature: Signature) -> Answer:
    """`{"value": …}` with the seven digits that a float32 holds."""
    return {"value": float(f"{float(scores[0]):.7g}")}


def measure(targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> dict[str, Any]:
    """Mean absolute error and root of the mean squared error in units of the target, and R², the explained share of
    its variance; R² is None for fewer than two rows. `scores` has the shape (n, 1). DataError without rows.
    """
    import numpy as np
    from sklearn.metrics import r2_score

    if len(targets) == 0:
        raise DataError("there are no rows to measure on")
    truth = np.asarray(targets, np.float64)
    values = np.asarray(scores, np.float64).reshape(len(truth), 1)[:, 0]
    error = values - truth
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt(np.square(error).mean())),
        "r2": float(r2_score(truth, values)) if len(truth) > 1 else None,
    }
