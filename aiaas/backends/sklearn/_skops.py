"""Fitted scikit-learn pipelines as files: skops, without pickle, against a list of types fixed here."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from aiaas.backends.arrays import damaged

TYPES = frozenset(
    {
        "builtins.dict",
        "builtins.list",
        "builtins.slice",
        "builtins.str",
        "builtins.tuple",
        "numpy.dtype",
        "numpy.float64",
        "numpy.int64",
        "numpy.ndarray",
        "sklearn.calibration.CalibratedClassifierCV",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.compose._column_transformer.ColumnTransformer",
        "sklearn.frozen._frozen.FrozenEstimator",
        "sklearn.impute._base.SimpleImputer",
        "sklearn.linear_model._base.LinearRegression",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.linear_model._ridge.Ridge",
        "sklearn.linear_model._stochastic_gradient.SGDClassifier",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.naive_bayes.GaussianNB",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.preprocessing._encoders.OneHotEncoder",
        "sklearn.svm._classes.LinearSVC",
    }
)
"""Everything a file may hold. Whoever adds an estimator adds its types."""

_SCHEMA = "schema.json"
_DATE = (1980, 1, 1, 0, 0, 0)


_NAMESPACES = tuple(f"sklearn.externals.array_api_compat.{library}" for library in ("cupy", "dask", "torch"))
"""Modules that import these libraries where they are installed."""


def _skops() -> ModuleType:
    """The module skops.io. Importing it imports all of scikit-learn: but for `_NAMESPACES`, since torch alone would
    take two seconds. Afterwards each may be imported as ever."""
    hidden: dict[str, Any] = {name: None for name in _NAMESPACES if name not in sys.modules}
    sys.modules.update(hidden)
    try:
        return import_module("skops.io")
    finally:
        for name in hidden:
            del sys.modules[name]


def save(pipeline: Any, path: Path) -> None:
    """Write a fitted pipeline; equal weights, equal bytes.

    skops numbers objects and names its arrays by their address in memory and dates every member: here they are
    numbered in the order in which they stand, and dated alike.
    """
    skops = _skops()
    with zipfile.ZipFile(io.BytesIO(skops.dumps(pipeline))) as source:
        schema = json.loads(source.read(_SCHEMA))
        files: dict[bytes, str] = {}  # equal arrays are one, whether or not they were one object
        for number, node in enumerate(_nodes(schema)):
            if "__id__" in node:
                node["__id__"] = number
            if "file" in node:
                node["file"] = files.setdefault(source.read(node["file"]), f"{len(files)}.npy")
    with zipfile.ZipFile(path, "w") as target:
        target.writestr(zipfile.ZipInfo(_SCHEMA, _DATE), json.dumps(schema, indent=1))
        for content, name in files.items():
            target.writestr(zipfile.ZipInfo(name, _DATE), content)


def load(path: Path) -> Any:
    """The pipeline that `save` wrote. Raises VerificationError when the file holds anything that is not in `TYPES`."""
    from sklearn.pipeline import Pipeline

    try:
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            schema = json.loads(archive.read(_SCHEMA))
    except FileNotFoundError:
        raise damaged(path, "a file of the model is missing") from None
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError):
        raise damaged(path, "a file of the model cannot be read") from None
    foreign = sorted(set(_types(schema)) - TYPES)
    if foreign:
        raise damaged(path, f"the model holds types that do not belong into it: {', '.join(foreign[:3])}")
    try:
        pipeline = _skops().loads(data, trusted=sorted(TYPES))
    except Exception as error:  # whatever skops and scikit-learn make of a file that was tampered with
        raise damaged(path, f"the model cannot be rebuilt ({type(error).__name__})") from error
    if type(pipeline) is not Pipeline:
        raise damaged(path, "the model is not a pipeline")
    return pipeline


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of the schema, parents first."""
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from _nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from _nodes(child)


def _types(schema: Any) -> Iterator[str]:
    """The types that a schema names: those of its objects, and those it holds as values."""
    for node in _nodes(schema):
        if "__class__" in node or "__module__" in node:
            yield f"{node.get('__module__')}.{node.get('__class__')}"
