"""A model of texts: n-grams, their values, and a linear head. It answers with numpy alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aiaas.backends import arrays
from aiaas.backends.sklearn._hashing import Hashed
from aiaas.backends.sklearn._linear import Linear, Link
from aiaas.backends.sklearn._ngrams import Counts, NGrams, batches
from aiaas.backends.sklearn._params import TextFeatures
from aiaas.backends.sklearn._tokens import Characters, Tokens, Words
from aiaas.backends.sklearn._weighing import Scale, weigh
from aiaas.contracts import Params

if TYPE_CHECKING:
    from numpy.typing import NDArray

SETTINGS, ARRAYS, WORDS = "text.json", "arrays.npz", "words.json"


class Saved(Params):
    """What `text.json` holds."""

    format: Literal[1] = 1
    features: TextFeatures
    scale: Scale
    link: Link


class TextModel:
    """Texts in, probabilities out."""

    def __init__(self, saved: Saved, counter: NGrams | Hashed, idf: NDArray[np.float32] | None, head: Linear) -> None:
        self._saved, self._counter, self._idf, self.head = saved, counter, idf, head

    def predict(self, examples: Sequence[str]) -> NDArray[np.float32]:
        """Probabilities of shape (n, classes), a batch at a time so that memory stays flat."""
        parts = [self._predict(batch) for batch in batches(examples)]
        return np.concatenate(parts) if parts else np.empty((0, self.head.classes), np.float32)

    def _predict(self, texts: Sequence[str]) -> NDArray[np.float32]:
        counts: Counts = self._counter.count(texts)
        return self.head.predict(counts.features, weigh(counts, self._saved.scale, self._idf), counts.starts)

    def save(self, directory: Path) -> None:
        """Write the settings as JSON and the arrays as npz."""
        arrays.write_json(directory / SETTINGS, self._saved.model_dump(mode="json"))
        kept: dict[str, NDArray[Any]] = {"weights": self.head.weights, "bias": self.head.bias}
        if self._idf is not None:
            kept["idf"] = self._idf
        if isinstance(self._counter, NGrams):
            kept["keys"] = self._counter.keys
            if isinstance(self._counter.tokens, Words):
                arrays.write_json(directory / WORDS, self._counter.tokens.words)
        arrays.write_arrays(directory / ARRAYS, kept)


def load(directory: Path) -> TextModel:
    """The model that `TextModel.save` wrote; VerificationError where a file is missing or does not fit the others."""
    saved = arrays.read_settings(directory / SETTINGS, Saved)
    params = saved.features
    expected: dict[str, tuple[type[np.generic], int]] = {"weights": (np.float32, 2), "bias": (np.float64, 1)}
    if params.features != "hashing":
        expected["keys"] = (np.int64, 1)
    if params.features == "tfidf" and saved.scale != "presence":
        expected["idf"] = (np.float32, 1)
    kept = arrays.read_arrays(directory / ARRAYS, expected)
    counter = _counter(directory, params, kept)
    head = Linear(kept["weights"], kept["bias"], saved.link)
    rows, outputs = head.weights.shape
    shapes = [rows == len(counter), outputs == head.bias.size, (outputs == 1) == (saved.link == "logistic")]
    if "idf" in kept:
        shapes.append(kept["idf"].size == rows)
    if not all(shapes):
        raise arrays.damaged(directory / ARRAYS, "the arrays of the model do not fit each other")
    return TextModel(saved, counter, kept.get("idf"), head)


def _counter(directory: Path, params: TextFeatures, kept: dict[str, NDArray[Any]]) -> NGrams | Hashed:
    """What counts n-grams, from the saved tree."""
    if "keys" not in kept:
        return Hashed(params)
    if params.analyzer == "word":
        words = arrays.read_json(directory / WORDS)
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise arrays.damaged(directory / WORDS, "the words of the model are not a list of strings")
        tokens: Tokens = Words(params.lowercase, words)
        known = len(set(words))
    else:
        tokens, known = Characters(params.lowercase), sys.maxunicode + 1
    keys = kept["keys"]
    parents, last = keys >> 32, keys & 0xFFFFFFFF
    if (parents < 0).any() or (parents > np.arange(keys.size)).any() or (last >= known).any():
        raise arrays.damaged(directory / ARRAYS, "the n-grams of the model are not a tree")
    return NGrams(tokens, *params.ngrams, keys=keys)
