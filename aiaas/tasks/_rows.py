"""A row of a table: its columns and their types, as the two tabular tasks share them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from aiaas import plugins
from aiaas.contracts import Signature
from aiaas.errors import DataError

Kind = Literal["string", "integer", "number", "boolean"]
_WORDS: dict[Kind, str] = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def kind(dtype: str) -> Kind | None:
    """How values of an Arrow type read in JSON; None for a column that held nothing (`null`) or no plain values."""
    if dtype in {"string", "large_string"}:
        return "string"
    if dtype.startswith(("int", "uint")):
        return "integer"
    if dtype.startswith(("float", "double", "decimal")):
        return "number"
    return "boolean" if dtype == "bool" else None


def example(row: Mapping[str, Any], signature: Signature) -> dict[str, Any]:
    """The feature columns of a row, in the order of the signature; what is not there is None."""
    return {name: row.get(name) for name in signature.features}


def request(row: Mapping[str, Any], signature: Signature) -> dict[str, Any]:
    """The row as an object of its columns."""
    return example(row, signature)


def decode(value: Any, signature: Signature) -> dict[str, Any]:
    """An object of columns as a row. A column that is not there, or null, is a missing value.

    Raises DataError for a row without any column, for an unknown column (with the nearest name) and for a value of
    another type; no message repeats a value.
    """
    if not isinstance(value, Mapping):
        raise DataError(
            "a row is needed: an object with the columns " + _shortened(signature.features),
            hint='such as {"' + next(iter(signature.features), "column") + '": …}',
        )
    if not value:
        raise DataError(f"the row has no column; allowed: {_shortened(signature.features)}")
    for name in value:
        if name not in signature.features:
            close = plugins.nearest(str(name), signature.features)
            raise DataError(
                f"there is no column {str(name)[:40]!r}; allowed: {_shortened(signature.features)}",
                hint=f"did you mean {close!r}?" if close else None,
            )
    return {name: _value(value.get(name), name, dtype) for name, dtype in signature.features.items()}


def _shortened(names: Mapping[str, str], most: int = 20) -> str:
    shown = list(names)[:most]
    return ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "")


def _value(value: Any, name: str, dtype: str) -> Any:
    expected = kind(dtype)
    if value is None or expected is None:
        return None
    fits: Any = None
    if expected == "boolean":
        fits = value if isinstance(value, bool) else None
    elif expected == "string":
        fits = _encodable(value) if isinstance(value, str) else None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        fits = _whole(value) if expected == "integer" else _finite(value)
    if fits is None:
        raise DataError(f"the column {name!r} takes {_WORDS[expected]} or null", where=name)
    return fits


def _encodable(value: str) -> str | None:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair is no character
        return None
    return value


def _finite(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _whole(value: float) -> int | None:
    number = _finite(value)
    return int(value) if number is not None and number.is_integer() else None
