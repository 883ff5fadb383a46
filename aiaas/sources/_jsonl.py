"""JSON lines: one object a line."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Batch, SourceContext
from aiaas.sources import FileBatch, _encodings, _text
from aiaas.sources._bad import BadRows
from aiaas.sources._found import File

if TYPE_CHECKING:
    from aiaas.sources._params import FileParams

ROWS = 10_000


def read(file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """The objects as rows; empty lines are none. Raises DataError for lines that hold no object."""
    bad = BadRows(file.shown, params, context)
    encoding = _encodings.encoding_of(file, params.encoding, context.warn, rough=params.on_error == "skip")
    line = row = 0
    for block in _text.lines(file, encoding, context):
        rows: list[Mapping[str, Any]] = []
        numbers: list[int] = []
        for text in block:
            line += 1
            if not text or text.isspace():
                continue
            found = encoding.fault(text) or _object(text)
            if isinstance(found, dict):
                rows.append(found)
                numbers.append(line)
            else:
                bad.add(line, found, text)
        for start in range(0, 0 if bad.fatal else len(rows), ROWS):
            part = rows[start : start + ROWS]
            yield FileBatch(columns(part), file.shown, row + 1, numbers[start : start + ROWS])
            row += len(part)
    bad.finish(row)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


decode = json.JSONDecoder(parse_constant=_no_constant).decode


def _object(text: str) -> dict[str, Any] | str:
    """The object on a line, or why there is none."""
    try:
        value = decode(text)
    except RecursionError:
        return "JSON nested too deeply"
    except ValueError as error:
        return f"not JSON: {error}"
    return value if isinstance(value, dict) else f"a JSON {type(value).__name__}, not an object"


def columns(rows: Sequence[Mapping[str, Any]]) -> Batch:
    """Rows as columns, in the order in which keys are met; a key that a row lacks is null there."""
    names = dict.fromkeys(itertools.chain.from_iterable(rows))
    return {name: [row.get(name) for row in rows] for name in names}
