"""Keeps workers at work: starts them, puts others in the place of those that die, and ends them without losing a
request."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from aiaas import errors
from aiaas.bundle import Located
from aiaas.errors import AiaasError
from aiaas.serve.fleet.aliases import Aliases
from aiaas.serve.fleet.board import Board
from aiaas.serve.fleet.management import Management
from aiaas.serve.fleet.messages import Begin, Failed, Stop
from aiaas.serve.fleet.rollout import Rollout
from aiaas.serve.fleet.worker import LONGEST, Worker
from aiaas.serve.seen import Places
from aiaas.serve.seen.leading import Leading
from aiaas.serve.settings import Settings
from aiaas.workspace import Workspace

YOUNG = 5.0
"""Seconds after which a worker that died had lived: another comes at once. After a younger one there is a pause, twice
as long each time."""
PAUSES = (0.1, 10.0)
"""The shortest and the longest, in seconds."""
JUDGED = 0.1
"""Seconds between two looks at how new versions do."""
HUNG = 60.0
"""Seconds without a move after which a worker is killed: something in it keeps its event loop from running."""
logger = logging.getLogger("aiaas.serve")
Told = Callable[[str], None]


class Supervisor:
    """`references` are what models were asked for by, `plan` where they lie; `on_ready` is told of all models once all
    workers answer, `tell` of what happens later, in a line."""

    def __init__(
        self,
        plan: dict[str, Located],
        door: socket.socket,
        settings: Settings,
        places: Places,
        aliases: Aliases,
        on_ready: Callable[[Sequence[dict[str, Any]]], None],
        tell: Told,
    ) -> None:
        self._door = door
        self._settings = settings
        self._places = places
        self._aliases = aliases
        self._on_ready = on_ready
        self._tell = tell
        self._board, self._file = Board.make(settings.workers)
        self._workers: set[Worker] = set()
        self._opened = 0
        self._stopping = asyncio.Event()
        self._renewing = asyncio.Lock()
        self._leading = Leading(places.metrics, settings.workers)
        self._rollout = Rollout(plan, self._board, self._current, tell, settings.probation, self._leading.switched)
        self._management = Management(self._rollout, aliases, Workspace(settings.workspace), tell)

    async def run(self) -> None:
        """Until SIGTERM or SIGINT; raises what the first workers could not load."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up, os.isatty(0))
        keeping: list[Coroutine[Any, Any, object]] = [self._keep() for _ in range(self._settings.workers)]
        tasks = [loop.create_task(each) for each in (*keeping, self._stopping.wait(), self._judge(), self._follow())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not self._stopping.is_set():  # else workers may have ended of the same signal
                for task in done:
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._management.end()
            await self._end()

    def _current(self) -> list[Worker]:
        """Those that must switch when the others do."""
        return [worker for worker in self._workers if worker.is_open]

    # --- so many workers ------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        """Keep one worker at work, or another in its place."""
        worker = await self._raised()
        self._opened += 1
        if self._opened == self._settings.workers:
            loaded = worker.loaded.result()
            self._on_ready(loaded.about if loaded else ())
        pause = 0.0
        while True:
            await worker.over.wait()
            if worker.gone.is_set():
                young = time.monotonic() - worker.began < YOUNG
                pause = min(max(PAUSES[0], 2 * pause), PAUSES[1]) if young else 0.0
                self._tell(f"worker {worker.pid} {worker.ending}; another takes its place")
                await asyncio.sleep(pause)
                worker = await self._raised()
                continue
            async with self._renewing:  # one after another: the others go on meanwhile
                successor = await self._raised()
                worker.retire()
                worker = successor

    async def _raised(self) -> Worker:
        """A worker that takes requests. Once the service has begun it is tried until there is one."""
        pause = PAUSES[0]
        while True:
            while (slot := self._board.free()) is None:  # many are just leaving
                await asyncio.sleep(JUDGED)
            models = tuple(self._rollout.plan.values())
            begin = Begin(slot, models, self._settings, self._places)
            worker = Worker(begin, self._board, self._door, self._management.want)
            try:
                await worker.start()
            except OSError as error:
                if self._opened < self._settings.workers:
                    raise AiaasError(f"a worker cannot be started: {error.strerror}") from error
                self._tell(f"a worker cannot be started: {error.strerror}")
                await asyncio.sleep(PAUSES[1])
                continue
            self._workers.add(worker)
            watching = asyncio.create_task(self._bury(worker))
            watching.add_done_callback(lambda done: done.cancelled() or done.result())
            if await worker.loaded and await self._up_to_date(worker) and await worker.open():
                return worker
            await worker.gone.wait()
            why = _error(worker)
            if self._opened < self._settings.workers:
                raise why
            self._tell(f"a worker cannot begin: {why}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, PAUSES[1])

    async def _up_to_date(self, worker: Worker) -> bool:
        """Let it load what was switched while it began, and what was unloaded go; whether it could."""
        while True:
            plan = self._rollout.plan
            for name in worker.holds.keys() - plan.keys():
                del worker.holds[name]
                await worker.drop(0, name)
            behind = [model for name, model in plan.items() if worker.holds.get(name) != model]
            if not behind:
                worker.is_open = True  # from here on it switches with the others
                return True
            if await worker.prepare(self._rollout.number(), behind[0], at_once=True):
                worker.kill()
                return False
            worker.holds[behind[0].name] = behind[0]

    async def _bury(self, worker: Worker) -> None:
        await worker.gone.wait()
        self._workers.discard(worker)
        if worker.crashed and not self._stopping.is_set():
            self._leading.died(worker.how)
            self._rollout.died(worker)

    def _hang_up(self, had_terminal: bool) -> None:
        """One after another, each worker gives way to a new one; unless it means that the terminal was closed."""
        if had_terminal and not os.isatty(0):
            self._stop()
            return
        for worker in self._current():
            worker.over.set()

    # --- versions -------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._settings.poll)
            if self._opened < self._settings.workers:
                continue
            try:
                moved = await asyncio.to_thread(lambda: list(self._aliases.look()))
            except Exception as error:  # whatever became of the registry, what answers goes on
                logger.warning("the aliases cannot be looked at", exc_info=error)
                continue
            again = {} if self._board.missing else {model.name: model for model in self._rollout.again()}
            for model in (again | {model.name: model for model in moved}).values():
                await self._rollout.offer(model)

    async def _judge(self) -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(JUDGED)
            await self._rollout.judge()
            if time.monotonic() - began > HUNG / 2:
                continue  # all of the machine, or of the service, was stopped: nobody could move
            for worker in self._current():
                if worker.still > HUNG:
                    self._tell(f"worker {worker.pid} has not moved for {HUNG:.0f} s, and is killed")
                    worker.kill()

    # --- the end --------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        if self._stopping.is_set():  # told twice: nobody wants to wait
            for worker in self._workers:
                worker.stop_now()
        self._stopping.set()

    async def _end(self) -> None:
        """Let all finish what they began. Whoever has the door closes it last, so it is closed here first."""
        self._door.close()
        left = list(self._workers)
        for worker in left:
            if worker.is_open or worker.opened.done():
                worker.send(Stop())
            else:
                worker.kill()
        waiting = [asyncio.create_task(worker.gone.wait()) for worker in left]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=LONGEST)
            for worker in left if late else ():
                worker.kill()
            await asyncio.gather(*waiting)
        self._file.close()
        self._leading.close()


def _error(worker: Worker) -> AiaasError:
    """Why a worker could not begin."""
    failed: Failed | None = worker.failed
    if failed is None:
        hint = "if memory ran out (the system then ends processes), serve fewer models or with fewer workers"
        return AiaasError(f"a worker {worker.ending} while it began", hint=hint)
    kind = getattr(errors, failed.error, AiaasError)
    try:
        error: AiaasError = kind(failed.message, where=failed.where, hint=failed.hint)
    except TypeError:  # it holds more than words
        error = AiaasError(failed.message, where=failed.where, hint=failed.hint)
    return error
