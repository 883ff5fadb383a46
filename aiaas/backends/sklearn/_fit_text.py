"""Learn from texts: count, choose the features, fit scikit-learn's estimator, keep its linear head."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends.reading import check_classes, go_on
from aiaas.backends.sklearn._blocks import blocks
from aiaas.backends.sklearn._choose import choose
from aiaas.backends.sklearn._features import Featurizer, Rows, of_chosen, of_hashes, text_features
from aiaas.backends.sklearn._linear import Linear
from aiaas.backends.sklearn._ngrams import Counts, NGrams, joined, renumbered
from aiaas.backends.sklearn._params import TextFeatures
from aiaas.backends.sklearn._reading import fitting
from aiaas.backends.sklearn._survey import Survey, count_and_keep
from aiaas.backends.sklearn._text import Saved, TextModel
from aiaas.contracts import Training

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, slots=True)
class Learner:
    """What learns from numbers. `estimator` makes it, `head` takes its weights. `presence` counts an n-gram once a
    text; every class must have `least` rows. `in_parts` says that it learns the same from parts of the rows, one after
    the other, as from all at once."""

    estimator: Callable[[], Any]
    head: Callable[[Any], Linear]
    presence: bool = False
    least: int = 1
    in_parts: bool = False


@dataclass(frozen=True, slots=True)
class Learned:
    """The training texts as numbers, a block of them each, and their labels."""

    features: Featurizer
    parts: list[Rows]
    targets: NDArray[np.int64]

    @property
    def matrix(self) -> csr_matrix:
        """All rows."""
        starts = np.cumsum([0, *(part.values.size for part in self.parts)])
        whole = Rows(
            np.concatenate(
                [*(p.starts[:-1] + start for p, start in zip(self.parts, starts, strict=False)), starts[-1:]]
            ),
            np.concatenate([part.columns for part in self.parts]),
            np.concatenate([part.values for part in self.parts]),
        )
        return whole.matrix(self.features.nodes.size)


def fit(params: Any, train: Dataset, training: Training, learner: Learner) -> TextModel:
    """Fit on the texts, all held in memory. Raises TrainingError, DataError and Interrupted."""
    learned = learn(text_features(params), train, training, presence=learner.presence, least=learner.least)
    training.notes["features"] = learned.features.nodes.size
    estimator = learner.estimator()
    with fitting(training):
        if learner.in_parts:
            learn_parts(estimator, learned, len(training.signature.labels))
        else:
            estimator.fit(learned.matrix, learned.targets)
    go_on(training)
    return model_of(params, learned.features, learner.head(estimator))


def learn_parts(estimator: Any, learned: Learned, classes: int) -> None:
    """Let the estimator see one block after the other, as a fit does that streams."""
    begin = 0
    for part in learned.parts:
        targets = learned.targets[begin : begin + len(part)]
        estimator.partial_fit(part.matrix(learned.features.nodes.size), targets, classes=np.arange(classes))
        begin += len(part)


def model_of(params: Any, features: Featurizer, head: Linear) -> TextModel:
    """The model with the weights of a fitted estimator, a row for each column of the features."""
    weights = np.zeros((len(features.counter), head.weights.shape[1]), np.float32)
    weights[features.nodes] = head.weights
    saved = Saved(features=text_features(params), scale=features.scale, link=head.link)
    idf = None if features.idf is None else features.idf.astype(np.float32)
    return TextModel(saved, features.counter, idf, Linear(weights, head.bias, head.link))


def learn(
    params: TextFeatures, train: Dataset, training: Training, *, presence: bool = False, least: int = 1
) -> Learned:
    """Count the n-grams of all texts, choose the features, weigh them."""
    survey = Survey(params)
    trees: deque[tuple[NGrams, deque[Counts]]] = deque()
    texts: list[list[str]] = []
    labels: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    for block in blocks(train, training):
        labels.append(block.labels)
        if params.features == "hashing":
            texts.append(block.texts)
            continue
        trees.append(_counted(params, survey, block.texts))
    targets = np.concatenate(labels)
    check_classes(targets, training, least)
    if params.features == "hashing":
        features = of_hashes(params, presence)
        return Learned(features, [features(each) for each in texts], targets)
    chosen = choose(params, survey)
    features = of_chosen(params, chosen, targets.size, presence)
    del survey
    go_on(training)
    parts = []
    while trees:  # letting go of what was counted: all of it takes as much as what is made of it
        tree, counts = trees.popleft()
        numbers = tree.numbers_in(chosen.tree)
        del tree
        parts.append(features.rows(joined([renumbered(counts.popleft(), numbers) for _ in range(len(counts))])))
    return Learned(features, parts, targets)


def _counted(params: TextFeatures, survey: Survey, texts: list[str]) -> tuple[NGrams, deque[Counts]]:
    """What stands in the texts: all of them added to the survey, and their tree with the counts of each batch."""
    counted, tree, counts = count_and_keep(params, texts)
    survey.add(counted)
    return tree, deque(counts)
