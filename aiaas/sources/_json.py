"""JSON as one value: a list of objects, alone or under one key of an object around it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from aiaas.contracts import SourceContext
from aiaas.errors import DataError
from aiaas.sources import FileBatch, _encodings, _jsonl, _text
from aiaas.sources._found import File

if TYPE_CHECKING:
    from aiaas.sources._params import FileParams

MOST = 4 * _text.LONGEST
"""Characters that a file may have: it is held in memory as a whole."""
_SHOWN = 5
_LINES = "one object a line is format: jsonl"


def read(file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """The objects of the list as rows. Raises DataError for anything else."""
    rows = _rows(_value(file, params, context), file)
    objects = [(number, row) for number, row in enumerate(rows, 1) if isinstance(row, dict)]
    if len(objects) < len(rows):
        _tell_others(rows, file, params, context)
    for start in range(0, len(objects), _jsonl.ROWS):
        part = objects[start : start + _jsonl.ROWS]
        yield FileBatch(_jsonl.columns([row for _, row in part]), file.shown, part[0][0])


def _value(file: File, params: FileParams, context: SourceContext) -> Any:
    encoding = _encodings.encoding_of(file, params.encoding, context.warn)
    with _text.open_text(file, encoding) as stream:
        text = stream.read(MOST + 1)
    if len(text) > MOST:
        hint = "make one object a line of it: jq -c '.[]' FILE.json > FILE.jsonl"
        raise DataError(f"it is longer than {MOST:,} characters", where=file.shown, hint=hint)
    try:
        return _jsonl.decode(text)
    except RecursionError:
        raise DataError("the JSON is nested too deeply", where=file.shown) from None
    except json.JSONDecodeError as error:
        several = _LINES if error.msg == "Extra data" else None
        raise DataError(f"it is no JSON: {error.msg}", where=f"{file.shown}:{error.lineno}", hint=several) from error
    except ValueError as error:
        raise DataError(f"it is no JSON: {error}", where=file.shown) from error


def _rows(value: Any, file: File) -> list[Any]:
    """The list, or the only one that stands in an object."""
    lists = [value] if isinstance(value, list) else []
    if isinstance(value, dict):
        lists = [each for each in value.values() if isinstance(each, list) and any(isinstance(e, dict) for e in each)]
    if len(lists) != 1 or not any(isinstance(row, dict) for row in lists[0]):
        told = "an empty list" if value == [] else f"a JSON {type(value).__name__} that holds no list of objects"
        raise DataError(
            f"it is {told}; a list of objects is read, alone or under one key", where=file.shown, hint=_LINES
        )
    return lists[0]


def _tell_others(rows: list[Any], file: File, params: FileParams, context: SourceContext) -> None:
    """Refuse items that are no objects, or pass over them, as `on_error` says."""
    others = [(number, row) for number, row in enumerate(rows, 1) if not isinstance(row, dict)]
    told = "; ".join(f"item {number}: a JSON {type(row).__name__}" for number, row in others[:_SHOWN])
    message = f"{len(others):,} of {len(rows):,} items are no objects: {told}"
    if params.on_error == "fail":
        hint = "correct them, or leave them out with on_error: skip"
        raise DataError(message, where=f"{file.shown}, item {others[0][0]}", hint=hint)
    for number, row in others:
        context.drop(f"{file.shown}, item {number}", "malformed: no object", row)
    context.warn(f"{file.shown}: passed over: {message}")
