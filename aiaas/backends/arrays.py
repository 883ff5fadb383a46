"""A model's files: settings as JSON, arrays as npz without objects. Equal content, equal bytes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from aiaas.errors import VerificationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Settings = TypeVar("Settings", bound=BaseModel)
_HINT = "the model is damaged or was altered: train it again"


def damaged(path: Path, what: str) -> VerificationError:
    """The error of a file that is not as `save` wrote it."""
    return VerificationError(what, where=str(path), hint=_HINT)


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise damaged(path, "a file of the model is missing") from None
    except ValueError:
        raise damaged(path, "a file of the model is not JSON") from None


def read_settings(path: Path, kind: type[Settings]) -> Settings:
    """The settings in a JSON file, checked by their pydantic model."""
    value = read_json(path)
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        places = ", ".join(".".join(map(str, each["loc"])) or "the whole" for each in error.errors()[:3])
        raise damaged(path, f"the settings of the model do not fit: {places}") from None


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """An npz file; numpy gives its members no date, and they come in the order of their names."""
    members: dict[str, Any] = {name: arrays[name] for name in sorted(arrays)}
    np.savez(path, **members)


def read_arrays(path: Path, expected: Mapping[str, tuple[type[np.generic], int]]) -> dict[str, NDArray[Any]]:
    """The arrays of an npz file: exactly those of `expected`, each with its type and number of dimensions, and
    finite. Raises VerificationError otherwise."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise damaged(path, "a file of the model is missing") from None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        raise damaged(path, f"the arrays of the model cannot be read ({type(error).__name__})") from None
    if arrays.keys() != expected.keys():
        raise damaged(path, f"the arrays of the model are not {', '.join(sorted(expected))}")
    for name, (dtype, dimensions) in expected.items():
        array = arrays[name]
        if array.dtype != dtype or array.ndim != dimensions:
            raise damaged(path, f"the array {name!r} of the model has another type or shape")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise damaged(path, f"the array {name!r} of the model holds values that are not finite")
    return arrays
