"""What administrators want of all workers, whichever of them they asked: a model that comes, or one that goes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from aiaas.bundle import registered
from aiaas.errors import AiaasError
from aiaas.serve.fleet.aliases import Aliases
from aiaas.serve.fleet.messages import Changed, Wanted
from aiaas.serve.fleet.rollout import RefusedError, Rollout, StateError
from aiaas.serve.fleet.worker import Worker
from aiaas.workspace import Workspace

logger = logging.getLogger("aiaas.serve")


class Management:
    """The supervisor's part of it. The alias of a model that came is followed as those of the first are."""

    def __init__(self, rollout: Rollout, aliases: Aliases, workspace: Workspace, tell: Callable[[str], None]) -> None:
        self._rollout = rollout
        self._aliases = aliases
        self._workspace = workspace
        self._tell = tell
        self._tasks: set[asyncio.Task[None]] = set()

    def want(self, worker: Worker, wanted: Wanted) -> None:
        """Do it, and tell the worker what became of it."""
        task = asyncio.get_running_loop().create_task(self._answer(worker, wanted))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _answer(self, worker: Worker, wanted: Wanted) -> None:
        refused = None
        try:
            if wanted.load is not None:
                await self._load(wanted.load)
            if wanted.unload is not None:
                await self._unload(wanted.unload)
        except StateError as error:
            refused = str(error)
        except Exception as error:
            refused = "the model cannot be loaded"
            self._tell(f"{wanted.load} cannot be loaded: {error}")
            if not isinstance(error, AiaasError | RefusedError):
                logger.error("what an administrator wanted failed", exc_info=error)
        worker.send(Changed(wanted.number, refused))

    async def _load(self, reference: str) -> None:
        model = await asyncio.to_thread(registered, reference, self._workspace)
        await self._rollout.add(model)
        self._aliases.follow(model.name, reference)

    async def _unload(self, name: str) -> None:
        await self._rollout.drop(name)
        self._aliases.forget(name)
