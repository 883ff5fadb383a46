"""What a run said while it went on, kept in its folder as lines of JSON: read later, or followed live by another
process. What the lines say is the affair of whoever says them; the last is the event `ends`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from aiaas.track import journal
from aiaas.track.history import is_held
from aiaas.track.run import RUN_LOCK

NAME = "events.jsonl"
LOCK = "events.lock"
_LOOK_SECONDS = 0.2


class Spoken:
    """The writing end; a line is in the file when `write` returns. A disk that takes no more stops no work."""

    def __init__(self, folder: Path) -> None:
        self._lock = FileLock(folder / LOCK)
        self._lock.acquire()
        self._file = os.open(folder / NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, event: Mapping[str, Any]) -> None:
        line = json.dumps(event, ensure_ascii=False, allow_nan=False) + "\n"
        data = memoryview(line.encode("utf-8", "surrogatepass"))
        with suppress(OSError):
            while data and self._file >= 0:
                data = data[os.write(self._file, data) :]

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            self._lock.release()


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """What was said so far; nothing of a run that kept none of it."""
    for events, _ in journal.read(folder, name=NAME):
        yield from events


def follow(folder: Path) -> Iterator[dict[str, Any] | None]:
    """What was said and what will be, until the run is over or whoever carried it is gone; None whenever there is
    nothing new for a moment."""
    offset = 0
    while True:
        # Asked first: what was said before its end is then read.
        goes_on = is_held(folder / RUN_LOCK) or is_held(folder / LOCK)
        for events, end in journal.read(folder, offset, NAME):
            offset = end
            yield from events
            if events and events[-1]["event"] == "ends":
                return
        if not goes_on:
            return
        yield None
        time.sleep(_LOOK_SECONDS)
