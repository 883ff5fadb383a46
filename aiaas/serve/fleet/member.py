"""A worker's side of the talk with its supervisor."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiaas.errors import AiaasError
from aiaas.serve.errors import ConflictError
from aiaas.serve.fleet.board import LEAVING, OPEN, Board, Crowd
from aiaas.serve.fleet.channel import Channel
from aiaas.serve.fleet.faults import Faults
from aiaas.serve.fleet.messages import (
    Arm,
    Begin,
    Changed,
    Counted,
    Drop,
    Forget,
    Leaving,
    Loaded,
    Message,
    Open,
    Opened,
    Prepare,
    Prepared,
    Retire,
    Settle,
    Stop,
    Turn,
    Wanted,
)
from aiaas.serve.fleet.switches import Switches
from aiaas.serve.life import Life
from aiaas.serve.models import Live, Models
from aiaas.serve.rest import Rest
from aiaas.serve.watching import Watcher

if TYPE_CHECKING:
    from aiaas.bundle import Bundle
    from aiaas.serve.stop import GracefulServer

logger = logging.getLogger("aiaas.serve")


class Member:
    """What a server needs where it is one of several. `sizes` are the bytes that each model was seen to take."""

    def __init__(self, channel: Channel, board: Board, begin: Begin, sizes: Mapping[str, int]) -> None:
        self.life = Life(worker=begin.slot, missing=lambda: board.missing)
        self.crowd = Crowd(board, begin.slot)
        self._faults = Faults(lambda counts: channel.send(Counted(counts)))
        self._channel = channel
        self._board = board
        self._settings = begin.settings
        self._slot = begin.slot
        self._sizes = sizes
        self._tasks: set[asyncio.Task[None]] = set()
        self._prepared: dict[int, Live] = {}
        self._tried: dict[int, Bundle] = {}
        self._numbers = itertools.count(1)
        self._wanted: dict[int, asyncio.Future[str | None]] = {}

    @property
    def watchers(self) -> Sequence[Watcher]:
        return (self._faults,)

    def join(self, models: Models, server: GracefulServer) -> None:
        """Before the server runs: let versions be switched and models rest."""
        self._models = models
        self._server = server
        self._switches = Switches(models, lambda: self._board.epoch)
        models.turn = self._switches.turn
        self._rest = Rest(models, self._settings.idle, self._settings.share, self._sizes)
        if self._settings.idle is not None or self._settings.memory is not None:
            models.waking = self._rest
        server.on_signal = self._on_signal

    def bundles(self) -> Iterator[Bundle]:
        """Of all versions that may still answer something; for any thread."""
        tried = list(self._tried.values())
        return iter([*(live.bundle for live in [*self._models.current(), *self._switches.before()]), *tried])

    def begin(self) -> None:
        """In the event loop, once all is loaded and the door could be opened."""
        self._channel.listen(self._heard)
        self._rest.begin()
        self._channel.send(Loaded(tuple(_about(live) for live in self._models)))

    def _on_signal(self, number: int) -> None:
        """Ctrl-C in a terminal is for the supervisor; who ends a worker alone gets another in its place first."""
        if number == signal.SIGTERM:
            loop = asyncio.get_running_loop()
            loop.call_soon_threadsafe(self._channel.send, Leaving())

    def _heard(self, message: Message | None) -> None:
        match message:
            case Open():
                self._server.open()
                self._board.set_state(self._slot, OPEN)
                self._channel.send(Opened())
            case Prepare():
                task = asyncio.get_running_loop().create_task(self._prepare(message))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case Arm():
                self._switches.add(message.number, self._prepared.pop(message.key))
                self._channel.send(Prepared(message.number))
            case Drop():
                self._switches.drop(message.number, message.name)
                self._channel.send(Prepared(message.number))
            case Turn():
                self._switches.turn()
            case Changed():
                if future := self._wanted.pop(message.number, None):
                    future.set_result(message.refused)
            case Forget():
                self._prepared.pop(message.number, None)
                self._switches.forget(message.number)
            case Settle():
                self._switches.settle(message.name)
            case Retire():
                self._leave(closing=False)
            case Stop(now=True):
                self._server.force_exit = True
                self._leave(closing=True)
            case _:  # to stop, or the supervisor is gone
                self._leave(closing=True)

    def _leave(self, *, closing: bool) -> None:
        self._board.set_state(self._slot, LEAVING)
        self._server.leave(closing=closing)

    async def load(self, reference: str) -> None:
        """As `Manager`: the supervisor sees to it."""
        number = next(self._numbers)
        await self._want(Wanted(number, load=reference))

    async def unload(self, name: str) -> None:
        number = next(self._numbers)
        await self._want(Wanted(number, unload=name))

    async def _want(self, wanted: Wanted) -> None:
        """Ask for it and wait. Whoever waits no longer leaves it to be done."""
        done = self._wanted[wanted.number] = asyncio.get_running_loop().create_future()
        self._channel.send(wanted)
        try:
            refused = await done
        finally:
            self._wanted.pop(wanted.number, None)
        if refused:
            raise ConflictError(refused, hint="GET /v1/admin/models tells what answers; the log of the service why")

    async def _prepare(self, asked: Prepare) -> None:
        try:
            live = await self._made(asked)
        except Exception as error:
            why = str(error)
            if not isinstance(error, AiaasError):  # it may quote an example: that is for the log, which is masked
                logger.error("%s cannot be loaded", asked.model.name, exc_info=error)
                why = f"{type(error).__name__}; the log of worker {os.getpid()} says more"
            self._channel.send(Prepared(asked.number, why))
            return
        finally:
            self._tried.pop(asked.number, None)
        self._faults.forget(live.bundle.digest)
        if asked.at_once:  # it has just begun: the version before never answered here
            self._switches.switch_now(live)
            self._switches.settle(live.name)
        else:
            self._prepared[asked.number] = live
        self._channel.send(Prepared(asked.number))

    async def _made(self, asked: Prepare) -> Live:
        located = asked.model
        held = self._switches.held(located.name, located.digest)
        if held is not None and held.bundle.version == located.version:
            return held
        # The version before stays, so there must be room for as much again.
        expected = self._rest.sizes.get(located.name, 0)
        if self._models.get(located.name) is None:
            self._rest.used(located.name)  # who loads a model wants to ask it
        bundle = await self._rest.load(located.name, lambda: self._checked(asked), expected)
        return self._models.make(located.name, bundle)

    def _checked(self, asked: Prepare) -> Bundle:
        """The bundle, warm, after it answered its example requests as it did when it was made."""
        bundle = self._tried[asked.number] = asked.model.load()
        bundle.replay()
        return bundle


def _about(live: Live) -> dict[str, Any]:
    bundle = live.bundle
    return {"name": live.name, "version": bundle.version, "digest": bundle.digest, "runtime": bundle.runtime}
