"""A server that ends without losing a request."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import uvicorn

from aiaas.serve.door import turn_newcomers_away
from aiaas.serve.guard import Tls
from aiaas.serve.life import Life

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
    just be on its way.
    """

    def __init__(self, app: Any, life: Life, on_ready: Callable[[], None], tls: Tls | None = None) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=PATIENCE,
            ssl_certfile=tls.certificate if tls else None,
            ssl_keyfile=tls.key if tls else None,
        )
        super().__init__(config)
        self.life = life
        self.on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.on_ready()

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
        self.life.stopping = True
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.life.stopping = True
        await self._while_connected(LINGER)
        for door in sockets or []:
            turn_newcomers_away(door)
        await asyncio.sleep(HANDSHAKE)
        await self._close_door(sockets or [])
        await self._while_connected(LINGER)
        await super().shutdown(sockets)

    async def _while_connected(self, seconds: float) -> None:
        """Wait until every client has left, `seconds` at most."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self.server_state.connections and loop.time() < end and not self.force_exit:
            await asyncio.sleep(0.02)

    async def _close_door(self, doors: list[socket.socket]) -> None:
        """Take in whoever stands before the door, then close it: a closed door would reset their connections."""
        waiting: list[socket.socket] = []
        for door in doors:
            with suppress(OSError):  # EAGAIN: nobody is left
                while True:
                    waiting.append(door.accept()[0])
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for connection in waiting:
            connection.setblocking(False)
            await loop.connect_accepted_socket(self._protocol, connection, ssl=self.config.ssl)

    def _protocol(self) -> asyncio.Protocol:
        config: Any = self.config
        protocol: asyncio.Protocol = config.http_protocol_class(
            config=config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol
