"""The columns that a step works on."""

from __future__ import annotations

from collections.abc import Sequence

from aiaas import plugins
from aiaas.contracts import Batch
from aiaas.errors import DataError


def chosen(named: Sequence[str] | None, columns: Sequence[str]) -> tuple[str, ...]:
    """The feature columns that a recipe names, or all; DataError where one is none."""
    for name in named or ():
        if name not in columns:
            close = plugins.nearest(name, columns)
            raise DataError(
                f"there is no feature column {name!r}; allowed: {', '.join(columns)}",
                where="preprocess.steps",
                hint=f"did you mean {close!r}?" if close else None,
            )
    return tuple(columns if named is None else named)


def joined(batch: Batch, columns: Sequence[str]) -> list[str]:
    """What stands in the columns of each row as one text, a line each; what is no text is left out."""
    if len(columns) == 1:
        return [value if isinstance(value, str) else "" for value in batch[columns[0]]]
    rows = zip(*(batch[name] for name in columns), strict=True)
    return ["\n".join([value for value in row if isinstance(value, str)]) for row in rows]
