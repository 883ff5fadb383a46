"""Learn from texts: count, choose the features, fit scikit-learn's estimator, keep its linear head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends.reading import check_classes, go_on, tables
from aiaas.backends.sklearn._hashing import Hashed
from aiaas.backends.sklearn._linear import Linear
from aiaas.backends.sklearn._ngrams import Counts, NGrams, batches
from aiaas.backends.sklearn._params import TextFeatures
from aiaas.backends.sklearn._reading import fitting
from aiaas.backends.sklearn._text import Saved, TextModel, new_counter
from aiaas.backends.sklearn._weighing import Scale, inverse_frequency, weigh
from aiaas.contracts import Training
from aiaas.errors import DataError, TrainingError

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, slots=True)
class Learned:
    """The training texts as numbers: `nodes[j]` is the row of the head's weights that belongs to column j."""

    counter: NGrams | Hashed
    scale: Scale
    idf: NDArray[np.float64] | None
    nodes: NDArray[np.int64]
    matrix: csr_matrix
    targets: NDArray[np.int64]


def fit(
    params: TextFeatures,
    train: Dataset,
    training: Training,
    estimator: Callable[[], Any],
    head: Callable[[Any], Linear],
    *,
    presence: bool = False,
    least: int = 1,
) -> TextModel:
    """Fit what `estimator` makes on the texts and take its weights with `head`.

    `presence` counts an n-gram once a text; `least` is the number of rows that every class must have. Raises
    TrainingError and Interrupted.
    """
    learned = learn(params, train, training, presence=presence, least=least)
    training.notes["features"] = learned.nodes.size
    fitted = estimator()
    with fitting(training):
        fitted.fit(learned.matrix, learned.targets)
    go_on(training)
    columns = head(fitted)
    weights = np.zeros((len(learned.counter), columns.weights.shape[1]), np.float32)
    weights[learned.nodes] = columns.weights
    saved = Saved(features=TextFeatures(**_text_only(params)), scale=learned.scale, link=columns.link)
    idf = None if learned.idf is None else learned.idf.astype(np.float32)
    return TextModel(saved, learned.counter, idf, Linear(weights, columns.bias, columns.link))


def learn(
    params: TextFeatures, train: Dataset, training: Training, *, presence: bool = False, least: int = 1
) -> Learned:
    """Count the n-grams of all texts, choose the features, weigh them."""
    counter = new_counter(params)
    parts: list[Counts] = []
    labels: list[NDArray[np.int64]] = []
    for table in tables(train, training):
        if table["text"].null_count or table["label"].null_count:
            raise DataError("a training row has no text or no label", hint="leave such rows out")
        parts.extend(counter.learn(batch) for batch in batches(table["text"].to_pylist()))
        labels.append(table["label"].to_numpy().astype(np.int64))
    targets = np.concatenate(labels) if labels else np.empty(0, np.int64)
    check_classes(targets, training, least)
    counts = _joined(parts)
    parts.clear()
    texts_with = np.bincount(counts.features, minlength=len(counter))
    if isinstance(counter, NGrams):
        counts, texts_with = _choose(params, counter, counts, texts_with)
        nodes = texts_with.nonzero()[0]
    else:
        nodes = np.arange(len(counter))
    go_on(training)
    scale = _scale(params, presence)
    idf = None
    if params.features == "tfidf" and scale != "presence":
        idf = np.where(texts_with > 0, inverse_frequency(texts_with, targets.size), 0.0)
    return Learned(counter, scale, idf, nodes, _matrix(counts, weigh(counts, scale, idf), nodes, len(counter)), targets)


def _text_only(params: TextFeatures) -> dict[str, Any]:
    return {name: getattr(params, name) for name in TextFeatures.model_fields}


def _scale(params: TextFeatures, presence: bool) -> Scale:
    if presence:
        return "presence"
    if params.features == "counts":
        return "counts"
    return "sublinear" if params.sublinear_tf else "unit"


def _joined(parts: Sequence[Counts]) -> Counts:
    """The counts of several batches as one."""
    sizes = np.cumsum([0, *(part.features.size for part in parts)])
    starts = [part.starts[:-1] + size for part, size in zip(parts, sizes, strict=False)]
    return Counts(
        np.concatenate([*starts, sizes[-1:]]),
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.counts for part in parts]),
    )


def _choose(
    params: TextFeatures, tree: NGrams, counts: Counts, texts_with: NDArray[np.int64]
) -> tuple[Counts, NDArray[np.int64]]:
    """Leave out what is rarer than `min_count` or beyond `max_features`, from the tree too.

    Of n-grams that are equally frequent the one found first stays. Raises TrainingError when nothing is left.
    """
    wanted = texts_with >= params.min_count
    wanted[0] = False
    if tree.low > 1:
        wanted &= texts_with > 0
    if params.max_features is not None and params.max_features < wanted.sum():
        total = np.bincount(counts.features, weights=counts.counts, minlength=len(tree))
        candidates = wanted.nonzero()[0]
        beyond = np.argsort(-total[candidates], kind="stable")[params.max_features :]
        wanted[candidates[beyond]] = False
    if not wanted.any():
        raise TrainingError(
            "no n-gram is left to learn from: the texts are empty or too short, or min_count is too high",
            hint="lower min_count, or shorten the n-grams",
        )
    if wanted[1:].all():
        return counts, texts_with
    numbers = tree.keep(wanted)
    stays = wanted.take(counts.features)
    before = np.concatenate(([0], stays.cumsum()))
    counts = Counts(before.take(counts.starts), numbers.take(counts.features[stays]), counts.counts[stays])
    return counts, np.bincount(counts.features, minlength=len(tree))


def _matrix(counts: Counts, values: NDArray[np.float64], nodes: NDArray[np.int64], size: int) -> csr_matrix:
    """The values as scikit-learn takes them, a column for each of `nodes`."""
    from scipy.sparse import csr_matrix

    column = np.zeros(size, np.int32)
    column[nodes] = np.arange(nodes.size, dtype=np.int32)
    return csr_matrix((values, column.take(counts.features), counts.starts), shape=(len(counts.starts) - 1, nodes.size))
