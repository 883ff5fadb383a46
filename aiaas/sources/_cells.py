"""Tables whose rows are read as cells: the names of the columns, and rows that have as many cells as there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiaas.errors import DataError


def named(header: Sequence[Any], where: str) -> tuple[str, ...]:
    """The names that a header gives; a cell without one is called by its number. DataError where one comes twice."""
    names = tuple(str(name) if name not in (None, "") else f"column_{index}" for index, name in enumerate(header, 1))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"the header names a column twice: {', '.join(map(repr, twice))}",
            where=where,
            hint="correct it, or give your own with names: and skip_rows: 1",
        )
    return names


def miscounted(count: int, width: int, what: str = "field") -> str:
    """Why a row of another width is none."""
    return f"{count} {what}{'s' * (count != 1)} instead of {width}"
