"""Whether a part of the rows differs from all the others by more than chance."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, TypeVar

from aiaas.contracts import Statistic
from aiaas.statistics.bootstrap import percentile
from aiaas.statistics.pairs import Difference
from aiaas.statistics.resamples import Resamples, observed, within

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Name = TypeVar("Name", bound=Hashable)


def against_rest(
    statistic: Statistic, masks: Mapping[Name, NDArray[np.bool_]], resamples: Resamples, level: float = 0.95
) -> dict[Name, Difference]:
    """How much more the statistic has on the rows of each mask (rows,) than on the others; goes through the samples
    once. `p` is two-sided, from the spread of the samples about the difference: parts are many, and a share of so many
    samples could not be small enough to be told apart from chance among all of them."""
    import numpy as np

    apart: dict[Name, list[NDArray[np.float64]]] = {name: [] for name in masks}
    for weights in resamples:
        for name, mask in masks.items():
            here, rest = (next(within([weights], each)) for each in (mask, ~mask))
            apart[name].append(statistic(here) - statistic(rest))
    found = {}
    for name, mask in masks.items():
        both = (observed({0: statistic}, resamples.rows, each)[0] for each in (mask, ~mask))
        here_value, rest_value = both
        values = np.concatenate(apart[name])
        value = here_value - rest_value
        found[name] = Difference(value, percentile(values, level), by_spread(value, values))
    return found


def by_spread(value: float, values: NDArray[np.float64]) -> float:
    """The two-sided p of a difference whose samples are spread like a normal distribution; NaN where nothing varies."""
    import numpy as np
    from scipy.special import ndtr

    known = values[~np.isnan(values)]
    spread = float(np.std(known, ddof=1)) if known.size > 1 else 0.0
    return float(2 * ndtr(-abs(value) / spread)) if spread > 0 and not np.isnan(value) else float("nan")
