"""Learn from rows of a table that stay on disk. What scales the columns is learned from some rows, drawn by lot."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends.reading import check_classes, go_on, targets_of
from aiaas.backends.rows import Codec, columns_of, numbers_of
from aiaas.backends.sklearn._decide import settings_of
from aiaas.backends.sklearn._descent import Descent
from aiaas.backends.sklearn._features import Rows
from aiaas.backends.sklearn._fit_rows import transformer
from aiaas.backends.sklearn._params import RowFeatures
from aiaas.backends.sklearn._reading import fitting
from aiaas.backends.sklearn._rows import RowModel
from aiaas.backends.sklearn._stream_descent import Dealt, fit
from aiaas.backends.streaming import pieces, regular
from aiaas.contracts import Progress, Training
from aiaas.errors import TrainingError
from aiaas.workspace import atomic

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

_ROWS = 8192
_SAMPLE = 200_000
"""Rows that medians, means and deviations are learned from, where there are more."""


def fit_gaussian(params: RowFeatures, train: Dataset, training: Training, estimator: Any) -> RowModel:
    """Fit GaussianNB block by block: the means and variances that all rows at once would give, up to rounding. Raises
    TrainingError, DataError, Interrupted."""
    targets = targets_of(train, training)
    check_classes(targets, training)
    codec, scaler = _scaler(params, train, training, dense=True)
    classes = np.arange(len(training.signature.labels))
    # Each `partial_fit` adds a part of the largest variance of its rows alone: instead, once, that of all.
    smoothing, estimator.var_smoothing = estimator.var_smoothing, 0.0
    kept = training.checkpoints / "gaussian.npz"
    begin = _restore(estimator, kept, classes)
    with fitting(training):
        for first, matrix in _blocks(codec, train, training, begin, lambda end: _keep(estimator, kept, end)):
            estimator.partial_fit(scaler.transform(matrix), targets[first : first + len(matrix)], classes=classes)
    share = estimator.class_count_ / estimator.class_count_.sum()
    mean = share @ estimator.theta_
    spread = (share @ (estimator.var_ + np.square(estimator.theta_ - mean))).max()
    estimator.var_smoothing = smoothing
    estimator.epsilon_ = smoothing * spread
    estimator.var_ += estimator.epsilon_
    return _model(codec, scaler, estimator, training)


def fit_descent(
    params: RowFeatures, train: Dataset, validation: Dataset, training: Training, descent: Descent
) -> RowModel:
    """Fit a linear classifier by descent. Raises TrainingError, DataError, Interrupted."""
    targets = targets_of(train, training)
    check_classes(targets, training, descent.folds or 1)
    codec, scaler = _scaler(params, train, training)
    width = scaler.transform(np.full((1, len(codec.columns)), np.nan)).shape[1]

    def numbers(rows: Dataset, end: int, keep: Callable[[int], None]) -> Dealt:
        labels = targets_of(rows, training)
        for first, matrix in _blocks(codec, rows, training, end, keep):
            yield first, _sparse(scaler.transform(matrix)), labels[first : first + len(matrix)]

    entries = len(train) * len(codec.columns)
    fitted = fit(descent, targets, numbers, train, validation, entries, width, training)
    return _model(codec, scaler, fitted, training)


def _scaler(params: RowFeatures, train: Dataset, training: Training, dense: bool = False) -> tuple[Codec, Any]:
    """What makes numbers of the columns, and what scales them: that of a fit in memory, where no more rows are there
    than it is learned from."""
    codec = Codec(columns_of(train, training))
    if not codec.columns:
        raise TrainingError(
            "no column is left to learn from: every one is empty", hint="collect rows with at least one feature column"
        )
    chosen = np.ones(len(train), np.bool_)
    if len(train) > _SAMPLE:
        chosen[:] = False
        chosen[np.random.default_rng(training.seed).choice(len(train), _SAMPLE, replace=False)] = True
    sample = [matrix[chosen[first : first + len(matrix)]] for first, matrix in _blocks(codec, train, training)]
    scaler = transformer(codec, params, dense)
    scaler.fit(np.concatenate(sample))
    return codec, scaler


def _blocks(
    codec: Codec, rows: Dataset, training: Training, begin: int = 0, keep: Callable[[int], None] = lambda end: None
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """The rows from `begin` on as numbers, `_ROWS` at a time wherever the file has its joints, with the place of the
    first. `keep` is called from time to time with the place up to which they were dealt with, and before Interrupted
    is raised."""
    kept = time.monotonic()
    first = begin
    for table in regular(pieces(rows, begin), _ROWS):
        if training.should_stop():
            keep(first)
        go_on(training)
        yield first, numbers_of(codec, table)
        first += table.num_rows
        training.progress(Progress(step=first, steps=len(rows)))
        if time.monotonic() - kept >= settings_of(training).checkpoint_every:
            keep(first)
            kept = time.monotonic()
    go_on(training)


def _sparse(matrix: Any) -> Rows:
    from scipy.sparse import csr_matrix

    given = csr_matrix(matrix)
    given.sort_indices()
    return Rows(given.indptr.astype(np.int64), given.indices.astype(np.int32), given.data)


def _model(codec: Codec, scaler: Any, estimator: Any, training: Training) -> RowModel:
    from sklearn.pipeline import Pipeline

    training.notes["features"] = int(estimator.n_features_in_)
    return RowModel(
        codec, Pipeline([("columns", scaler), ("estimator", estimator)]), len(training.signature.labels) or 1
    )


_SUMS = ("theta_", "var_", "class_count_", "class_prior_")


def _keep(estimator: Any, path: Path, end: int) -> None:
    if not hasattr(estimator, "theta_"):
        return
    with atomic.open_new(path) as stream:
        np.savez(stream, end=np.array(end), **{name: getattr(estimator, name) for name in _SUMS})


def _restore(estimator: Any, path: Path, classes: NDArray[np.int64]) -> int:
    """Give the estimator what was kept, and return the row to go on from."""
    if not path.exists():
        return 0
    with np.load(path, allow_pickle=False) as kept:
        for name in _SUMS:
            setattr(estimator, name, kept[name])
        estimator.classes_, estimator.n_features_in_ = classes, estimator.theta_.shape[1]
        return int(kept["end"])
