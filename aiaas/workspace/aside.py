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
COLUMNS = ("source", "place", "step", "reason", "values")
"""All are texts. `values` is the row as JSON; a file in it is `{"bytes": …, "sha256": …}`, with its content in base64
where it is short."""

_ROWS = 1000
_CHARACTERS = 8 * 2**20
_SHORT = 2**20


class Aside:
    """Writes `dropped.arrow`, an Arrow IPC stream, into a folder; none where nothing is dropped. Use as a context
    manager: when the block fails, the file is removed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.rows = 0
        self._buffer: list[tuple[str, ...]] = []
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
        """Keep a row: `source` as the recipe names it, `place` in it, the step that left it out, and why."""
        held = text_of(row)
        self._buffer.append((source, place, step, reason, held))
        self.rows += 1
        self._characters += len(held)
        if len(self._buffer) >= _ROWS or self._characters >= _CHARACTERS:
            self._flush()

    def _flush(self) -> None:
        if not self._buffer:
            return
        import pyarrow as pa

        schema = pa.schema([(name, pa.string()) for name in COLUMNS])
        if self._writer is None:
            sink = self._stack.enter_context(pa.OSFile(str(self.path), "wb"))
            self._writer = self._stack.enter_context(pa.ipc.new_stream(sink, schema))
        columns = [pa.array(map(_whole, column), pa.string()) for column in zip(*self._buffer, strict=True)]
        self._writer.write_batch(pa.record_batch(columns, schema=schema))
        self._buffer, self._characters = [], 0


def text_of(row: Any) -> str:
    """A row, or whatever is left of one, as JSON."""
    return json.dumps(_plain(row), ensure_ascii=False, default=str)


def _plain(value: Any) -> Any:
    match value:
        case bytes():
            told: dict[str, Any] = {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}
            return told | ({"base64": base64.b64encode(value).decode()} if len(value) <= _SHORT else {})
        case dict():
            return {str(name): _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case float() if not math.isfinite(value):
            return str(value)
    return value


def _whole(text: str) -> str:
    """The text without halves of surrogate pairs, which no file can hold."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
