"""How a supervisor and a worker talk: messages as JSON, both ways, until one of them is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe

from aiaas.serve.fleet.messages import ADAPTER, Message


class Channel:
    """One end. That the other is gone is heard, not found out by speaking."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    def pair(cls) -> tuple[Channel, Channel]:
        ours, theirs = Pipe()
        return cls(ours), cls(theirs)

    @classmethod
    def of(cls, handle: int) -> Channel:
        """The end that was inherited under this number."""
        return cls(Connection(handle))

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, message: Message) -> None:
        with suppress(OSError):
            self._connection.send_bytes(ADAPTER.dump_json(message))

    def receive(self) -> Message | None:
        """The next message, waited for; None when the other end is gone."""
        try:
            return ADAPTER.validate_json(self._connection.recv_bytes())
        except (EOFError, OSError):
            return None

    def listen(self, heard: Callable[[Message | None], None]) -> None:
        """Let `heard` be called with each message from now on, and with None at the end."""
        loop = asyncio.get_running_loop()

        def come() -> None:
            message = self.receive()
            if message is None:
                loop.remove_reader(self._connection.fileno())
            heard(message)

        loop.add_reader(self._connection.fileno(), come)

    def close(self) -> None:
        """Close this end; whoever listened must have heard the end, or listens no more."""
        with suppress(OSError):
            self._connection.close()
