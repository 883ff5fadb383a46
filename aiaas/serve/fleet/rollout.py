"""A version in the place of another: loaded everywhere, then switched everywhere in one step, then watched."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aiaas.bundle import Located
from aiaas.serve.fleet.board import Board
from aiaas.serve.fleet.messages import Forget, Message, Settle, Turn
from aiaas.serve.fleet.worker import DIED, Worker

FAULTS = 3
"""Failed requests below which nothing is concluded of a new version."""
SHARE = 0.05
"""Of its requests that it may fail."""
WORSE = 2.0
"""Times the share that the version before failed: what fails any version is no reason to go back."""
DEATHS = 2
"""Workers that may not die of a new version."""
TRIES = 3
"""Times that a version is tried whose loading ended with a worker's death."""


@dataclass(slots=True)
class Probation:
    """A version that answers since `began`, and the one before it, which all workers still hold."""

    new: Located
    old: Located
    began: float = field(default_factory=time.monotonic)
    deaths: int = 0
    lost: tuple[int, int] = (0, 0)
    """Requests and faults that workers counted which are gone."""


class Rollout:
    """`plan` is what every worker answers with, by name: a worker that begins loads that. `workers` gives those that
    answer or are about to; `tell` is told, in a line, what was decided."""

    def __init__(
        self,
        plan: dict[str, Located],
        board: Board,
        workers: Callable[[], list[Worker]],
        tell: Callable[[str], None],
        probation: float,
    ) -> None:
        self.plan = plan
        self._board = board
        self._workers = workers
        self._tell = tell
        self._seconds = probation
        self._numbers = itertools.count(1)
        self._watched: dict[str, Probation] = {}
        self._refused: dict[str, tuple[Located, int]] = {}
        self._one = asyncio.Lock()

    def number(self) -> int:
        return next(self._numbers)

    async def offer(self, model: Located) -> None:
        """Switch to this version, where it is not the one that answers, and was not found to be bad."""
        async with self._one:
            now = self.plan[model.name]
            refused = self._refused.get(model.name)
            if refused and refused[0] != model:
                del self._refused[model.name]
                refused = None
            if model == now or (refused and refused[1] >= TRIES):
                return
            self._settle(model.name)
            why = await self._switch(model)
            if why is None:
                self._refused.pop(model.name, None)
                self._watched[model.name] = Probation(model, now)
                for worker in self._workers():
                    worker.counted.pop(model.digest or "", None)  # of a time before
                self._tell(f"{_named(model)} answers in place of version {now.version}")
                return
            tries = (refused[1] + 1 if refused else 1) if why == DIED else TRIES
            self._refused[model.name] = (model, tries)
            self._tell(f"{_named(model)} does not take the place of version {now.version}: {why}")

    async def judge(self) -> None:
        """Take back what errs; settle what did well for long enough."""
        async with self._one:
            for name, probation in list(self._watched.items()):
                if why := self._verdict(probation):
                    await self._go_back(name, probation, why)
                elif time.monotonic() - probation.began > self._seconds:
                    self._settle(name)

    def died(self, worker: Worker) -> None:
        """A worker crashed: what it counted is kept, and every version that is on probation may be to blame."""
        for probation in self._watched.values():
            probation.deaths += 1
            requests, faults = worker.counted.get(probation.new.digest or "", (0, 0))
            probation.lost = (probation.lost[0] + requests, probation.lost[1] + faults)

    def _verdict(self, probation: Probation) -> str | None:
        """Why the version must go back, if it must."""
        if probation.deaths >= DEATHS:
            return f"{probation.deaths} workers died"
        counted = [worker.counted for worker in self._workers()]
        new = _added([probation.lost, *(each.get(probation.new.digest or "", (0, 0)) for each in counted)])
        old = _added(each.get(probation.old.digest or "", (0, 0)) for each in counted)
        allowed = max(SHARE, WORSE * old[1] / max(1, old[0]))
        if new[1] >= FAULTS and new[1] > allowed * new[0]:
            return f"it failed {new[1]} of {new[0]} requests"
        return None

    async def _go_back(self, name: str, probation: Probation, why: str) -> None:
        self._refused[name] = (probation.new, TRIES)
        del self._watched[name]
        await self._switch(probation.old, force=True)
        self._say_all(Settle(name))
        hint = f"aiaas models rollback {name} puts the alias back too"
        self._tell(f"{_named(probation.new)} gave way to version {probation.old.version} again: {why}; {hint}")

    async def _switch(self, model: Located, *, force: bool = False) -> str | None:
        """None when all workers answer with it now, else why they do not. With `force` a worker that cannot is killed:
        the one in its place will."""
        number = self.number()
        workers = self._workers()
        answers = await asyncio.gather(*(worker.prepare(number, model) for worker in workers))
        for worker, refused in zip(workers, answers, strict=True):
            if refused and force:
                worker.kill()
            elif refused:
                self._say_all(Forget(number))
                return refused
        self.plan[model.name] = model
        for worker in workers:
            worker.holds[model.name] = model
        self._board.epoch = number
        self._say_all(Turn())
        return None

    def _settle(self, name: str) -> None:
        if self._watched.pop(name, None):
            self._say_all(Settle(name))

    def _say_all(self, message: Message) -> None:
        for worker in self._workers():
            worker.send(message)


def _added(counts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    pairs = list(counts)
    return sum(each[0] for each in pairs), sum(each[1] for each in pairs)


def _named(model: Located) -> str:
    return f"{model.name} version {model.version}" if model.version else model.name
