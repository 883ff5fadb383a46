"""Texts as rows of numbers for an estimator: the features of a fit, once it is known which they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends.sklearn._choose import Chosen
from aiaas.backends.sklearn._hashing import Hashed
from aiaas.backends.sklearn._ngrams import Counts, NGrams, batches, joined
from aiaas.backends.sklearn._params import TextFeatures
from aiaas.backends.sklearn._weighing import Scale, inverse_frequency, weigh

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, slots=True)
class Rows:
    """Sparse rows: row i holds `values[starts[i]:starts[i + 1]]` in `columns`, which rise."""

    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """Some of the rows, in the order asked for."""
        lengths = (self.starts[1:] - self.starts[:-1])[rows]
        starts = np.concatenate(([0], lengths.cumsum()))
        # Entry k of a row stands k behind where the row began.
        taken = np.arange(starts[-1]) + (self.starts[rows] - starts[:-1]).repeat(lengths)
        return Rows(starts, self.columns[taken], self.values[taken])

    def matrix(self, width: int) -> csr_matrix:
        """As scikit-learn takes it, `width` columns wide."""
        from scipy.sparse import csr_matrix

        return csr_matrix((self.values, self.columns, self.starts), shape=(len(self), width))


@dataclass(frozen=True, slots=True)
class Featurizer:
    """What counts n-grams and weighs them. `nodes[j]` is what the counter calls column j."""

    counter: NGrams | Hashed
    scale: Scale
    idf: NDArray[np.float64] | None
    nodes: NDArray[np.int64]

    def __call__(self, texts: Sequence[str]) -> Rows:
        """The rows of some texts, each of which depends on nothing but its text."""
        return self.rows(joined([self.counter.count(batch) for batch in batches(texts)]))

    def rows(self, counts: Counts) -> Rows:
        """What was counted, weighed."""
        column = np.zeros(len(self.counter), np.int32)
        column[self.nodes] = np.arange(self.nodes.size, dtype=np.int32)
        return Rows(counts.starts, column.take(counts.features), weigh(counts, self.scale, self.idf))


def of_chosen(params: TextFeatures, chosen: Chosen, texts: int, presence: bool) -> Featurizer:
    """The features of the n-grams that were kept, learned from so many texts."""
    scale = _scale(params, presence)
    idf = None
    if params.features == "tfidf" and scale != "presence":
        idf = np.where(chosen.texts_with > 0, inverse_frequency(chosen.texts_with, texts), 0.0)
    return Featurizer(chosen.tree, scale, idf, chosen.texts_with.nonzero()[0])


def of_hashes(params: TextFeatures, presence: bool) -> Featurizer:
    """The features of a model that hashes."""
    counter = Hashed(params)
    return Featurizer(counter, _scale(params, presence), None, np.arange(len(counter)))


def _scale(params: TextFeatures, presence: bool) -> Scale:
    if presence:
        return "presence"
    if params.features == "counts":
        return "counts"
    return "sublinear" if params.sublinear_tf else "unit"


def text_features(params: Any) -> TextFeatures:
    """The part of an architecture's parameters that makes numbers of texts."""
    return TextFeatures(**{name: getattr(params, name) for name in TextFeatures.model_fields})
