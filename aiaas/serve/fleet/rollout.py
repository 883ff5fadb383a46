"""A version in the place of another: loaded everywhere, then switched everywhere in one step, then watched. A
model that comes or goes does so in the same step."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from aiaas.bundle import Located
from aiaas.serve.fleet.board import Board
from aiaas.serve.fleet.messages import Forget, Message, Settle, Turn
from aiaas.serve.fleet.worker import DIED, Worker
from aiaas.serve.seen.leading import Outcome

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
NOBODY = "no worker is there"
THERE = "the model answers already"


@dataclass(slots=True)
class Probation:
    """A version that answers since `began`, and the one before it, which all workers still hold."""

    new: Located
    old: Located
    began: float = field(default_factory=time.monotonic)
    deaths: int = 0
    lost: tuple[int, int] = (0, 0)
    """Requests and faults that workers counted which are gone."""


class RefusedError(Exception):
    """Why not all workers can answer with a version."""


class StateError(RefusedError):
    """The model is there already, or not there any more."""


class Rollout:
    """`plan` is what every worker answers with, by name: a worker that begins loads that. `workers` gives those that
    answer or are about to; `tell` is told, in a line, what was decided, and `count` what became of which model."""

    def __init__(
        self,
        plan: dict[str, Located],
        board: Board,
        workers: Callable[[], list[Worker]],
        tell: Callable[[str], None],
        probation: float,
        count: Callable[[str, Outcome], None] = lambda model, outcome: None,
    ) -> None:
        self.plan = plan
        self._board = board
        self._workers = workers
        self._tell = tell
        self._seconds = probation
        self._count = count
        self._numbers = itertools.count(1)
        self._watched: dict[str, Probation] = {}
        self._refused: dict[str, tuple[Located, int]] = {}
        self._switching = asyncio.Lock()

    def number(self) -> int:
        return next(self._numbers)

    async def offer(self, model: Located) -> None:
        """Switch to this version, where it is not the one that answers, and was not found to be bad."""
        refused = self._refused.get(model.name)
        if refused and refused[0] != model:
            del self._refused[model.name]
            refused = None
        now = self.plan.get(model.name)
        if now is None or model == now or (refused and refused[1] >= TRIES):
            return
        try:
            before = await self._switch(model)
        except RefusedError as error:
            tries = refused[1] if refused else 0
            if str(error) == NOBODY:
                self._refused[model.name] = (model, tries)
                return
            self._refused[model.name] = (model, tries + 1 if str(error) == DIED else TRIES)
            self._count(model.name, "refused")
            self._tell(f"{_named(model)} does not take the place of version {now.version}: {error}")
            return
        self._refused.pop(model.name, None)
        self._watched[model.name] = Probation(model, before)
        for worker in self._workers():
            worker.counted.pop(model.digest or "", None)  # of a time before
        self._count(model.name, "switched")
        self._tell(f"{_named(model)} answers in place of version {before.version}")

    def again(self) -> list[Located]:
        """Versions that no worker was there to load, or whose loading ended with a worker's death: it may have died of
        something else."""
        return [model for model, tries in self._refused.values() if tries < TRIES]

    async def add(self, model: Located) -> None:
        """Let all workers answer with a model that did not answer until now. Raises RefusedError, and then none does,
        or StateError where it does already."""
        if model.name in self.plan:  # asked again when it is loaded; but then loading was for nothing
            raise StateError(THERE)
        await self._switch(model, new=True)
        self._tell(f"{_named(model)} answers too")

    async def drop(self, name: str) -> None:
        """Let the model answer nothing any more, in any worker. Raises StateError where it does not answer."""
        async with self._switching:
            if name not in self.plan:
                raise StateError("the model does not answer")
            number = self.number()
            await self._of_all(lambda worker: worker.drop(number, name), force=True)
            gone = self.plan.pop(name)
            self._watched.pop(name, None)
            self._refused.pop(name, None)
            for worker in self._workers():
                worker.holds.pop(name, None)
            self._turn(number)
        self._say_all(Settle(name))
        self._tell(f"{_named(gone)} answers no more")

    async def judge(self) -> None:
        """Take back what errs; settle what did well for long enough."""
        for name, probation in list(self._watched.items()):
            if why := self._verdict(probation):
                await self._go_back(name, probation, why)
            elif time.monotonic() - probation.began > self._seconds:
                del self._watched[name]
                self._say_all(Settle(name))

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
        try:
            await self._switch(probation.old, force=True)
        except RefusedError:  # it was unloaded meanwhile
            return
        self._say_all(Settle(name))
        self._count(name, "gave way")
        hint = f"aiaas models rollback {name} puts the alias back too"
        self._tell(f"{_named(probation.new)} gave way to version {probation.old.version} again: {why}; {hint}")

    async def _switch(self, model: Located, *, force: bool = False, new: bool = False) -> Located:
        """Let all workers answer with it, in one step, and give what they answered with until then, which is itself
        where it is `new`. Raises RefusedError, and then nothing has changed; with `force` a worker that cannot is
        killed instead: the one in its place will.

        Loading takes as long as it takes, in one worker before it does in the others: it may be the end of a process.
        Then each worker is told the number at which it switches, and only one switch at a time may be that far: a
        worker that has not seen one epoch must not miss another's turn.
        """
        key = self.number()
        try:
            await self._of_all(lambda worker: worker.prepare(key, model), force, one_first=not force)
            async with self._switching:
                if new == (model.name in self.plan):
                    raise StateError(THERE if new else "the model was unloaded meanwhile")
                number = self.number()
                try:
                    await self._of_all(lambda worker: worker.arm(key, number, model), force)
                except RefusedError:
                    self._say_all(Forget(number))
                    raise
                return self._commit(number, model)
        except RefusedError:
            self._say_all(Forget(key))
            raise

    def _commit(self, number: int, model: Located) -> Located:
        before, self.plan[model.name] = self.plan.get(model.name, model), model
        for worker in self._workers():
            worker.holds[model.name] = model
        self._turn(number)
        return before

    def _turn(self, number: int) -> None:
        self._board.epoch = number
        self._say_all(Turn())

    async def _of_all(
        self, ask: Callable[[Worker], Awaitable[str | None]], force: bool, *, one_first: bool = False
    ) -> None:
        """Ask every worker, those too that come meanwhile; RefusedError with what one says that cannot."""
        asked: set[Worker] = set()
        while missing := [worker for worker in self._workers() if worker not in asked]:
            if one_first and not asked:
                missing = missing[:1]
            asked.update(missing)
            answers = await asyncio.gather(*(ask(worker) for worker in missing))
            for worker, refused in zip(missing, answers, strict=True):
                if refused and not force:
                    raise RefusedError(refused)
                if refused:
                    worker.kill()
        if not asked and not force:  # what nobody has loaded would be what those who begin must load
            raise RefusedError(NOBODY)

    def _say_all(self, message: Message) -> None:
        for worker in self._workers():
            worker.send(message)


def _added(counts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    pairs = list(counts)
    return sum(each[0] for each in pairs), sum(each[1] for each in pairs)


def _named(model: Located) -> str:
    return f"{model.name} version {model.version}" if model.version else model.name
