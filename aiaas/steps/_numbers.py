"""What is learned of columns of numbers, however many rows there are: exactly, and the same however the rows are
divided into batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from aiaas.contracts import Batch
from aiaas.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Survey = Mapping[str, NDArray[Any]]

_PLAIN = frozenset({int, float, type(None)})
_DIGIT = 16  # bits by which order statistics are narrowed down in one pass


def survey(batch: Batch, columns: Sequence[str]) -> Survey:
    """Of the column with the number i: `i.numbers` (n,) with NaN for what is missing, none where something else stands
    in it, and `i.kinds` (1, 4): how many values are finite numbers, something else, missing, infinite."""
    import numpy as np

    found: dict[str, NDArray[Any]] = {}
    for place, name in enumerate(columns):
        numbers = floats(batch[name])
        gone = sum(missing(batch[name]))
        if numbers is None:
            others = sum(not _is_number(value) for value in batch[name]) - gone
            found[f"{place}.numbers"] = np.empty(0, np.float64)
        else:
            others = 0
            found[f"{place}.numbers"] = numbers
        infinite = 0 if numbers is None else int(np.isinf(numbers).sum())
        found[f"{place}.kinds"] = np.array([[len(batch[name]) - others - gone - infinite, others, gone, infinite]])
    return found


def floats(values: Sequence[Any]) -> NDArray[np.float64] | None:
    """A column of numbers (n,), NaN where one is missing; None where anything else stands in it."""
    import numpy as np

    return np.array(values, np.float64) if _PLAIN.issuperset(map(type, values)) else None


def missing(values: Sequence[Any]) -> list[bool]:
    """Which values of a column are missing."""
    import numpy as np

    numbers = floats(values)
    if numbers is None:
        return [is_missing(value) for value in values]
    return cast(list[bool], np.isnan(numbers).tolist())


def is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _is_number(value: object) -> bool:
    return type(value) is int or (isinstance(value, float) and not math.isnan(value))


def kinds(surveys: Iterable[Survey], columns: Sequence[str]) -> NDArray[np.int64]:
    """How many values of each column are finite numbers, something else, missing, infinite: (columns, 4)."""
    import numpy as np

    counts = np.zeros((len(columns), 4), np.int64)
    for each in surveys:
        for place in range(len(columns)):
            counts[place] += each[f"{place}.kinds"].sum(axis=0)
    return counts


def of_numbers(counts: NDArray[np.int64], columns: Sequence[str], named: bool, step: str) -> list[int]:
    """Which columns hold numbers. DataError where one that the recipe names does not, or none does."""
    if not counts.sum():
        return []  # there are no rows to know anything of
    numeric = [place for place, (numbers, others, *_) in enumerate(counts.tolist()) if numbers and not others]
    for place, name in enumerate(columns):
        if named and place not in numeric:
            holds = "no finite number" if not counts[place][1] else "something else"
            raise DataError(
                f"{step} works on numbers, and the column {name!r} holds {holds}", where=f"preprocess.steps.{step}"
            )
    if not numeric:
        raise DataError(
            f"{step} works on numbers, and no column holds them alone", where=f"preprocess.steps.{step}",
            hint="leave the step out",
        )  # fmt: skip
    return numeric


def finite(surveys: Iterable[Survey], place: int) -> Iterator[NDArray[np.float64]]:
    """The numbers of a column, some at once; what is missing or infinite teaches nothing."""
    import numpy as np

    for each in surveys:
        values = np.asarray(each[f"{place}.numbers"], np.float64)
        yield values[np.isfinite(values)]


def moments(surveys: Iterable[Survey], places: Sequence[int]) -> dict[int, tuple[float, float]]:
    """Mean and deviation (that of all rows, as scikit-learn's) of each column, in two passes."""
    sums, squares = {place: _Sum() for place in places}, {place: _Sum() for place in places}
    for each in surveys:
        for place in places:
            for values in finite([each], place):
                sums[place].add(values.tolist())
    means = {place: total.mean() for place, total in sums.items()}
    for each in surveys:
        for place in places:
            for values in finite([each], place):
                squares[place].add(((values - means[place]) ** 2).tolist())
    return {place: (means[place], math.sqrt(squares[place].mean())) for place in places}


class _Sum:
    """An exact sum of floats, kept as a few that do not overlap (Shewchuk, 1997): their order does not count."""

    def __init__(self) -> None:
        self._parts: list[float] = []
        self._count = 0

    def add(self, values: list[float]) -> None:
        terms = [*self._parts, *values]
        self._count += len(values)
        self._parts = []
        while rest := math.fsum(terms):
            self._parts.append(rest)
            terms.append(-rest)

    def mean(self) -> float:
        return math.fsum(self._parts) / self._count if self._count else 0.0


def quantiles(surveys: Iterable[Survey], shares: Mapping[int, Sequence[float]]) -> dict[int, list[float]]:
    """Of each column the values below which these shares of the numbers lie, between two of them by a straight line, as
    numpy's. Exact: the order statistics are narrowed down by 16 bits in each of four passes."""
    import numpy as np

    counts = dict.fromkeys(shares, 0)
    for each in surveys:
        for place in shares:
            counts[place] += sum(map(len, finite([each], place)))
    exact = {place: [share * (counts[place] - 1) for share in asked] for place, asked in shares.items()}
    ranks = {
        place: sorted({min(math.floor(rank) + more, counts[place] - 1) for rank in asked for more in (0, 1)})
        for place, asked in exact.items()
        if counts[place]
    }
    found = _ordered(surveys, ranks)
    result: dict[int, list[float]] = {place: [math.nan] * len(asked) for place, asked in shares.items()}
    for place in ranks:
        low = [found[place][math.floor(rank)] for rank in exact[place]]
        high = [found[place][min(math.floor(rank) + 1, counts[place] - 1)] for rank in exact[place]]
        between = [rank - math.floor(rank) for rank in exact[place]]
        result[place] = [float(np.quantile([a, b], part)) for a, b, part in zip(low, high, between, strict=True)]
    return result


def _ordered(surveys: Iterable[Survey], ranks: Mapping[int, Sequence[int]]) -> dict[int, dict[int, float]]:
    """The number that has each rank in its column, counted from 0."""
    import numpy as np

    # Of each rank what is known of the bits of its number, and its rank among the numbers with these bits.
    known = {place: {rank: (0, rank) for rank in asked} for place, asked in ranks.items()}
    for shift in range(64 - _DIGIT, -1, -_DIGIT):
        spread = {
            (place, prefix): np.zeros(2**_DIGIT, np.int64)
            for place, asked in known.items()
            for prefix, _ in asked.values()
        }
        for each in surveys:
            keys = {place: _sortable(values) for place in known for values in finite([each], place)}
            for (place, prefix), counts in spread.items():
                bits = keys[place] >> np.uint64(shift)
                alike = bits if shift == 64 - _DIGIT else bits[bits >> np.uint64(_DIGIT) == np.uint64(prefix)]
                counts += np.bincount((alike & np.uint64(2**_DIGIT - 1)).astype(np.int64), minlength=2**_DIGIT)
        for place, asked in known.items():
            for rank, (prefix, among) in asked.items():
                below = np.cumsum(spread[place, prefix])
                digit = int(np.searchsorted(below, among, side="right"))
                asked[rank] = (prefix << _DIGIT) | digit, among - int(below[digit - 1] if digit else 0)
    return {place: {rank: _number(bits) for rank, (bits, _) in asked.items()} for place, asked in known.items()}


def _sortable(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Whole numbers in the order of the floats: the sign's bit turned, and of negative ones all bits."""
    import numpy as np

    bits = (values + 0.0).view(np.uint64)  # -0.0 becomes 0.0
    return np.where(bits >> np.uint64(63), ~bits, bits | np.uint64(2**63))


def _number(bits: int) -> float:
    """The float of a whole number that `_sortable` gave."""
    import numpy as np

    plain = bits ^ 2**63 if bits >> 63 else bits ^ (2**64 - 1)
    return float(np.uint64(plain).view(np.float64))


def mapped(values: list[Any], change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> list[Any]:
    """The numbers of a column changed; what is missing, or no number, stays."""
    import numpy as np

    numbers = floats(values)
    if numbers is None:
        numbers = np.array([value if _is_number(value) else None for value in values], np.float64)
    changed: list[Any] = change(numbers).tolist()
    for place in np.flatnonzero(np.isnan(numbers)).tolist():
        changed[place] = values[place]
    return changed
