"""From the columns of a source to those of the task: renamed, converted, rows without what it insists on left out."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from aiaas import plugins
from aiaas.contracts import Batch, Column, SourceParams, Task
from aiaas.errors import DataError

Where = Callable[[int], str]
"""The place of a row, by its index in the batch."""

Drop = Callable[[str, str, Any], None]
"""Takes a row that is left out: its place, the reason, and what it holds."""

OURS = ("_source", "_split")


class Mapper:
    """Maps the batches of one source. `dropped` counts the rows left out, by reason; `drop` is given each."""

    def __init__(self, params: SourceParams, task: Task, keep: Sequence[str], drop: Drop = lambda *row: None) -> None:
        self.params = params
        self.task = task
        self.drop = drop
        self.dropped: dict[str, int] = {}
        self.wanted = {column.name: column for column in task.COLUMNS}
        said = {*params.columns, *(["label"] if params.label is not None else [])}
        self._undecided = {each.name for each in task.COLUMNS if each.optional and each.name not in said}
        self._left_out: set[str] = set()
        self.kept = [name for name in keep if name not in self.wanted]
        self.theirs: set[str] = set()
        if params.label is not None:
            self._check_label()
        if both := [theirs for theirs in params.columns.values() if theirs in params.without]:
            raise DataError(f"columns: takes {both[0]!r}, and without: leaves it out", where=params.source)
        allowed = [*self.wanted, *self.kept]
        if not task.OPEN and (unknown := [ours for ours in params.columns if ours not in allowed]):
            raise DataError(
                f"columns: names {unknown[0]!r}, which the task has not; it has {', '.join(allowed)}",
                where=params.source,
                hint="it reads {our column: their column}",
            )

    def _check_label(self) -> None:
        if not any(column.kind == "label" for column in self.task.COLUMNS):
            raise DataError("label: is for tasks that have labels; this one has none", where=self.params.source)
        if "label" in self.params.columns:
            raise DataError("label: and columns: {label: …} exclude each other", where=self.params.source)

    def apply(self, batch: Batch, where: Where) -> tuple[Batch, Where]:
        """The batch as the task wants it, and how to tell where its rows stand. Raises DataError."""
        self._decide(batch, where)
        renamed = self._rename(batch)
        size = len(next(iter(batch.values()), ()))
        if self.params.label is not None:
            renamed["label"] = [self.params.label] * size
        lost: dict[int, str] = {}
        for name, column in self.wanted.items():
            renamed[name] = _CONVERT[column.kind](renamed[name], name, where)
            for row in _absent(renamed[name], column):
                lost.setdefault(row, f"without {name}")
        for name in self.kept:
            renamed[name] = to_labels(renamed[name], name, where)
        if not lost:
            return renamed, where
        for row, reason in lost.items():
            self.dropped[reason] = self.dropped.get(reason, 0) + 1
            self.drop(where(row), reason, {name: values[row] for name, values in batch.items()})
        rows = [row for row in range(size) if row not in lost]
        return {name: [values[row] for row in rows] for name, values in renamed.items()}, lambda row: where(rows[row])

    def _decide(self, batch: Batch, where: Where) -> None:
        """A column that the task leaves optional is wanted where the first rows have it; DataError where it comes
        later, since it is there for all rows or for none."""
        late = [name for name in self._left_out if name in batch]
        if late:
            raise DataError(
                f"the column {late[0]!r} begins here, and the rows before have none; all of them have it, or none",
                where=where(0),
                hint="give every row a value, or take the column out of the data",
            )
        self._left_out |= {name for name in self._undecided if name not in batch}
        self._undecided = set()
        for name in self._left_out:
            self.wanted.pop(name, None)

    def _rename(self, batch: Batch) -> Batch:
        """The columns the task takes, under our names and in a fixed order; those it insists on first."""
        self.theirs |= batch.keys()
        if missing := [name for name in self.params.without if name not in self.theirs]:
            close = plugins.nearest(missing[0], batch)
            raise self._no_column(missing[0], batch, f"without: did you mean {close!r}?" if close else "see without:")
        size = len(next(iter(batch.values()), ()))
        names = {ours: self.params.columns.get(ours, ours) for ours in [*self.wanted, *self.kept]}
        if self.params.label is not None:
            names.pop("label", None)
        if self.task.OPEN:
            names |= self._features(batch, names)
        for ours, theirs in names.items():
            if theirs not in self.theirs:
                raise self._lacks(ours, theirs, batch)
        # A column seen before may be absent from a batch where rows are objects: then none of them has that key.
        return {ours: batch.get(theirs) or [None] * size for ours, theirs in names.items()}

    def _features(self, batch: Batch, taken: dict[str, str]) -> dict[str, str]:
        """Our names of the further columns: as `columns:` renames them, or as they are called."""
        features = {ours: theirs for ours, theirs in self.params.columns.items() if ours not in taken}
        used = {*taken.values(), *features.values(), *self.params.without}
        for name in batch:
            if name in used or (name == "label" and self.params.label is not None):
                continue
            if name in taken or name in features or name in OURS:
                raise DataError(
                    f"two columns would be called {name!r}: one of that name stands in the data",
                    where=self.params.source,
                    hint=f"rename it too, with columns: {{another_name: {name}}}",
                )
            features[name] = name
        return features

    def _lacks(self, ours: str, theirs: str, batch: Batch) -> DataError:
        if hint := _of_delimiter(self.params, batch):
            told = f"there is no column {theirs!r}; there is only {next(iter(batch))!r}"
            return DataError(told, where=self.params.source, hint=hint)
        close = plugins.nearest(theirs, batch)
        hint = f"did you mean {close!r}? " if close and close != theirs else ""
        example = close or next(iter(batch), "their_name")
        hint += f"Say which column it is with columns: {{{ours}: {example}}}"
        if ours in self.wanted and self.wanted[ours].kind == "label":
            hint += ", or give every row of the source one with label:"
        return self._no_column(theirs, batch, hint)

    def _no_column(self, theirs: str, batch: Batch, hint: str) -> DataError:
        told = f"there is no column {theirs!r}; there are: {', '.join(map(repr, batch))}"
        return DataError(told, where=self.params.source, hint=hint)


def _of_delimiter(params: SourceParams, batch: Batch) -> str | None:
    """What to say where a header stands in one field, parted by another sign than the one that was looked for."""
    name = next(iter(batch), "")
    sign = next((each for each in ";\t|," if each in name), None)
    if len(batch) != 1 or sign is None or not hasattr(params, "delimiter"):
        return None
    return f"the fields seem to be parted by another sign: say delimiter: {json.dumps(sign)}"


def _absent(values: Sequence[Any], column: Column) -> list[int]:
    """The rows that lack a value the task insists on; a text of white space alone is none."""
    if column.kind == "number":
        return [row for row, value in enumerate(values) if value is None] if None in values else []
    if column.kind == "file":
        return [] if all(values) else [row for row, value in enumerate(values) if not value]
    if all(values) and not any(map(str.isspace, values)):
        return []
    return [row for row, value in enumerate(values) if not value or value.isspace()]


def to_texts(values: list[Any], name: str, where: Where) -> list[Any]:
    """Texts, with numbers and truth values as they are written; None stays."""
    if set(map(type, values)) <= {str, type(None)}:
        return values
    return [_to_text(value, name, where, row) for row, value in enumerate(values)]


def to_labels(values: list[Any], name: str, where: Where) -> list[Any]:
    """Labels as texts; a whole number that a column of floats holds is written as one, so 1.0 is the label 1."""
    types = set(map(type, values))
    if types <= {str, type(None)}:
        return values
    if types == {int}:
        return list(map(str, values))
    whole = (int(each) if isinstance(each, float) and each.is_integer() else each for each in values)
    return [_to_text(value, name, where, row) for row, value in enumerate(whole)]


def to_numbers(values: list[Any], name: str, where: Where) -> list[Any]:
    """Floats; None, NaN and empty texts become None. Raises DataError for what is no number, or not finite."""
    return [_to_number(value, name, where, row) for row, value in enumerate(values)]


def to_files(values: list[Any], name: str, where: Where) -> list[Any]:
    """Files as bytes, also out of the `{bytes, path}` that the library datasets makes of a picture; None stays."""
    if set(map(type, values)) <= {bytes, type(None)}:
        return values
    return [_to_file(value, name, where, row) for row, value in enumerate(values)]


_CONVERT = {"text": to_texts, "label": to_labels, "number": to_numbers, "file": to_files}


def _to_file(value: Any, name: str, where: Where, row: int) -> bytes | None:
    match value:
        case None | bytes():
            return value
        case {"bytes": bytes() as data}:
            return data
        case {"bytes": None, "path": str()} | str():
            held, hint = "the name of a file, not its bytes", "name the files themselves, as a glob or a folder"
        case _:
            held, hint = (
                f"a {type(value).__name__}, not the bytes of a file",
                "see format: for how files may stand in it",
            )
    raise DataError(f"column {name!r} holds {held}", where=where(row), hint=hint)


def _to_text(value: Any, name: str, where: Where, row: int) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if math.isnan(value):
            return None
        case int() | float():
            return str(value)
    raise DataError(f"column {name!r} holds a {type(value).__name__} where text is wanted", where=where(row))


def _to_number(value: Any, name: str, where: Where, row: int) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        told = repr(value) if len(repr(value)) <= 40 else repr(value)[:39] + "…"
        raise DataError(f"column {name!r} holds {told}, which is no number", where=where(row)) from None
    if math.isinf(number):
        raise DataError(f"column {name!r} holds an infinite number", where=where(row))
    return None if math.isnan(number) else number
