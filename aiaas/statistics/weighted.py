"""What tasks make statistics of: means, sums, counts, areas under ROC curves, each a function of weights (b, n)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

Value = TypeVar("Value")


class Once(Generic[Value]):
    """What several statistics have in common, computed once for the same weights, which nobody changes meanwhile."""

    def __init__(self, compute: Callable[[NDArray[np.float64]], Value]) -> None:
        self._compute = compute
        self._last: tuple[NDArray[np.float64], Value] | None = None

    def __call__(self, weights: NDArray[np.float64]) -> Value:
        last = self._last
        if last is None or last[0] is not weights:
            last = self._last = (weights, self._compute(weights))
        return last[1]


def ratio(above: NDArray[np.float64], below: NDArray[np.float64], otherwise: float) -> NDArray[np.float64]:
    """One through the other, and `otherwise` where that is not defined."""
    import numpy as np

    whole = np.full(np.broadcast(above, below).shape, otherwise)
    np.divide(above, below, out=whole, where=below != 0)
    return whole


class Sums:
    """The weighted sum of each column of `values` (n, columns), as (columns, b)."""

    def __init__(self, values: NDArray[Any]) -> None:
        import numpy as np

        self._values = np.asarray(values, np.float64).T

    def __call__(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._values @ weights.T


class Mean:
    """The weighted mean of `values` (n,)."""

    def __init__(self, values: NDArray[Any]) -> None:
        import numpy as np

        self._values = np.asarray(values, np.float64)

    def __call__(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        return ratio(weights @ self._values, weights.sum(axis=1), np.nan)


class Gathered:
    """The weights of rows added up by their `place` (n,), as (places, b); those of `chosen` rows (n,) only, and each
    times its number in `values` (n,) where there are such."""

    def __init__(
        self,
        place: NDArray[np.int64],
        places: int,
        chosen: NDArray[np.bool_] | None = None,
        values: NDArray[Any] | None = None,
    ) -> None:
        import numpy as np

        rows = np.arange(len(place)) if chosen is None else np.flatnonzero(chosen)
        self._adding = _adding(place[rows], places, rows, len(place), None if values is None else values[rows])

    def __call__(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        sums: NDArray[np.float64] = self._adding @ weights.T
        return sums


class Area:
    """The area under the ROC curve: how likely a row `inside` (n,) has a higher score (n,) than one outside, ties
    counted half. NaN where one side has no weight.

    Rows inside are brought together by their score, and those outside by where they lie among these scores; the rest
    is one cumulative sum. So a sample costs as many additions as there are rows, and nothing is sorted twice.
    """

    def __init__(self, inside: NDArray[np.bool_], scores: NDArray[Any]) -> None:
        import numpy as np

        found, place = np.unique(scores[inside], return_inverse=True)
        outside = scores[~inside]
        # An even number counts the scores that are lower; an odd one lies on a score.
        between = np.searchsorted(found, outside, "left") + np.searchsorted(found, outside, "right")
        size = len(scores)
        self._inside = _adding(place, len(found), np.flatnonzero(inside), size)
        self._outside = _adding(between, 2 * len(found) + 1, np.flatnonzero(~inside), size)

    def __call__(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        inside, outside = self._inside @ weights.T, self._outside @ weights.T
        below = np.cumsum(outside, axis=0)
        pairs = inside.sum(axis=0) * below[-1]
        higher = (inside * (below[:-1:2] + outside[1::2] / 2)).sum(axis=0)
        return ratio(higher, pairs, np.nan)


def _adding(
    place: NDArray[np.intp], places: int, rows: NDArray[np.intp], size: int, values: NDArray[Any] | None = None
) -> csr_matrix:
    """The matrix (places, size) that adds up what stands at `rows`, which have a `place` each, once or by `values`."""
    import numpy as np
    from scipy.sparse import csr_matrix

    factors = np.ones(len(rows)) if values is None else np.asarray(values, np.float64)
    return csr_matrix((factors, (place, rows)), shape=(places, size))
