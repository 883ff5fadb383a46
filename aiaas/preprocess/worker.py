"""One of several processes that take segments through the steps; `pool` starts it.

    python -P -m aiaas.preprocess.worker FD

FD is a socket. In come the places where modules are found, the plan, the job of each pass and its tasks, one after
another; of each task it says how many rows moved, and at its end `done` or `failed`.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
import traceback
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from aiaas import children
from aiaas.errors import AiaasError, DataError

if TYPE_CHECKING:
    from aiaas.preprocess.plan import Plan
    from aiaas.preprocess.pool import Job, Task

_SECONDS = 0.2
"""How often it is said how many rows moved."""


def main() -> None:
    """Do what comes until nothing comes any more."""
    parent = children.parent()
    sys.path[:] = pickle.loads(_heard(parent))  # noqa: S301
    known: dict[str, Any] = {}
    while True:
        said = _heard(parent)
        try:
            what, value = pickle.loads(said)  # noqa: S301
            if what == "task":
                _do(known["plan"], known["job"], value, parent)
            else:
                known[what] = value
        except BaseException as error:
            parent.send(("failed", _sendable(error)))


def _heard(parent: Connection) -> bytes:
    """What comes next, from the process that started this one, over a socket that nobody else has."""
    try:
        return parent.recv_bytes()
    except EOFError:
        os._exit(0)


def _do(plan: Plan, job: Job, task: Task, parent: Connection) -> None:
    from aiaas.preprocess import work
    from aiaas.preprocess.flow import Told

    told, waiting = time.monotonic(), 0

    def moved(rows: int) -> None:
        nonlocal told, waiting
        waiting += rows
        if time.monotonic() - told >= _SECONDS:
            parent.send(("moved", waiting))
            told, waiting = time.monotonic(), 0

    work.do(plan, job.span, task.segment, Told(job.states, task.rows), moved)
    if waiting:
        parent.send(("moved", waiting))
    parent.send(("done", None))


def _sendable(error: BaseException) -> Exception:
    """The error as it is where it survives the way; else the nearest of ours with all it says, or the traceback."""
    if isinstance(error, MemoryError):
        return DataError(
            "memory ran out while rows went through the steps",
            where="preprocess",
            hint="make room, or let fewer processes work: taskset -c 0 aiaas …",
        )
    if not isinstance(error, AiaasError):
        error.add_note("".join(traceback.format_exception(error)))
    try:
        again = pickle.loads(pickle.dumps(error))  # noqa: S301
        if type(again) is type(error) and isinstance(again, Exception) and str(again) == str(error):
            return again
    except Exception as unpickled:
        error.add_note(repr(unpickled))
    if isinstance(error, AiaasError):
        return _nearest(type(error))(error.message, where=error.where, hint=error.hint)
    return RuntimeError("".join(traceback.format_exception(error)))


def _nearest(kind: type[AiaasError]) -> type[AiaasError]:
    """The first class of ours among those of an error that is made of what every error says."""
    ours = (each for each in kind.__mro__ if each.__module__ == AiaasError.__module__)
    return next(each for each in ours if "__init__" not in vars(each) or each is AiaasError)


if __name__ == "__main__":
    main()
