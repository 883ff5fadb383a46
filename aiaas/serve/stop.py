"""A server that ends without losing a request."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn

from aiaas.serve.connection import guarded
from aiaas.serve.door import turn_newcomers_away
from aiaas.serve.entrance import Entrance
from aiaas.serve.guard import Tls
from aiaas.serve.life import Life

if TYPE_CHECKING:
    from aiaas.serve.fleet.board import Crowd

LINGER = 0.5
"""Seconds in which clients that hold a connection may come once more, and are told to leave."""
HANDSHAKE = 0.1
"""Seconds for connections that are just being made."""
PATIENCE = 30
"""Seconds that a request under way may still take."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class GracefulServer(uvicorn.Server):
    """uvicorn, stopped in steps: not ready; still answering, but each answer closes its connection; door closed; gone.

    uvicorn alone closes the door with connections waiting before it, and kept-alive connections on which a request may
    just be on its way. `on_start` is called once the door could be opened, which `open` does; `crowd` are other
    processes at the same door; `on_signal`, where it is set, decides what a signal means.
    """

    def __init__(
        self, app: Any, life: Life, on_start: Callable[[], None], crowd: Crowd | None = None, tls: Tls | None = None
    ) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # nothing asks for the address of a client, which a header could claim
            server_header=False,
            timeout_graceful_shutdown=PATIENCE,
            ssl_certfile=tls.certificate if tls else None,
            ssl_keyfile=tls.key if tls else None,
        )
        super().__init__(config)
        self.life = life
        self.on_start = on_start
        self.on_signal: Callable[[int], None] | None = None
        self.closing = True
        self._crowd = crowd
        self._entrances: list[Entrance] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self.lifespan.startup()
        self.servers = []  # the doors are ours
        self._connection: Any = guarded(self.config.http_protocol_class)
        ssl = self.config.ssl
        self._entrances = [
            Entrance(door, self._protocol, ssl, lambda: len(self.server_state.connections), self._crowd)
            for door in sockets or []
        ]
        self.started = True
        self.on_start()

    def open(self) -> None:
        """Take connections in."""
        for entrance in self._entrances:
            entrance.open()

    def leave(self, *, closing: bool) -> None:
        """End. The door is closed for all who share it, or left to the others."""
        self.closing = closing
        self.life.stopping = self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        if self._crowd is not None:
            connections = sum(each.connections for each in self._entrances)
            self._crowd.publish(connections)
            self.life.shed = self._crowd.excess(connections)
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a signal that was obeyed is not raised again: the exit status is 0."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.on_signal is not None:
            self.on_signal(sig)
            return
        self.life.stopping = True
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.life.stopping = True
        if not self.closing:
            for entrance in self._entrances:
                entrance.close()
        await self._while_connected(LINGER)
        if self.closing:  # asked only now: whoever left alone may have been told meanwhile that all do
            await self._close_doors()
        await self._while_connected(LINGER)
        await super().shutdown(sockets)

    async def _while_connected(self, seconds: float) -> None:
        """Wait until every client has left, `seconds` at most."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while any(each.connections for each in self._entrances) and loop.time() < end and not self.force_exit:
            await asyncio.sleep(0.02)

    async def _close_doors(self) -> None:
        """Take in whoever stands before a door, then close it: a closed door would reset their connections."""
        for entrance in self._entrances:
            turn_newcomers_away(entrance.door)
        await asyncio.sleep(HANDSHAKE)
        for entrance in self._entrances:
            entrance.close()
            entrance.take_in_all()
            entrance.door.close()

    def _protocol(self) -> asyncio.Protocol:
        protocol: asyncio.Protocol = self._connection(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol
