"""n-grams in a fixed number of columns, by scikit-learn's own hashing: nothing is learned, two may share a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends.sklearn._ngrams import Counts
from aiaas.backends.sklearn._params import TextFeatures

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import HashingVectorizer


class Hashed:
    """Counts n-grams by the hash of their characters."""

    def __init__(self, params: TextFeatures) -> None:
        self._params = params
        self._vectorizer: HashingVectorizer | None = None

    def __len__(self) -> int:
        return 1 << self._params.hash_bits

    def count(self, texts: Sequence[str]) -> Counts:
        """Count the n-grams of one batch, by column."""
        matrix: Any = self._sklearn().transform(texts)
        return Counts(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data.astype(np.int32))

    learn = count

    def _sklearn(self) -> HashingVectorizer:
        if self._vectorizer is None:  # imported when first asked: a loaded model starts without scikit-learn
            from sklearn.feature_extraction.text import HashingVectorizer

            self._vectorizer = HashingVectorizer(
                n_features=len(self),
                analyzer=self._params.analyzer,
                ngram_range=self._params.ngrams,
                token_pattern=r"(?u)\b\w+\b" if self._params.analyzer == "word" else None,
                lowercase=self._params.lowercase,
                alternate_sign=False,
                norm=None,
            )
        return self._vectorizer
