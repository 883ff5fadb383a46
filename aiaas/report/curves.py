"""Curves of scores, in as many points as an eye can tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

POINTS = 160
BINS = 24
CELLS = (36, 26)
"""Columns and rows of a density."""


class Ranked(NamedTuple):
    """A class against the rest: its ROC as (false, true) positive rates, its curve of (recall, precision), and the
    average precision. `share` of the rows are of the class, which is the precision of guessing."""

    roc: list[tuple[float, float]]
    precision: list[tuple[float, float]]
    average_precision: float
    share: float


def ranked(inside: NDArray[np.bool_], scores: NDArray[np.float64]) -> Ranked | None:
    """The curves of `scores` (n,) for the rows `inside` (n,) the class; None where one side has no rows. Equal scores
    are one step; average precision is the mean of precisions, weighted by the recall that each adds."""
    import numpy as np

    count = int(inside.sum())
    if not 0 < count < len(inside):
        return None
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)  # the last row of each score
    true = np.cumsum(inside[order])[last]
    answered = last + 1
    recall, precision = true / count, true / answered
    false = (answered - true) / (len(inside) - count)
    average = float(np.sum(np.diff(recall, prepend=0) * precision))
    roc = _thin(np.append(0.0, false), np.append(0.0, recall))
    return Ranked(roc, _thin(recall, precision), average, count / len(inside))


def _thin(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Points at about even distances along the curve, its ends among them."""
    import numpy as np

    if len(x) > POINTS:
        along = np.append(0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
        chosen = np.unique(np.searchsorted(along, np.linspace(0, along[-1], POINTS)).clip(0, len(x) - 1))
        chosen = np.union1d(chosen, [0, len(x) - 1])
        x, y = x[chosen], y[chosen]
    return [(round(float(a), 4), round(float(b), 4)) for a, b in zip(x, y, strict=True)]


def spread(groups: dict[str, NDArray[np.float64]], low: float, high: float) -> tuple[dict[str, list[int]], list[float]]:
    """How the values of each group lie between `low` and `high`: counts, and the edges. Values outside count at the
    ends."""
    import numpy as np

    edges = np.linspace(low, high, BINS + 1)
    counts = {
        name: np.histogram(np.clip(values, low, high), edges)[0].astype(int).tolist() for name, values in groups.items()
    }
    return counts, edges.tolist()


def together(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[list[list[int]], tuple[float, ...]]:
    """How many rows lie where: counts by `y` from the bottom, then by `x`; and the ends of both axes, which leave the
    farthest hundredth of the rows at the edges."""
    import numpy as np

    def ends(values: NDArray[np.float64]) -> tuple[float, float]:
        low, high = (float(end) for end in np.quantile(values, [0.005, 0.995]))
        return (low, high) if high > low else (low - 1, high + 1)

    (left, right), (bottom, top) = ends(x), ends(y)
    counts, _, _ = np.histogram2d(
        np.clip(y, bottom, top),
        np.clip(x, left, right),
        bins=(CELLS[1], CELLS[0]),
        range=((bottom, top), (left, right)),
    )
    return counts.astype(int).tolist(), (left, right, bottom, top)
