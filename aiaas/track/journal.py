"""What a run says, a line of JSON an event, in the order it was said.

    start     name, source, verb, uri     name of the recipe; uri is the server it was begun for, if one was named;
                                          parent, where the run is a part of another one
    params    values                      {dotted path: value}
    metrics   values, step                step is null for a final metric
    tags      values
    dataset   name, digest, source, ...   an input of the run
    artifact  name                        a file or folder below the run's `artifacts/`
    register  name, digest, bundle, ...   a version of a registered model
    child     id                          a run that is a part of this one and has ended; it has no sender of its own
    end       status                      FINISHED, FAILED or KILLED

Every event has `event` and `time` (milliseconds since the epoch). Writing one costs microseconds: lines gather in
memory and reach the file in one write, when there are many or the last write is a second ago.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAME = "journal.jsonl"
_FLUSH_BYTES = 1 << 16
_FLUSH_SECONDS = 1.0
_READ_BYTES = 1 << 22


class Journal:
    """The writing end. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._lock = threading.Lock()
        self._waiting: list[str] = []
        self._bytes = 0
        self._flushed = time.monotonic()

    def write(self, event: str, **fields: Any) -> bool:
        """Add an event; true when this brought the waiting lines to the file."""
        line = json.dumps({"event": event, "time": time.time_ns() // 1_000_000, **fields}, ensure_ascii=False) + "\n"
        with self._lock:
            self._waiting.append(line)
            self._bytes += len(line)
            if self._bytes < _FLUSH_BYTES and time.monotonic() - self._flushed < _FLUSH_SECONDS:
                return False
            self._write_out()
            return True

    def flush(self) -> None:
        with self._lock:
            self._write_out()

    def close(self) -> None:
        with self._lock:
            self._write_out()
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    def _write_out(self) -> None:
        data = memoryview("".join(self._waiting).encode("utf-8", "surrogatepass"))
        self._waiting.clear()
        self._bytes = 0
        self._flushed = time.monotonic()
        while data and self._file >= 0:
            data = data[os.write(self._file, data) :]


def read(folder: Path, offset: int = 0, name: str = NAME) -> Iterator[tuple[list[dict[str, Any]], int]]:
    """Events from byte `offset` on, some megabytes at a time, each time with the offset behind them.

    A last line without its end was cut off by a kill or is just being written: it is left out. So is a line that is
    not JSON, which only a full disk leaves behind.
    """
    try:
        stream = (folder / name).open("rb")
    except FileNotFoundError:
        return
    with stream:
        stream.seek(offset)
        rest = b""
        while chunk := stream.read(_READ_BYTES):
            whole, _, rest = (rest + chunk).rpartition(b"\n")
            if whole:
                offset += len(whole) + 1
                yield [event for line in whole.split(b"\n") if (event := _parse(line))], offset


def first(folder: Path) -> dict[str, Any] | None:
    """The event a journal begins with; None when a kill came before it was written."""
    try:
        with (folder / NAME).open("rb") as stream:
            event = _parse(stream.readline())
    except FileNotFoundError:
        return None
    return event if event and event["event"] == "start" else None


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line.decode("utf-8", "surrogatepass"))
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None
