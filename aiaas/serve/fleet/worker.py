"""One worker, as its supervisor sees it: a process, what it said, and what it was asked."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable

from aiaas.bundle import Located
from aiaas.cores import cores
from aiaas.serve.fleet.board import EMPTY, STARTING, Board
from aiaas.serve.fleet.channel import Channel
from aiaas.serve.fleet.messages import (
    Arm,
    Begin,
    Counted,
    Drop,
    Failed,
    Leaving,
    Loaded,
    Message,
    Open,
    Opened,
    Prepare,
    Prepared,
    Retire,
    Stop,
    Wanted,
)
from aiaas.serve.seen import forget_worker
from aiaas.serve.stop import PATIENCE

_MODULE = "aiaas.serve.fleet.process"
_THREADS = (
    *("AIAAS_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
)
"""How many threads the libraries of models compute with, in the environment."""
DIED = "the worker died"
LONGEST = PATIENCE + 5.0
"""Seconds after which a worker that was told to end is killed."""
NOW = 1.0
"""The same, where nothing is to be finished: enough for its logs."""


class Worker:
    """`wanted` is told what an administrator asks of all workers by this one. `loaded` and `opened` end when the
    process says so, or with None when it dies first; `over` is set when it dies or was asked by somebody else to leave.
    `holds` are the models that it answers with, once it has loaded them."""

    def __init__(
        self,
        begin: Begin,
        board: Board,
        door: socket.socket,
        wanted: Callable[[Worker, Wanted], None] = lambda worker, wanted: None,
    ) -> None:
        self.slot = begin.slot
        self.holds = {model.name: model for model in begin.models}
        self.is_open = False
        self.over = asyncio.Event()
        self.gone = asyncio.Event()
        self.failed: Failed | None = None
        self.counted: dict[str, tuple[int, int]] = {}
        self.began = time.monotonic()
        loop = asyncio.get_running_loop()
        self.loaded: asyncio.Future[Loaded | None] = loop.create_future()
        self.opened: asyncio.Future[bool] = loop.create_future()
        self._asked: dict[int, asyncio.Future[str | None]] = {}
        self._prepared: set[int] = set()
        self._board = board
        self._begin = begin
        self._door = door
        self._wanted = wanted
        board.set_state(self.slot, STARTING)

    async def start(self) -> None:
        """Start the process. Raises OSError where the system has no room for another."""
        try:
            await self._spawn()
        except OSError:
            self._board.set_state(self.slot, EMPTY)
            raise
        self._channel.listen(self._heard)
        self._channel.send(self._begin)
        self._ending = asyncio.create_task(self._end())

    async def _spawn(self) -> None:
        self._channel, theirs = Channel.pair()
        handles = [self._door.fileno(), self._board.handle, theirs.fileno()]
        try:
            # -P: a file of the user's called like a module of ours must not be imported in its place
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", _MODULE, *map(str, handles)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sys.stderr.fileno() if _has_handle(sys.stderr) else asyncio.subprocess.DEVNULL,
                env=environment(self._begin.settings.workers),
                pass_fds=handles,
                process_group=0,  # Ctrl-C in a terminal is for the supervisor, who says when to stop
            )
        except OSError:
            self._channel.close()
            raise
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: Message) -> None:
        self._channel.send(message)

    async def prepare(self, number: int, model: Located, *, at_once: bool = False) -> str | None:
        """Let it load a version: None when it has, else why it has not."""
        refused = await self._ask(number, Prepare(number, model, at_once))
        if refused is None:
            self._prepared.add(number)
        return refused

    async def arm(self, key: int, number: int, model: Located) -> str | None:
        """Let it switch to the version that it prepared under `key` when the epoch is `number`. One that came later
        prepares it first."""
        if key not in self._prepared and (refused := await self.prepare(key, model)):
            return refused
        return await self._ask(number, Arm(key, number))

    async def drop(self, number: int, name: str) -> str | None:
        """Let the model go when the epoch is `number`, at once where that was reached."""
        return await self._ask(number, Drop(number, name))

    async def _ask(self, number: int, message: Message) -> str | None:
        if self.gone.is_set():
            return DIED
        future: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        self.send(message)
        return await future

    async def open(self) -> bool:
        """Let it take requests: whether it does."""
        self.send(Open())
        return await self.opened

    def retire(self) -> None:
        """Let it finish what it began, and end; what takes forever is not waited for."""
        self.is_open = False
        self.send(Retire())
        asyncio.get_running_loop().call_later(LONGEST, self.kill)

    def stop_now(self) -> None:
        """Let it end without finishing; what it computes does not hear of that, and is killed."""
        self.send(Stop(now=True))
        asyncio.get_running_loop().call_later(NOW, self.kill)

    def kill(self) -> None:
        if not self.gone.is_set():
            self._process.kill()

    @property
    def still(self) -> float:
        """Seconds in which it did not move, where it takes requests."""
        return self._board.still(self.slot) if self.is_open and not self.gone.is_set() else 0.0

    @property
    def ending(self) -> str:
        """What the process ended with, in words."""
        status = self._process.returncode
        if status is None:
            return "is at work"
        return f"ended with {self.how}" if status >= 0 else f"was ended by {self.how}"

    @property
    def how(self) -> str:
        """The status or the signal that the process ended with."""
        status = self._process.returncode or 0
        if status >= 0:
            return f"status {status}"
        known = -status in set(signal.Signals)  # those of real time have no names
        return signal.Signals(-status).name if known else f"signal {-status}"

    @property
    def crashed(self) -> bool:
        return bool(self._process.returncode)

    def _heard(self, message: Message | None) -> None:
        match message:
            case Loaded() if not self.loaded.done():
                self.loaded.set_result(message)
            case Failed():
                self.failed = message
            case Opened() if not self.opened.done():
                self.is_open = True
                self.opened.set_result(True)
            case Prepared():
                if future := self._asked.pop(message.number, None):
                    future.set_result(message.refused)
            case Counted():
                self.counted = dict(message.versions)
            case Wanted():
                self._wanted(self, message)
            case Leaving():
                self.over.set()

    async def _end(self) -> None:
        await self._process.wait()
        self._heard_rest()
        self._channel.close()
        self.is_open = False
        forget_worker(self._begin.places, self.slot)
        self._board.set_state(self.slot, EMPTY)
        for future in self._asked.values():
            future.set_result(DIED)
        self._asked.clear()
        if not self.loaded.done():
            self.loaded.set_result(None)
        if not self.opened.done():
            self.opened.set_result(False)
        self.gone.set()
        self.over.set()

    def _heard_rest(self) -> None:
        """What it said before it ended, and nobody listened to yet."""
        asyncio.get_running_loop().remove_reader(self._channel.fileno())
        while (message := self._channel.receive()) is not None:
            self._heard(message)


def environment(workers: int) -> dict[str, str]:
    """That of a worker: the cores are shared out, unless whoever started the service says how many threads there be."""
    threads = str(max(1, cores() // workers))
    return {**dict.fromkeys(_THREADS, threads), **os.environ}


def _has_handle(stream: object) -> bool:
    try:
        return isinstance(stream.fileno(), int)  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return False
