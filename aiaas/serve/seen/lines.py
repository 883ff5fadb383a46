"""Lines of a log: gathered for a moment, then written at once, to files that do not outgrow the disk."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Protocol

from aiaas.audit.append import append, is_there
from aiaas.serve.errors import logger
from aiaas.workspace import atomic

MOMENT = 0.25
"""Seconds in which lines are gathered."""
MOST = 64 << 20
"""Bytes of a file, after which the next is begun."""
KEPT = 4
"""Full files that are kept beside the one that is written to."""


class Sink(Protocol):
    """Where lines go."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class Files:
    """A file `name.jsonl`, and before it `name.1.jsonl` to `name.4.jsonl`, the oldest last. One process writes it."""

    def __init__(self, folder: Path, name: str, *, most: int = MOST, kept: int = KEPT) -> None:
        self._folder = folder
        self._name = name
        self._most = most
        self._kept = kept
        with atomic.disk_errors(folder):
            self._open()

    def write(self, data: bytes) -> None:
        if not is_there(self._file):
            self._reopen()
        if self._size and self._size + len(data) > self._most:
            self._turn()
        append(self._file, data, self._size)
        self._size += len(data)

    def close(self) -> None:
        os.close(self._file)

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._path(0), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._size = os.fstat(self._file).st_size

    def _turn(self) -> None:
        if self._path(0).exists():  # else it was put aside before, and no new one could be begun
            for number in range(self._kept, 0, -1):
                if (full := self._path(number - 1)).exists():
                    full.replace(self._path(number))
        self._reopen()

    def _reopen(self) -> None:
        before = self._file
        self._open()
        os.close(before)  # only now: the number of a closed file is soon that of a connection

    def _path(self, number: int) -> Path:
        return self._folder / f"{self._name}{f'.{number}' if number else ''}.jsonl"


class Stderr:
    """The stream of the process, as a container's log wants it."""

    def write(self, data: bytes) -> None:
        sys.stderr.buffer.write(data)
        sys.stderr.buffer.flush()

    def close(self) -> None: ...


class Lines:
    """Gives lines to a sink, many at a time. For the event loop; `close` also writes what is left."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._gathered: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._failing = False

    def put(self, line: str) -> None:
        self._gathered.append(line)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(MOMENT, self._write)

    def close(self) -> None:
        self._write()
        self._sink.close()

    def _write(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._gathered:
            data = "\n".join([*self._gathered, ""]).encode()
            self._gathered.clear()
            try:
                self._sink.write(data)
            except OSError as error:
                if not self._failing:
                    logger.error("the access log cannot be written: %s; lines are lost until it can", error.strerror)
                self._failing = True
            else:
                self._failing = False
