"""Processes that take segments through a pass: as many as there are cores, started once for all passes.

Each is handed the plan and then one segment after another; what comes of one it keeps on the shelf, and says so. Who
started them learns nothing but that: he stays free to answer signals, to name the cause when one of them dies, and to
end all of them. Where there is one segment alone, the work is done here: a process costs more than it saves.
"""

from __future__ import annotations

import pickle
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Self

from numpy.typing import NDArray

from aiaas.children import Child
from aiaas.errors import DataError
from aiaas.preprocess import work
from aiaas.preprocess.flow import Told
from aiaas.preprocess.plan import Pass, Plan
from aiaas.preprocess.segments import Segment

_MODULE = "aiaas.preprocess.worker"
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class Task:
    """A segment to take through a pass, and what was concluded of its rows."""

    segment: Segment
    rows: NDArray[Any] | None


@dataclass(frozen=True, slots=True)
class Job:
    """What all tasks of a pass share: told to each process once, for what steps learned may be large."""

    span: Pass
    states: Mapping[int, Mapping[str, Any]]


class Pool:
    """`moved` is told of rows that went through a pass. Use as a context manager: no process outlives the block."""

    def __init__(self, plan: Plan, processes: int, moved: Callable[[int], None]) -> None:
        self._plan = plan
        self._moved = moved
        self._workers = [_Worker(number, processes) for number in range(processes)] if processes > 1 else []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        for worker in self._workers:
            worker.end()

    def run(self, job: Job, tasks: Iterable[Task]) -> None:
        """Do all of them, in any order; raises what the first of those that failed, in their order, failed with."""
        if self._workers:
            _Round(self._plan, job, self._workers, iter(tasks), self._moved).run()
            return
        for task in tasks:
            work.do(self._plan, job.span, task.segment, Told(job.states, task.rows), self._moved)


class _Worker(Child):
    """The handle of one process."""

    def __init__(self, number: int, of: int) -> None:
        self.name = f"process {number + 1} of {of}"
        self.task: Task | None = None
        self._knows: dict[str, object] = {}
        super().__init__(_MODULE, _ONE_THREAD)

    def give(self, plan: Plan, job: Job, task: Task) -> None:
        """Hand a task over; that the process is dead is found out where its answer is awaited."""
        self.task = task
        with suppress(OSError):
            if not self._knows:
                self.connection.send_bytes(pickle.dumps(sys.path))
            for what, value in (("plan", plan), ("job", job)):
                if self._knows.get(what) is not value:
                    self.connection.send_bytes(pickle.dumps((what, value)))
                    self._knows[what] = value
            self.connection.send_bytes(pickle.dumps(("task", task)))

    def ended(self) -> Exception:
        """Wait for the process, which closed its end, and say what it died of."""
        status = self.process.wait()
        if status >= 0:
            return RuntimeError(f"{self.name} that takes rows through the steps ended with status {status}")
        name = signal.Signals(-status).name
        return DataError(
            f"{self.name} that takes rows through the steps was ended by {name}",
            where="preprocess",
            hint="what is done is kept, and the same command goes on; "
            + (
                "if memory ran out (the system then ends processes): make room, or let fewer processes work: "
                "taskset -c 0 aiaas …"
                if name == "SIGKILL"
                else "a package that a step uses may have crashed"
            ),
        )


class _Round:
    """All tasks of one pass, each given to the next process that is free."""

    def __init__(
        self, plan: Plan, job: Job, workers: list[_Worker], tasks: Iterator[Task], moved: Callable[[int], None]
    ) -> None:
        self._plan, self._job, self._workers, self._tasks, self._moved = plan, job, workers, tasks, moved
        self._failed: tuple[int, Exception] | None = None

    def run(self) -> None:
        for worker in self._workers:
            self._next(worker)
        while busy := {each.connection: each for each in self._workers if self._is_awaited(each)}:
            for connection in wait(list(busy)):
                assert isinstance(connection, Connection)
                self._hear(busy[connection])
        if self._failed:
            raise self._failed[1]

    def _next(self, worker: _Worker) -> None:
        task = next(self._tasks, None) if self._failed is None else None
        if task is None:
            worker.task = None
        else:
            worker.give(self._plan, self._job, task)

    def _is_awaited(self, worker: _Worker) -> bool:
        """Whether what the process says still counts: after a failure, of the segments before the one that failed."""
        if worker.task is None:
            return False
        return self._failed is None or worker.task.segment.number < self._failed[0]

    def _hear(self, worker: _Worker) -> None:
        assert worker.task is not None
        value: Any
        try:
            what, value = worker.connection.recv()
        except (EOFError, OSError):
            what, value = "failed", worker.ended()
        if what == "moved":
            self._moved(value)
        elif what == "done":
            self._next(worker)
        else:
            self._failed = worker.task.segment.number, value
            worker.task = None
