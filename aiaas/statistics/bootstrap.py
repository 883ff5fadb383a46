"""Intervals that hold the true value with a given frequency, from bootstrap samples."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from aiaas.contracts import Statistic
from aiaas.statistics.resamples import Resamples, jackknife, observed, replicates, within

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Method = Literal["percentile", "bca"]
GROUPS = 200
"""Into how many groups rows are brought for the jackknife: the acceleration then errs by some thousandths."""
DEFINED = 0.9
"""The share of samples in which a statistic must be defined for there to be an interval."""
ROUNDING = 1e-12
"""How far apart, relative to their size, values may be that sums in another order have made of one."""

Name = TypeVar("Name", bound=Hashable)


class Interval(NamedTuple):
    """From where to where, both included."""

    low: float
    high: float


def intervals(
    statistics: Mapping[Name, Statistic],
    resamples: Resamples,
    level: float = 0.95,
    method: Method = "bca",
    mask: NDArray[np.bool_] | None = None,
) -> dict[Name, Interval | None]:
    """The interval of each statistic over all rows, or over those of `mask` (rows,).

    None where there is none to give: the statistic is not defined on the rows, or on too many samples of them; or no
    sample differs from another, so that they tell nothing of how far off the value may be.
    """
    import numpy as np

    def those(blocks: Iterable[NDArray[np.float64]]) -> Iterable[NDArray[np.float64]]:
        return blocks if mask is None else within(blocks, mask)

    drawn = replicates(statistics, those(resamples))
    left_out: Mapping[Name, Any] = {}
    if method == "bca":
        blocks = jackknife(resamples.rows, GROUPS) if mask is None else _of_slice(mask)
        left_out = replicates(statistics, blocks)
    found: dict[Name, Interval | None] = {}
    for name, value in observed(statistics, resamples.rows, mask).items():
        if np.isnan(value):
            found[name] = None
        elif method == "bca":
            found[name] = bca(drawn[name], value, left_out[name], level)
        else:
            found[name] = percentile(drawn[name], level)
    return found


def _of_slice(mask: NDArray[np.bool_]) -> Iterable[NDArray[np.float64]]:
    """The jackknife among the rows of a slice."""
    import numpy as np

    rows = np.flatnonzero(mask)
    for few in jackknife(len(rows), GROUPS):
        weights = np.zeros((len(mask), len(few)))
        weights[rows] = few.T
        yield weights.T


def percentile(values: NDArray[np.float64], level: float) -> Interval | None:
    """What lies between the outer percentiles of the samples' `values`, each end leaving out half of what the level
    leaves; see Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13."""
    return _between(values, (1 - level) / 2, (1 + level) / 2)


def bca(values: NDArray[np.float64], value: float, left_out: NDArray[np.float64], level: float) -> Interval | None:
    """The percentile interval corrected for bias and acceleration, as in chapter 14 of the same book.

    `value` is that of the rows themselves, `left_out` those of the jackknife. Where they do not vary, or most samples
    lie on one side of the value, there is nothing to correct by, and it is the percentile interval.
    """
    import numpy as np
    from scipy.special import ndtr, ndtri

    known = values[~np.isnan(values)]
    bias = ndtri((np.mean(known < value) + np.mean(known <= value)) / 2) if known.size else np.nan
    kept = left_out[~np.isnan(left_out)]
    influence = kept.mean() - kept if kept.size else kept
    spread = np.square(influence).sum()
    if not np.isfinite(bias) or not spread > 0:
        return percentile(values, level)
    acceleration = np.power(influence, 3).sum() / (6 * spread**1.5)
    ends = bias + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    low, high = ndtr(bias + ends / (1 - acceleration * ends))
    return _between(values, float(low), float(high))


def _between(values: NDArray[np.float64], low: float, high: float) -> Interval | None:
    import numpy as np

    known = values[~np.isnan(values)]
    if known.size < max(2, DEFINED * values.size) or np.ptp(known) <= ROUNDING * np.abs(known).max():
        return None
    ends = np.quantile(known, [low, high])
    return Interval(float(ends[0]), float(ends[1]))
