"""From counts to feature values: tf-idf, plain counts, or mere presence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from aiaas.backends.sklearn._linear import sums
from aiaas.backends.sklearn._ngrams import Counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scale = Literal["unit", "sublinear", "counts", "presence"]
"""unit: a text has length 1. sublinear: the same of 1 + ln(count). counts: as counted. presence: 1 where it occurs."""


def weigh(counts: Counts, scale: Scale, idf: NDArray[np.float32] | NDArray[np.float64] | None) -> NDArray[np.float64]:
    """The value of every entry of `counts`; `idf` holds a factor for each feature (0: it is no feature)."""
    if scale == "presence":
        return np.ones(counts.features.size)
    values = counts.counts.astype(np.float64)
    if scale == "counts":
        return values
    if scale == "sublinear":
        np.log(values, out=values)
        values += 1
    if idf is not None:
        values *= idf.take(counts.features)
    lengths = np.sqrt(sums(np.square(values), counts.starts))
    lengths[lengths == 0] = 1
    values /= lengths.repeat(counts.starts[1:] - counts.starts[:-1])
    return values


def inverse_frequency(texts_with: NDArray[np.int64], texts: int) -> NDArray[np.float64]:
    """ln((1 + texts) / (1 + texts with the n-gram)) + 1, as if one more text held every n-gram once."""
    return np.log((1 + texts) / (1 + texts_with)) + 1
