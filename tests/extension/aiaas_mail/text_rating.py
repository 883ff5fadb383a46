"""Give each text one to five stars. A model gives a number; the answer is the nearest whole one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from aiaas.contracts import Answer, Column, Signature, Statistic
from aiaas.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLUMNS = (Column("text", "text"), Column("target", "number"))
OPEN = False
METRICS: Mapping[str, Literal["higher", "lower"]] = {"mae": "lower", "within_one": "higher"}
_ALLOWED = 'a string or {"text": "…"}'


def example(row: Mapping[str, Any], signature: Signature) -> str:
    """The text; none is an empty one."""
    return row["text"] or ""


def decode(value: Any, signature: Signature) -> dict[str, Any]:
    """A string, or an object that holds one as `text`. What was sent is not repeated: it may be private."""
    text = value["text"] if isinstance(value, Mapping) and set(value) == {"text"} else value
    if not isinstance(text, str):
        raise DataError(f"an input is {_ALLOWED}, found {type(text).__name__}")
    return {"text": text}


def request(row: Mapping[str, Any], signature: Signature) -> Any:
    """The text alone."""
    return example(row, signature)


def answer(scores: NDArray[np.float32], signature: Signature) -> Answer:
    """`{"stars": 1 to 5, "value": …}`."""
    value = float(scores[0])
    return {"stars": min(max(round(value), 1), 5), "value": round(value, 4)}


def statistics(targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> Mapping[str, Statistic]:
    """How far the numbers are off on average, and the share of those that are off by one star at most, as functions of
    how often each row counts: so there are intervals, slices and comparisons. DataError without rows."""
    import numpy as np

    if not len(targets):
        raise DataError("there are no rows to measure on")
    off = np.abs(np.asarray(scores, np.float64)[:, 0] - np.asarray(targets, np.float64))

    def mean_of(values: NDArray[np.float64]) -> Statistic:
        def mean(weights: NDArray[np.float64]) -> NDArray[np.float64]:
            rows = weights.sum(axis=1)
            found = np.full(len(rows), np.nan)
            np.divide(weights @ values, rows, out=found, where=rows > 0)
            return found

        return mean

    return {"mae": mean_of(off), "within_one": mean_of((off <= 1).astype(np.float64))}


def measure(targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> dict[str, Any]:
    """The same with every row counted once."""
    import numpy as np

    once = np.ones((1, len(targets)))
    return {name: float(of(once)[0]) for name, of in statistics(targets, scores, signature).items()}
