"""`--events`: what a run says while it goes on, written to a file or to stdout as JSON lines."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiaas.cli import output
from aiaas.errors import UsageError

STDOUT = "-"


class EventFile:
    """Takes events and writes each at once. Where nobody reads them any more, or the disk is full, the work goes on
    without them."""

    def __init__(self, descriptor: int, name: str) -> None:
        self._descriptor = descriptor
        self._name = name
        self._open = True
        self.last: str | None = None

    def __call__(self, event: Mapping[str, Any]) -> None:
        self.last = event["event"]
        data = memoryview((json.dumps(event, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8", "replace"))
        try:
            while data and self._open:
                data = data[os.write(self._descriptor, data) :]
        except BrokenPipeError:
            self._open = False
        except OSError as error:
            self._open = False
            output.warn(f"no more events are written to {self._name}: {error.strerror}")


@contextmanager
def event_file(to: str | None, verb: str, recipe: Path, *, json: bool) -> Iterator[EventFile | None]:
    """What to hand to the pipeline, for the time of a command; None where no events are asked for.

    A command that fails before it comes to the pipeline, as by a fault of the recipe, begins and ends here. Raises
    UsageError where the file cannot be written, or is one of something else.
    """
    if to is None:
        yield None
        return
    if to == STDOUT and json:
        raise UsageError("--events - and --json both want stdout", hint="write the events to a file")
    descriptor = sys.stdout.fileno() if to == STDOUT else _opened(Path(to))
    file = EventFile(descriptor, to)
    try:
        yield file
    except BaseException as error:
        if file.last != "ends":
            from aiaas.pipeline.events import Events

            events = Events([file])
            if file.last is None:
                events.begins(verb, None, recipe)
            events.failed(error)
        raise
    finally:
        if to != STDOUT:
            os.close(descriptor)


def _opened(path: Path) -> int:
    """The file, made anew; a pipe or a device is written to. One that holds something else than events stays as it
    is."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644) if _is_file(path) else os.open(path, os.O_WRONLY)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            begin = os.pread(descriptor, 1 << 10, 0)
            if begin and not begin.startswith(b'{"schema": 1, "event": "'):
                os.close(descriptor)
                raise UsageError("the file holds something else than events", where=str(path), hint="name another")
            os.ftruncate(descriptor, 0)
    except OSError as error:
        raise UsageError(f"events cannot be written there: {error.strerror}", where=str(path)) from None
    return descriptor


def _is_file(path: Path) -> bool:
    return not path.exists() or path.is_file()
