"""Labels that are probably wrong: what a fast model, asked for rows that it did not learn from, thinks of them.

The rows are divided into five parts, each is judged by a model that learned from the other four, and confident
learning (Northcutt, Jiang and Chuang, 2021) says whose label is more likely another one.
"""

from __future__ import annotations

import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aiaas import plugins
from aiaas.inspect.report import Labels
from aiaas.inspect.sample import Sample
from aiaas.inspect.view import View

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

REQUIRES = ("cleanlab",)
FOLDS = 5
FEWEST = 50
"""Rows without which nothing can be said."""
BETTER = 0.5
"""A model tells something of the labels where it avoids so much of the error of always guessing the largest class."""
SURE = 0.9
"""The score that another label must have: near a border between classes labels are uncertain, and not wrong."""
_FEATURES = 2**18
_SHOWN = 20


class Unsaid(Exception):
    """Nothing can be said of these labels; the message says why."""


def suspicious(view: View, sample: Sample, seed: int) -> tuple[Labels, list[tuple[int, str]]]:
    """The counts, and of the rows whose label is most likely wrong their places in the sample and the likelier label.

    Raises MissingPackageError, and Unsaid where the rows are too few or the model no better than chance.
    """
    plugins.require(REQUIRES, "looking for suspicious labels")
    assert view.label
    rows, labels = _usable(sample.columns[view.label])
    names, codes = np.unique(labels, return_inverse=True)
    model, features = _of_texts(view, sample, rows, seed) if view.named("text") else _of_rows(view, sample, rows, seed)
    scores = _judged(model, features, codes, seed)
    likeliest = scores.argmax(axis=1)
    accuracy = float((likeliest == codes).mean())
    guess = np.bincount(codes).max() / len(codes)
    if 1 - accuracy > (1 - guess) * BETTER:
        raise Unsaid(f"a fast model is right for {accuracy:.0%} of the rows only, which tells nothing of the labels")
    wrong = _issues(codes, scores)
    wrong = wrong[scores[wrong].max(axis=1) >= SURE]
    told = [(rows[int(row)], str(names[likeliest[row]])) for row in wrong[:_SHOWN]]
    counts = Labels(rows=len(rows), model=model.__class__.__name__, accuracy=round(accuracy, 4), suspicious=len(wrong))
    return counts, told


def _usable(labels: list[Any]) -> tuple[list[int], list[str]]:
    """The rows of classes that can be divided, and their labels."""
    frequent = {label for label, count in Counter(labels).items() if count >= FOLDS and label}
    rows = [row for row, label in enumerate(labels) if label in frequent]
    if len(frequent) < 2 or len(rows) < FEWEST:
        raise Unsaid(f"it takes {FEWEST} rows, and {FOLDS} of each of two classes at least")
    return rows, [labels[row] for row in rows]


def _of_texts(view: View, sample: Sample, rows: list[int], seed: int) -> tuple[ClassifierMixin, Any]:
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import SGDClassifier

    hashed = HashingVectorizer(analyzer="char", ngram_range=(1, 3), n_features=_FEATURES, dtype=np.float32)
    features = hashed.transform(sample.text(row, view.named("text")) for row in rows)
    return SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=20, tol=1e-3, random_state=seed), features


def _of_rows(view: View, sample: Sample, rows: list[int], seed: int) -> tuple[ClassifierMixin, Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    columns = [_numbers([sample.columns[name][row] for row in rows]) for name in view.named("feature")]
    features = np.column_stack(
        [each for each in columns if len(np.unique(each[~np.isnan(each)])) > 1] or [np.zeros(len(rows))]
    )
    return HistGradientBoostingClassifier(max_iter=40, early_stopping=False, random_state=seed), features


def _numbers(values: list[Any]) -> NDArray[np.float64]:
    """Numbers as they are, words by how frequent they are; NaN where there is none."""
    if not any(isinstance(value, str) for value in values):
        return np.array([np.nan if value is None else float(value) for value in values])
    codes = {value: float(code) for code, (value, _) in enumerate(Counter(values).most_common())}
    return np.array([np.nan if value is None else codes[value] for value in values])


def _judged(model: ClassifierMixin, features: Any, codes: NDArray[np.intp], seed: int) -> NDArray[np.float64]:
    """The scores (n, classes) of every row, by a model that did not learn from it."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    # On one thread: several wait for each other where cores are busy, a hundred times longer than they work.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        scores = cross_val_predict(model, features, codes, cv=folds, method="predict_proba")
    return np.asarray(scores, np.float64)


def _issues(codes: NDArray[np.intp], scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """The rows whose label is likely wrong, the likeliest first."""
    from cleanlab.filter import find_label_issues

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = find_label_issues(
            codes, scores, filter_by="both", return_indices_ranked_by="self_confidence", n_jobs=1, verbose=False
        )
    return np.asarray(found, np.intp)
