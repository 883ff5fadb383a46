"""Connections come in: at a door that several processes may share, each taking about as many as the others."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import suppress
from ssl import SSLContext
from typing import TYPE_CHECKING

from aiaas.serve.connection import HEAD

if TYPE_CHECKING:
    from aiaas.serve.fleet.board import Crowd

MANNERS = 0.002
"""Seconds that a process with more connections than another leaves it to that one to take the next."""
EXHAUSTED = 1.0
"""Seconds without newcomers where the process may open no further file."""
KEPT = 256
"""Of the files that the process may open, those that are no connections: models, databases and logs need some."""
MANY = 65_536
AT_ONCE = 64
"""Connections taken in one go where nobody else would take them."""


def most_files() -> int:
    """How many files the process may open, which is as many as whoever started it allows it."""
    import resource

    now, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless = resource.RLIM_INFINITY
    wanted = MANY if allowed == endless else min(allowed, MANY)
    if now != endless and now < wanted:
        with suppress(ValueError, OSError):  # a system may have a bound of its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, allowed))
            now = wanted
    return MANY if now == endless else now


class Entrance:
    """Takes in whoever comes to `door` once it is open. `count` tells how many connections there are already.

    asyncio's own servers take in all who wait as soon as they wake up: of 64 clients that come together, one process
    would have all.
    """

    def __init__(
        self,
        door: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        ssl: SSLContext | None,
        count: Callable[[], int],
        crowd: Crowd | None = None,
    ) -> None:
        self.door = door
        self._protocol = protocol
        self._ssl = ssl
        self._count = count
        self._crowd = crowd
        self._most = max(most_files() - KEPT, KEPT)
        self._coming: set[asyncio.Task[object]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._waited = False
        self._is_open = False

    @property
    def connections(self) -> int:
        return self._count() + len(self._coming)

    def open(self) -> None:
        self._is_open = True
        self.door.setblocking(False)
        asyncio.get_running_loop().add_reader(self.door, self._come)

    def close(self) -> None:
        """Take nobody in any more; who is in stays, and the door is left as it is."""
        self._is_open = False
        if self._pause:
            self._pause.cancel()
        asyncio.get_running_loop().remove_reader(self.door)

    def take_in_all(self) -> None:
        """Take in all who stand before the door."""
        with suppress(OSError):  # EAGAIN: nobody is left
            while True:
                self._take(self.door.accept()[0])

    def _come(self) -> None:
        if self._crowd is not None and not self._waited and self._crowd.is_ahead(self.connections):
            self._waited = True  # the next time it takes one whatever the others do: they may be busy
            self._stay_away(MANNERS)
            return
        self._waited = False
        if self.connections >= self._most:
            self._stay_away(EXHAUSTED)
            return
        try:
            for _ in range(1 if self._crowd else AT_ONCE):
                self._take(self.door.accept()[0])
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            if error.errno not in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
                raise
            self._stay_away(EXHAUSTED)

    def _stay_away(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self.door)
        self._pause = loop.call_later(seconds, self._come_again)

    def _come_again(self) -> None:
        if self._is_open:
            self.open()

    def _take(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        task: asyncio.Task[object] = loop.create_task(
            loop.connect_accepted_socket(
                self._protocol, connection, ssl=self._ssl, ssl_handshake_timeout=HEAD if self._ssl else None
            )
        )
        self._coming.add(task)
        task.add_done_callback(self._came)

    def _came(self, task: asyncio.Task[object]) -> None:
        self._coming.discard(task)
        if not task.cancelled():
            task.exception()  # whose TLS handshake failed is gone; that is all there is to say
