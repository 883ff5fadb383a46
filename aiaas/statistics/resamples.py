"""Samples of rows as weights: how often each row counts in each of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from aiaas.contracts import Statistic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK_BYTES = 8 * 2**20
"""What the weights of a block take: enough that a block costs nothing besides its numbers, and stays in the cache."""

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Resamples:
    """Bootstrap samples of `rows` rows, drawn with replacement, as blocks of weights (b, rows), the same each time.

    Row i of sample k stands in it as often as `weights[k, i]` says; all weights of a sample sum to `rows`. With
    `strata` (rows,), whole numbers, every stratum keeps its size in every sample. How many samples are in a block
    depends on the memory that they take and changes nothing: the samples of a seed are those that
    `scipy.stats.bootstrap` draws with `numpy.random.default_rng(seed)`.
    """

    rows: int
    samples: int = 1000
    seed: int = 0
    strata: NDArray[Any] | None = None

    def __iter__(self) -> Iterator[NDArray[np.float64]]:
        import numpy as np

        draws = self._draws()
        block = samples_at_once(self.rows)
        for start in range(0, self.samples, block):
            count = min(block, self.samples - start)
            weights = np.zeros((count, self.rows))
            for members, generator in draws:
                weights[:, members] = _counts(generator, count, members.size)
            yield _by_row(weights)

    def _draws(self) -> list[tuple[NDArray[np.intp], np.random.Generator]]:
        """The rows of each stratum, and what draws among them: one a stratum, so that blocks change nothing."""
        import numpy as np

        if self.strata is None:
            return [(np.arange(self.rows), np.random.default_rng(self.seed))]
        members = [np.flatnonzero(self.strata == value) for value in np.unique(self.strata)]
        return [(each, np.random.default_rng([self.seed, number])) for number, each in enumerate(members)]


def samples_at_once(rows: int) -> int:
    """How many samples of so many rows are computed together."""
    return max(1, BLOCK_BYTES // (8 * max(1, rows)))


def _counts(generator: np.random.Generator, count: int, rows: int) -> NDArray[np.int64]:
    import numpy as np

    drawn = generator.integers(0, rows, (count, rows))
    drawn += rows * np.arange(count)[:, None]
    return np.bincount(drawn.ravel(), minlength=count * rows).reshape(count, rows)


def _by_row(weights: NDArray[Any]) -> NDArray[np.float64]:
    """The same numbers, all samples of a row beside each other in memory: products with sparse matrices, which pick and
    add rows, then run over whole vectors."""
    import numpy as np

    kept = np.ascontiguousarray(weights.T, np.float64)
    kept.flags.writeable = False  # statistics may keep what they found for the very same weights
    return kept.T


def jackknife(rows: int, groups: int) -> Iterator[NDArray[np.float64]]:
    """Blocks of weights (b, rows) in which one row each is left out, or one of `groups` groups where there are fewer.

    A group is every so-many-th row, so that data in some order gives groups that are alike. The acceleration of BCa is
    the same function of the groups' influences as of the rows': second and third moments of sums grow alike.
    """
    import numpy as np

    groups = min(groups, rows)
    group = np.arange(rows) % groups
    block = samples_at_once(rows)
    for start in range(0, groups, block):
        left_out = np.arange(start, min(start + block, groups))
        yield _by_row(left_out[:, None] != group[None, :])


def within(blocks: Iterable[NDArray[np.float64]], mask: NDArray[np.bool_]) -> Iterator[NDArray[np.float64]]:
    """The same samples without the rows where `mask` (rows,) is false: those of a slice."""
    for weights in blocks:
        yield _by_row(weights * mask)


def observed(
    statistics: Mapping[Name, Statistic], rows: int, mask: NDArray[np.bool_] | None = None
) -> dict[Name, float]:
    """The values on the rows themselves, or on those of `mask`; NaN where one is not defined."""
    import numpy as np

    weights = _by_row(np.ones((1, rows)) if mask is None else mask[None, :])
    return {name: float(values[0]) for name, values in replicates(statistics, [weights]).items()}


def known(value: float) -> float | None:
    """The value as JSON holds it: None where it is not defined."""
    return None if value != value else value


def replicates(
    statistics: Mapping[Name, Statistic], blocks: Iterable[NDArray[np.float64]]
) -> dict[Name, NDArray[np.float64]]:
    """The values (samples,) of each statistic over all blocks, which are gone through once."""
    import numpy as np

    found: dict[Name, list[NDArray[np.float64]]] = {name: [] for name in statistics}
    for weights in blocks:
        for name, statistic in statistics.items():
            found[name].append(statistic(weights))
    return {name: np.concatenate(values) if values else np.empty(0) for name, values in found.items()}
