"""The types a column may have, and what happens when its values are of several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal

from aiaas.collect.columns import Where
from aiaas.errors import DataError

Kind = Literal["none", "bool", "int", "float", "text", "file"]
ARROW: dict[Kind, str] = {
    "none": "null",
    "bool": "bool",
    "int": "int64",
    "float": "float64",
    "text": "string",
    "file": "binary",
}
KINDS: dict[type, Kind] = {type(None): "none", bool: "bool", int: "int", float: "float", str: "text"}
_TOLD: dict[Kind, str] = {"bool": "truth values", "int": "numbers", "float": "numbers", "text": "text"}


def wider(known: Kind, found: Kind) -> Kind | None:
    """The type that holds both, if there is one: what is text in one row and a number in another is a mistake."""
    if known == found or found == "none":
        return known
    if known == "none":
        return found
    return "float" if {known, found} == {"int", "float"} else None


def plain(value: Any, name: str, where: Where, row: int) -> Any:
    """A value as one of the types a column may have; raises DataError for what is none."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return float(value)
        case datetime() | date() | time():
            return value.isoformat()
    raise DataError(
        f"column {name!r} holds a {type(value).__name__}; a column holds text, numbers or truth values",
        where=where(row),
    )


def check_range(name: str, values: Sequence[Any], where: Where) -> None:
    """Refuse infinite numbers, and whole ones beyond 64 bits."""
    if not _may_be_out(values):
        return
    for row, value in enumerate(values):
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise DataError(f"column {name!r} holds {value}, which does not fit into 64 bits", where=where(row))
        if isinstance(value, float) and math.isinf(value):
            raise DataError(f"column {name!r} holds an infinite number", where=where(row))


def _may_be_out(values: Sequence[Any]) -> bool:
    """Whether one must look at each value: asked of all at once, which is ten times faster."""
    if math.inf in values or -math.inf in values:
        return True
    types = set(map(type, values))
    if int not in types:
        return False
    if float in types:
        return True
    present = [value for value in values if value is not None] if type(None) in types else values
    return bool(min(present) < -(2**63) or max(present) >= 2**63)


def changed(name: str, known: Kind, values: Sequence[Any], where: Where, rows: int) -> DataError:
    """Told of the first value that does not fit those before it, which may stand in the same batch."""
    for row, value in enumerate(values):
        both = wider(known, KINDS[type(value)])
        if both is None:
            told = repr(value) if len(repr(value)) <= 40 else repr(value)[:39] + "…"
            return DataError(
                f"column {name!r} holds {_TOLD[known]} until row {rows + row:,}, then {told}",
                where=where(row),
                hint="make the column one type: correct the value, or quote it in every row",
            )
        known = both
    raise AssertionError("unreachable")
