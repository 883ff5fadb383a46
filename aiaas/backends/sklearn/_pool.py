"""A function over many arguments in several processes of this machine, its results in the order of the arguments.

Each process has one argument at a time: whoever hands out the next one has taken the result of the one before. So
nobody waits for somebody who waits for him, and no more is on the way than there are processes. What comes out depends
neither on how many these are nor on which of them was faster.
"""

from __future__ import annotations

import pickle
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from aiaas.children import Child
from aiaas.errors import AiaasError, TrainingError

_MODULE = "aiaas.backends.sklearn._worker"


def mapped(
    function: Callable[[Any], Any], given: Iterable[tuple[Any, Any]], processes: int
) -> Iterator[tuple[Any, Any]]:
    """For each `(kept, argument)` of `given` the pair `(kept, function(argument))`; `kept` stays in this process.

    With more than one process, `function` is pickled and sent to each of them once. Raises what the function raised,
    and TrainingError where a process was ended from outside.
    """
    if processes == 1:
        for kept, argument in given:
            yield kept, function(argument)
        return
    with _started(function, processes) as workers:
        waiting: list[tuple[_Worker, Any]] = []
        for number, (kept, argument) in enumerate(given):
            worker = workers[number % processes]
            done = None
            if len(waiting) == processes:
                _, before = waiting.pop(0)
                done = (before, worker.result())
            worker.send(argument)
            waiting.append((worker, kept))
            if done:
                yield done
        for worker, kept in waiting:
            yield kept, worker.result()


class _Worker(Child):
    """The handle of one process."""

    def __init__(self) -> None:
        super().__init__(_MODULE, {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})

    def send(self, message: Any) -> None:
        self.send_bytes(pickle.dumps(message, protocol=5))

    def send_bytes(self, message: bytes) -> None:
        with suppress(OSError):  # it died; whoever asks for its result is told of what
            self.connection.send_bytes(message)

    def result(self) -> Any:
        """What the function gave of the last argument."""
        try:
            good, value = self.connection.recv()
        except (EOFError, OSError):
            status = self.process.wait()
            if status < 0:
                raise TrainingError(
                    f"a process that turns texts into numbers was ended by {signal.Signals(-status).name}",
                    hint="if memory ran out, let fewer processes work: train.processes",
                ) from None
            raise RuntimeError(f"a process that turns texts into numbers ended with status {status}") from None
        if good:
            return value
        raise value if isinstance(value, AiaasError) else RuntimeError(value)


@contextmanager
def _started(function: Callable[[Any], Any], processes: int) -> Iterator[list[_Worker]]:
    """The processes, each with the function; none of them outlives the block."""
    workers: list[_Worker] = []
    job = pickle.dumps(function, protocol=5)
    try:
        for _ in range(processes):
            workers.append(_Worker())  # noqa: PERF401  # keeps those before one that does not start
        for worker in workers:
            worker.send_bytes(job)
        del job  # as large as the tree of a model
        yield workers
    finally:
        for worker in workers:
            worker.end()
