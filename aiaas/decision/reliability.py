"""Whether a classifier is right as often as it says: answers by how sure they are, and the expected calibration error.

See Naeini, Cooper and Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning, 2015.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from aiaas.statistics import Interval
from aiaas.statistics.weighted import Gathered, ratio

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BINS = 15
"""Bins of equal width from 0 to 1: as many as the field has, so that figures compare."""


class Bin(NamedTuple):
    """Answers whose confidence is from `low` to below `high`, 1 included in the last: how many, how sure they are on
    average, and the share that is right with its interval."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float
    interval: Interval


def confidence(
    targets: NDArray[Any], scores: NDArray[Any], answers: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How likely the answer to each row (n,) is by `scores` (n, labels), and whether it is right."""
    import numpy as np

    likely = np.asarray(scores, np.float64)
    return likely[np.arange(len(likely)), answers] / likely.sum(axis=1), np.asarray(targets) == answers


class CalibrationError:
    """The mean over all answers of how far accuracy and confidence are apart in their bin, as a function of weights.

    `sure` (n,) are the probabilities of what was answered, `right` (n,) whether it is right.
    """

    def __init__(self, sure: NDArray[np.float64], right: NDArray[np.bool_]) -> None:
        self._apart = Gathered(_places(sure), BINS, values=right - sure)

    def __call__(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        return ratio(np.abs(self._apart(weights)).sum(axis=0), weights.sum(axis=1), np.nan)


def bins(sure: NDArray[np.float64], right: NDArray[np.bool_], level: float = 0.95) -> list[Bin]:
    """The bins that have answers. The intervals are Wilson's, which hold for few rows and for shares of 0 and 1."""
    import numpy as np
    from scipy.stats import binomtest

    place = _places(sure)
    found = []
    for number in np.unique(place).tolist():
        here = place == number
        rows, count = int(here.sum()), int(right[here].sum())
        interval = binomtest(count, rows).proportion_ci(level, "wilson")
        found.append(
            Bin(
                number / BINS,
                (number + 1) / BINS,
                rows,
                float(sure[here].mean()),
                count / rows,
                Interval(float(interval.low), float(interval.high)),
            )
        )
    return found


def _places(sure: NDArray[np.float64]) -> NDArray[np.int64]:
    """The number of the bin of each answer."""
    import numpy as np

    return np.clip((np.asarray(sure, np.float64) * BINS).astype(np.int64), 0, BINS - 1)
