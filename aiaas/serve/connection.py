"""A connection as the server has it: nobody holds one who sends no request, or does not take the answer."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

HEAD = 10.0
"""Seconds in which the head of a request must be there: the first from when the connection was made, others from their
first byte. What has been answered before it was sent to its end has as long, and so has a TLS handshake."""
TAKEN = 30.0
"""Seconds in which a client must take what was written to it."""


class Impatient:
    """Over a protocol of uvicorn's, which waits for both without end; of idle connections between two requests it rids
    itself."""

    cycle: Any
    transport: asyncio.Transport

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._coming: asyncio.TimerHandle | None = None
        self._going: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)  # type: ignore[misc]
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)  # type: ignore[misc]
        if self.cycle is not None and not self.cycle.response_complete:
            self._came()
        elif self._coming is None:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._came()
        self._gone()
        super().connection_lost(exc)  # type: ignore[misc]

    def pause_writing(self) -> None:
        super().pause_writing()  # type: ignore[misc]
        self._going = asyncio.get_running_loop().call_later(TAKEN, self.transport.abort)

    def resume_writing(self) -> None:
        self._gone()
        super().resume_writing()  # type: ignore[misc]

    def _wait_for_head(self) -> None:
        self._coming = asyncio.get_running_loop().call_later(HEAD, self.transport.close)

    def _came(self) -> None:
        if self._coming is not None:
            self._coming.cancel()
            self._coming = None

    def _gone(self) -> None:
        if self._going is not None:
            self._going.cancel()
            self._going = None


@cache
def impatient(protocol: type[Any]) -> type[Any]:
    """The protocol that is so too."""
    return type(protocol.__name__, (Impatient, protocol), {})
