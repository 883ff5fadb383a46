"""Two models that answered the same rows: whether they differ by more than chance, and how far they agree."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from aiaas.contracts import Statistic
from aiaas.statistics.bootstrap import Interval, percentile
from aiaas.statistics.resamples import Resamples, observed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class McNemar:
    """`only_first` rows only the first model got right, `only_second` only the second; `p` is two-sided."""

    only_first: int
    only_second: int
    statistic: float
    p: float


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_], *, exact: bool = True) -> McNemar:
    """McNemar's test of which rows (n,) two models got right: are they right equally often?

    Exact, the rows on which they differ are coins (binomial; the statistic is the smaller count); else chi squared with
    one degree of freedom and Edwards' correction, which needs some 25 such rows. Of none, p is 1.
    """
    import numpy as np
    from scipy import stats

    only_first, only_second = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    differ = only_first + only_second
    if differ == 0:
        return McNemar(0, 0, 0.0, 1.0)
    if exact:
        less = min(only_first, only_second)
        p = min(1.0, 2 * float(stats.binom.cdf(less, differ, 0.5)))
        return McNemar(only_first, only_second, float(less), p)
    statistic = (abs(only_first - only_second) - 1) ** 2 / differ
    return McNemar(only_first, only_second, statistic, float(stats.chi2.sf(statistic, 1)))


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more the second has than the first. `p` is two-sided and goes with the interval: one that leaves 0 out
    at a level of 95 % has a p below 0.05. NaN and None where the difference is not defined."""

    value: float
    interval: Interval | None
    p: float

    def is_worse(self, better: Literal["higher", "lower"], level: float = 0.95) -> bool:
        """Whether the second is worse by more than chance. Of equal models it is so at most half as often as the level
        leaves, 2.5 % at 95 %: p is two-sided, and one side of it is to the better."""
        return self.p < 1 - level and (self.value < 0) == (better == "higher")


def paired(
    first: Mapping[Name, Statistic], second: Mapping[Name, Statistic], resamples: Resamples, level: float = 0.95
) -> dict[Name, Difference]:
    """The paired bootstrap of each statistic that both have: the same samples of the same rows are given to both, so
    that what is hard for both cancels out. Goes through the samples once."""
    import numpy as np

    names = [name for name in first if name in second]
    apart: dict[Name, list[Any]] = {name: [] for name in names}
    for weights in resamples:
        for name in names:
            apart[name].append(second[name](weights) - first[name](weights))
    before, after = (observed(each, resamples.rows) for each in (first, second))
    found = {}
    for name in names:
        found[name] = difference(after[name] - before[name], np.concatenate(apart[name]), level)
    return found


def difference(value: float, samples: NDArray[np.float64], level: float = 0.95) -> Difference:
    """A difference with what it is in paired `samples`: a statistic of the second less that of the first, each pair
    given the same weights. For many models the statistics of each are drawn once and held against each other here."""
    return Difference(value, percentile(samples, level), _two_sided(samples))


def _two_sided(values: NDArray[np.float64]) -> float:
    """Twice the share of samples on the other side of 0, of which there is always one more than were drawn."""
    import numpy as np

    known = values[~np.isnan(values)]
    if not known.size:
        return float("nan")
    less = min(int(np.sum(known <= 0)), int(np.sum(known >= 0)))
    return min(1.0, 2 * (less + 1) / (known.size + 1))


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p values: reject those below a level, and of all that are true none is rejected more often than the
    level says, however many there are. NaN stays NaN and counts as no test."""
    import numpy as np

    given = np.asarray(p, np.float64)
    tested = np.flatnonzero(~np.isnan(given))
    order = tested[np.argsort(given[tested], kind="stable")]
    adjusted = given.copy()
    adjusted[order] = np.minimum(1, np.maximum.accumulate(given[order] * np.arange(len(order), 0, -1)))
    return [float(each) for each in adjusted]


def agreement(first: NDArray[Any], second: NDArray[Any]) -> float:
    """The share of rows (n,) with equal answers; NaN without rows."""
    import numpy as np

    return float(np.mean(first == second)) if len(first) else float("nan")


def kappa(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Cohen's kappa of answers (n,): agreement beyond that of answers drawn as often as each model gives them.

    1 is always, 0 is chance; NaN where chance alone agrees always, or there are no rows."""
    import numpy as np

    if not len(first):
        return float("nan")
    known, codes = np.unique(np.concatenate([first, second]), return_inverse=True)
    one, other = codes[: len(first)], codes[len(first) :]
    shares = [np.bincount(each, minlength=len(known)) / len(first) for each in (one, other)]
    chance = float(shares[0] @ shares[1])
    return (agreement(one, other) - chance) / (1 - chance) if chance < 1 else float("nan")
