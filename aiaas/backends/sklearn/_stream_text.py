"""Learn from texts that stay on disk: one pass that counts n-grams, then what the estimator needs.

What is held: one block of texts a process, what was counted of n-grams as far as `_survey` lets it grow, and the model.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends import arrays
from aiaas.backends.reading import check_classes, go_on, targets_of
from aiaas.backends.sklearn._blocks import Block, blocks
from aiaas.backends.sklearn._choose import Chosen, choose
from aiaas.backends.sklearn._features import Featurizer, of_chosen, of_hashes, text_features
from aiaas.backends.sklearn._fit_text import Learner, model_of
from aiaas.backends.sklearn._ngrams import NGrams
from aiaas.backends.sklearn._params import TextFeatures
from aiaas.backends.sklearn._pool import mapped
from aiaas.backends.sklearn._reading import fitting
from aiaas.backends.sklearn._survey import Survey, count, new_tree
from aiaas.backends.sklearn._text import TextModel
from aiaas.backends.sklearn._tokens import Words
from aiaas.contracts import Progress, Training
from aiaas.errors import Interrupted
from aiaas.workspace import atomic

if TYPE_CHECKING:
    from datasets import Dataset

_TELL_EVERY = 0.2  # seconds


def fit(params: Any, train: Dataset, training: Training, learner: Learner, processes: int) -> TextModel:
    """Fit an estimator that learns from parts of the rows as from all at once: the model that `_fit_text.fit` gives, to
    the bit. Raises TrainingError, DataError, and Interrupted once it has kept where it stands."""
    classes = len(training.signature.labels)
    check_classes(targets_of(train, training), training, learner.least)
    features = features_of(params, train, training, learner.presence, processes)
    width = features.nodes.size
    training.notes["features"] = width
    estimator = learner.estimator()
    sums = _Sums(training.checkpoints / "sums.npz")
    walk = Walk(training, len(train), sums.restore(estimator, classes))
    with fitting(training):
        for block, rows in walk.over(train, features, processes, lambda: sums.keep(estimator, walk.end)):
            estimator.partial_fit(rows.matrix(width), block.labels, classes=np.arange(classes))
    return model_of(params, features, learner.head(estimator))


def features_of(params: Any, train: Dataset, training: Training, presence: bool, processes: int) -> Featurizer:
    """The features of the training texts, after a pass over them where they must be counted first."""
    wanted = text_features(params)
    if wanted.features == "hashing":
        return of_hashes(wanted, presence)
    kept = training.checkpoints / "ngrams"
    chosen = _load(wanted, kept)
    if chosen is None:
        chosen = _counted(wanted, train, training, processes)
        _save(chosen, kept)
        shutil.rmtree(training.checkpoints / "counts", ignore_errors=True)
    return of_chosen(wanted, chosen, len(train), presence)


def _counted(params: TextFeatures, train: Dataset, training: Training, processes: int) -> Chosen:
    """The n-grams that the model keeps. What was counted is on disk whenever the fit is stopped or keeps a state."""
    folder = training.checkpoints / "counts"
    state = folder / "state.json"
    begin = json.loads(state.read_text("utf-8")) if state.exists() else {"end": 0, "runs": 0}
    survey = Survey(params, folder, begin["runs"])

    def keep() -> None:
        survey.spill()
        atomic.write_json(state, {"end": walk.end, "runs": survey.runs})

    walk = Walk(training, len(train), begin["end"])
    for _, counted in walk.over(train, partial(count, params), processes, keep):
        survey.add(counted)
    go_on(training)
    return choose(params, survey, folder)


class Walk:
    """A pass over the training texts: where it stands, what a person is told, when it keeps a state."""

    def __init__(self, training: Training, rows: int, end: int = 0) -> None:
        self.training, self.rows, self.end = training, rows, end
        self._began = self._kept = time.monotonic()
        self._first = end
        self._told = 0.0

    def over(self, train: Dataset, function: Any, processes: int, keep: Any) -> Iterator[tuple[Block, Any]]:
        """Each block with what `function` makes of its texts. `keep` is called from time to time, and before
        Interrupted is raised, when all blocks up to `end` were dealt with."""
        given = ((block, block.texts) for block in blocks(train, self.training, self.end))
        try:
            for block, result in mapped(function, given, processes):
                yield block, result
                self.end = block.end
                self._tell()
                if time.monotonic() - self._kept >= self.training.settings.checkpoint_every:
                    keep()
                    self._kept = time.monotonic()
        except Interrupted:
            keep()
            raise

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told < _TELL_EVERY and self.end < self.rows:
            return
        self._told = now
        rate = (self.end - self._first) / max(1e-9, now - self._began)
        self.training.progress(
            Progress(
                step=self.end,
                steps=self.rows,
                examples_per_second=rate,
                seconds_left=(self.rows - self.end) / rate if rate else None,
            )
        )


class _Sums:
    """What an estimator of Naive Bayes has learned so far, and up to which row."""

    NAMES = ("feature_count_", "class_count_", "feature_log_prob_", "class_log_prior_")

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, estimator: Any, end: int) -> None:
        if not hasattr(estimator, "feature_count_"):
            return
        learned: dict[str, Any] = {name: getattr(estimator, name) for name in self.NAMES}
        with atomic.open_new(self._path) as stream:
            np.savez(stream, end=np.array(end, np.int64), **learned)

    def restore(self, estimator: Any, classes: int) -> int:
        """Give the estimator what was kept, and return the row to go on from."""
        if not self._path.exists():
            return 0
        with np.load(self._path, allow_pickle=False) as kept:
            for name in self.NAMES:
                setattr(estimator, name, kept[name])
            estimator.classes_ = np.arange(classes)
            estimator.n_features_in_ = estimator.feature_count_.shape[1]
            return int(kept["end"])


def _save(chosen: Chosen, folder: Path) -> None:
    """Keep the n-grams; they are there once `keys.npz` is."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(chosen.tree.tokens, Words):
        atomic.write_json(folder / "words.json", chosen.tree.tokens.words)
    with atomic.open_new(folder / "keys.npz") as stream:
        np.savez(stream, keys=chosen.tree.keys, texts_with=chosen.texts_with)


def _load(params: TextFeatures, folder: Path) -> Chosen | None:
    if not (folder / "keys.npz").exists():
        return None
    tokens = new_tree(params).tokens
    if isinstance(tokens, Words):
        tokens = Words(params.lowercase, arrays.read_json(folder / "words.json"))
    with np.load(folder / "keys.npz", allow_pickle=False) as kept:
        return Chosen(NGrams(tokens, *params.ngrams, keys=kept["keys"]), kept["texts_with"])
