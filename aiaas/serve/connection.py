"""Connections as uvicorn has them, but such that no client keeps one for ever, and none fails where it is no HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

HEAD = 30.0
"""Seconds in which the head of a request must have come, from its first byte on; and from the start of a connection."""
SIZE = 65_536
"""Bytes that a head may have."""
READ = 60.0
"""Seconds in which a client must have taken something of an answer that waits for it."""
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Guarded:
    """Over a class of uvicorn's connections, with four things mended.

    That one waits for the head of a request as long as that takes, and takes one of any size, so that whoever sends a
    byte now and then holds as many connections as they like; and as long for a client to take an answer, which is in
    memory. And where a body turns out to be no HTTP it answers itself while the application still does: whoever of both
    comes second fails.
    """

    cycle: Any
    transport: asyncio.Transport
    url: bytes
    headers: list[tuple[bytes, bytes]]
    _in_head = False
    _size = 0
    _timer: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)  # type: ignore[misc]
        self._wait()

    def data_received(self, data: bytes) -> None:
        goes_on = self._in_head
        super().data_received(data)  # type: ignore[misc]
        if self._in_head and goes_on:  # of its beginning, what stood before it is not known
            self._size += len(data)
            if self._size > SIZE:
                self._refuse()
                return
        if self._answering():
            self._wait_no_more()
        elif self._timer is None:
            self._wait()

    def on_message_begin(self) -> None:
        self._in_head, self._size = True, 0
        super().on_message_begin()  # type: ignore[misc]

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if self._size > SIZE:
            raise ValueError  # the parser stops, and says so
        super().on_headers_complete()  # type: ignore[misc]

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        self._read_on()
        super().connection_lost(exc)  # type: ignore[misc]

    def pause_writing(self) -> None:
        super().pause_writing()  # type: ignore[misc]
        self._look_again(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        self._read_on()
        super().resume_writing()  # type: ignore[misc]

    def send_400_response(self, msg: str) -> None:
        if self._size > SIZE:
            self._refuse()
            return
        if not self._answering():
            super().send_400_response(msg)  # type: ignore[misc]
            return
        cycle = self.cycle
        cycle.disconnected = True  # the application learns that nobody is there
        cycle.message_event.set()
        if cycle.response_started:
            self.transport.close()
        else:
            super().send_400_response(msg)  # type: ignore[misc]

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self) -> None:
        self.transport.write(_TOO_LARGE)
        self.transport.close()

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(HEAD, self._give_up)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        self.transport.close()

    def _look_again(self, unsent: int) -> None:
        self._reading = asyncio.get_running_loop().call_later(READ, self._look, unsent)

    def _look(self, before: int) -> None:
        unsent = self.transport.get_write_buffer_size()
        if unsent < before:
            self._look_again(unsent)
        else:
            self.transport.abort()

    def _read_on(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None


def guarded(kind: type[Any]) -> type[Any]:
    """The class of uvicorn's connections that is so too."""
    return type(kind.__name__, (Guarded, kind), {})
