"""Learn from rows: find what the columns hold, then fit scikit-learn's pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends.reading import check_classes, go_on
from aiaas.backends.rows import Codec, columns_of, matrix_of
from aiaas.backends.sklearn._params import RowFeatures
from aiaas.backends.sklearn._reading import fitting
from aiaas.backends.sklearn._rows import RowModel
from aiaas.contracts import Training
from aiaas.errors import TrainingError

if TYPE_CHECKING:
    from datasets import Dataset


def fit(
    params: RowFeatures, train: Dataset, training: Training, estimator: Any, *, dense: bool = False, least: int = 1
) -> RowModel:
    """Fit `estimator` on the columns as numbers; `dense` where it takes no sparse matrix.

    `least` is the number of rows that every class must have. Raises DataError, TrainingError, Interrupted.
    """
    from sklearn.pipeline import Pipeline

    codec = Codec(columns_of(train, training))
    if not codec.columns:
        raise TrainingError(
            "no column is left to learn from: every one is empty", hint="collect rows with at least one feature column"
        )
    matrix, targets = matrix_of(codec, train, training)
    outputs = len(training.signature.labels) or 1
    if training.signature.labels:
        check_classes(targets.astype(np.int64), training, least)
    elif targets.size < 2:
        raise TrainingError(f"there are {targets.size} training rows; two or more are needed")
    pipeline = Pipeline([("columns", transformer(codec, params, dense)), ("estimator", estimator)])
    with fitting(training):
        pipeline.fit(matrix, targets)
    go_on(training)
    training.notes["features"] = int(pipeline[-1].n_features_in_)
    return RowModel(codec, pipeline, outputs)


def transformer(codec: Codec, params: RowFeatures, dense: bool) -> Any:
    """Numbers: the median where one is missing, then mean 0 and variance 1. Words: an indicator for each."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = Pipeline([("impute", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    words = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=params.max_categories, sparse_output=not dense
    )
    parts = [("numbers", numbers, codec.numbers), ("categories", words, codec.categories)]
    return ColumnTransformer([part for part in parts if part[2]], sparse_threshold=0 if dense else 0.3)
