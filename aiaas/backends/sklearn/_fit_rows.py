"""Learn from rows: find what the columns hold, then fit scikit-learn's pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aiaas.backends.sklearn._codec import Codec, ColumnCode
from aiaas.backends.sklearn._params import RowFeatures
from aiaas.backends.sklearn._reading import check_classes, fitting, go_on, tables
from aiaas.backends.sklearn._rows import RowModel
from aiaas.contracts import Training
from aiaas.errors import DataError, TrainingError

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray
    from pyarrow import ChunkedArray


def fit(
    params: RowFeatures, train: Dataset, training: Training, estimator: Any, *, dense: bool = False, least: int = 1
) -> RowModel:
    """Fit `estimator` on the columns as numbers; `dense` where it takes no sparse matrix.

    `least` is the number of rows that every class must have. Raises DataError, TrainingError, Interrupted.
    """
    from sklearn.pipeline import Pipeline

    codec = Codec(_columns(train, training))
    if not codec.columns:
        raise TrainingError(
            "no column is left to learn from: every one is empty", hint="collect rows with at least one feature column"
        )
    matrix, targets = _read(codec, train, training)
    outputs = len(training.signature.labels) or 1
    if training.signature.labels:
        check_classes(targets.astype(np.int64), training, least)
    elif targets.size < 2:
        raise TrainingError(f"there are {targets.size} training rows; two or more are needed")
    pipeline = Pipeline([("columns", _transformer(codec, params, dense)), ("estimator", estimator)])
    with fitting(training):
        pipeline.fit(matrix, targets)
    go_on(training)
    training.notes["features"] = int(pipeline[-1].n_features_in_)
    return RowModel(codec, pipeline, outputs)


def _transformer(codec: Codec, params: RowFeatures, dense: bool) -> Any:
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


def _columns(train: Dataset, training: Training) -> list[ColumnCode]:
    """What each column holds; a column without a single value is left out and noted."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = {name: _kind(name, dtype) for name, dtype in training.signature.features.items()}
    filled: set[str] = set()
    words: dict[str, set[str]] = {name: set() for name, kind in kinds.items() if kind == "category"}
    for table in tables(train, training):
        filled |= {name for name in kinds if table[name].null_count < len(table)}
        for name, known in words.items():
            known.update(pc.unique(table[name].cast(pa.string())).drop_null().to_pylist())
    empty = [name for name in kinds if name not in filled]
    if empty:
        training.notes["empty_columns"] = empty
    return [
        ColumnCode(name=name, kind=kind, values=tuple(sorted(words.get(name, ()))))
        for name, kind in kinds.items()
        if name in filled
    ]


def _kind(name: str, dtype: str) -> Literal["number", "category", "boolean"]:
    if dtype in {"string", "large_string", "null"}:
        return "category"
    if dtype == "bool":
        return "boolean"
    if dtype.startswith(("int", "uint", "float", "double", "decimal")):
        return "number"
    raise DataError(
        f"the column {name!r} is of type {dtype}; a model of rows takes text, numbers, and true or false", where=name
    )


def _read(codec: Codec, train: Dataset, training: Training) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All rows as numbers, and their targets."""
    target = training.signature.target
    blocks: list[NDArray[np.float64]] = []
    targets: list[NDArray[np.float64]] = []
    for table in tables(train, training):
        columns = [
            _finite(column.name, codec.column(place, table[column.name].to_pylist()))
            for place, column in enumerate(codec.columns)
        ]
        blocks.append(np.column_stack(columns))
        targets.append(_targets(str(target), table[str(target)]))
    if not blocks:
        return np.empty((0, len(codec.columns))), np.empty(0)
    return np.concatenate(blocks), np.concatenate(targets)


def _finite(name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values, where NaN counts as missing; DataError for infinity."""
    if np.isinf(values).any():
        raise DataError(f"the column {name!r} holds an infinite number", where=name, hint="leave such rows out")
    return values


def _targets(name: str, column: ChunkedArray) -> NDArray[np.float64]:
    values = np.array(column.to_pylist(), np.float64)  # a null becomes NaN
    if not np.isfinite(values).all():
        raise DataError(f"the column {name!r} holds a row without a finite value", where=name, hint="leave it out")
    return values
