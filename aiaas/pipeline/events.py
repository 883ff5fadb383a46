"""What a run says while it goes on, for machines and for whoever looks on from another terminal.

    begins        verb, recipe, file, aiaas, process
    stage_begins  stage, why                    not of one that is there already
    progress      stage, part, rows, bytes, of_rows, of_bytes, bytes_per_second, seconds_left
    step          stage, step, steps, epoch, epochs, metrics, examples_per_second, seconds_left, ended
    warning       message
    stage_ends    stage, key, cached, seconds, told, and of evaluate metrics and gates
    ends          ok, status, what `--json` prints of a run, and error where it failed

Every event is a flat object with `schema`, `event` and `time` (seconds since the epoch). A number that is not known is
null; one that JSON does not have is a word. Of progress and steps there is at most one a second, but the end of each
epoch. `schema` grows when a field changes its meaning or goes; new events and fields may come without that.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiaas
from aiaas.contracts import Advance, Progress
from aiaas.environment import mask
from aiaas.errors import AiaasError, Interrupted
from aiaas.pipeline import telling
from aiaas.pipeline.pace import Pace
from aiaas.track.values import finite, is_number

if TYPE_CHECKING:
    from aiaas.pipeline.result import Result, StageResult
    from aiaas.pipeline.run import Listener
    from aiaas.pipeline.stages import Work

SCHEMA = 1
SECONDS = 1.0
"""Between two events of progress, or of steps."""

Write = Callable[[Mapping[str, Any]], None]
"""Whoever takes an event: a mapping that JSON can hold, without secrets."""


_TOLD: Mapping[str, tuple[str, ...]] = {"evaluate": ("metrics",), "gate": ("gates",)}
"""What of its summary the end of a stage tells."""


class Events:
    """Makes events of what happens and hands them to all writers. It listens to the stages, as `listener` does beside
    it, and may be called from any thread."""

    def __init__(self, writers: Sequence[Write], listener: Listener | None = None) -> None:
        self._writers = list(writers)
        self._listener = listener
        self._lock = threading.RLock()
        self._stage: str | None = None
        self._told: dict[str, float] = {}
        self._pace = Pace()

    def also(self, write: Write) -> None:
        """Hand what comes from now on to one more."""
        self._writers.append(write)

    def overhear(self, work: Work) -> Work:
        """The same work, whose warnings, progress and steps become events as well."""

        def warn(message: str) -> None:
            self._say("warning", message=message)
            work.warn(message)

        def progress(advance: Advance) -> None:
            self._advance(advance)
            work.progress(advance)

        def training(progress: Progress) -> None:
            if progress.ended or self._is_due("step"):
                self._say("step", stage="train", **asdict(progress))
            work.training(progress)

        return replace(work, warn=warn, progress=progress, training=training)

    def begins(self, verb: str, recipe: str | None, file: Path | None) -> None:
        told = None if file is None else str(file)
        self._say("begins", verb=verb, recipe=recipe, file=told, aiaas=aiaas.__version__, process=os.getpid())

    def stage_begins(self, name: str, why: list[str]) -> None:
        self._told.clear()
        self._stage = name
        self._say("stage_begins", stage=name, why=why)
        if self._listener:
            self._listener.stage_begins(name, why)

    def stage_ends(self, stage: StageResult) -> None:
        fields: dict[str, Any] = {"key": stage.key, "cached": stage.cached, "seconds": stage.seconds}
        fields["told"] = telling.told(stage)
        fields |= {name: stage.summary[name] for name in _TOLD.get(stage.name, ())}
        self._say("stage_ends", stage=stage.name, **fields)
        if self._listener:
            self._listener.stage_ends(stage)

    def ends(self, result: Result) -> None:
        self._say("ends", ok=True, status=0, **result.as_dict())

    def failed(self, error: BaseException) -> None:
        """The end of what failed, or was stopped, with what was reached."""
        if isinstance(error, KeyboardInterrupt):
            error = Interrupted("interrupted", hint="run the same command again to go on")
        elif not isinstance(error, AiaasError):
            error = AiaasError(f"a fault of ours: {error!r}")
        self._say("ends", **{**error.reached, "ok": False, "status": error.status, "error": error.as_dict()})

    def _advance(self, advance: Advance) -> None:
        with self._lock:
            speed = self._pace.take(advance, time.monotonic())
            if self._is_due(f"progress {advance.stage}"):
                stage = self._stage or advance.stage
                part = None if advance.stage == stage else advance.stage
                self._say("progress", **{**asdict(advance), "stage": stage, "part": part}, **speed._asdict())

    def _is_due(self, what: str) -> bool:
        with self._lock:
            now = time.monotonic()
            due = now - self._told.get(what, -SECONDS) >= SECONDS
            if due:
                self._told[what] = now
            return due

    def _say(self, event: str, **fields: Any) -> None:
        said = {"schema": SCHEMA, "event": event, "time": round(time.time(), 3), **finite(_plain(fields))}
        with self._lock:
            for write in self._writers:
                write(said)


def _plain(value: Any) -> Any:
    """The same as JSON holds it, with references in place of the secrets that this process has used."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return float(value) if not isinstance(value, str) and is_number(value) else mask(str(value))
