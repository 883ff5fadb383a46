"""Rows that were left out, kept aside in a file of the artefact: where each stood, why it went, what it held."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import pyarrow as pa

FILE = "dropped.arrow"

_ROWS = 1000
_CHARACTERS = 8 * 2**20
_SHORT = 2**20


def schema() -> pa.Schema:
    """The columns of `dropped.arrow`, the same whichever stage left the rows out. `place` says where a row stood in
    its source, for one that was never collected; `row` is its number in the collected data, from 1, for one that was.
    `values` is the row as JSON, a file in it `{"bytes": …, "sha256": …}`."""
    import pyarrow as pa

    texts = ("step", "reason", "values")
    return pa.schema(
        [("source", pa.string()), ("place", pa.string()), ("row", pa.int64()), *((name, pa.string()) for name in texts)]
    )


class Aside:
    """Writes `dropped.arrow`, an Arrow IPC stream, into a folder; none where nothing is dropped. Use as a context
    manager: when the block fails, the file is removed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.rows = 0
        self._buffer: list[tuple[str, str, None, str, str, str]] = []
        self._characters = 0
        self._stack = ExitStack()
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            self._stack.close()
            if kind is not None:
                self.path.unlink(missing_ok=True)

    def add(self, source: str, place: str, step: str, reason: str, row: Any) -> None:
        """Keep a row that is not collected: `source` as the recipe names it, `place` in it, the step that left it out,
        and why. A short file in it is kept whole, in base64: nobody else has it."""
        held = _whole(text_of(row, short_files=True))
        self._buffer.append((_whole(source), _whole(place), None, step, _whole(reason), held))
        self.rows += 1
        self._characters += len(held)
        if len(self._buffer) >= _ROWS or self._characters >= _CHARACTERS:
            self._flush()

    def _flush(self) -> None:
        if not self._buffer:
            return
        import pyarrow as pa

        columns = schema()
        if self._writer is None:
            sink = self._stack.enter_context(pa.OSFile(str(self.path), "wb"))
            self._writer = self._stack.enter_context(pa.ipc.new_stream(sink, columns))
        arrays = [
            pa.array(column, field.type) for column, field in zip(zip(*self._buffer, strict=True), columns, strict=True)
        ]
        self._writer.write_batch(pa.record_batch(arrays, schema=columns))
        self._buffer, self._characters = [], 0


def text_of(row: Any, *, short_files: bool = False) -> str:
    """A row, or whatever is left of one, as JSON; of `short_files` the content as well."""
    try:
        return _ENCODER.encode(row)
    except (TypeError, ValueError):  # JSON has no such number, or file
        return json.dumps(_plain(row, short_files), ensure_ascii=False, default=str)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def _plain(value: Any, short_files: bool) -> Any:
    match value:
        case bytes():
            told: dict[str, Any] = {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}
            content = short_files and len(value) <= _SHORT
            return told | ({"base64": base64.b64encode(value).decode()} if content else {})
        case dict():
            return {str(name): _plain(each, short_files) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each, short_files) for each in value]
        case float() if not math.isfinite(value):
            return str(value)
    return value


def _whole(text: str) -> str:
    """The text without halves of surrogate pairs, which no file can hold."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
