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
_END = b"\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


def guarded(kind: type[Any]) -> type[asyncio.Protocol]:
    """The class of uvicorn's connections, with four things mended.

    It waits for the head of a request as long as that takes, and takes one of any size, so that whoever sends a byte
    now and then holds as many connections as they like; and as long for a client to take an answer, which is in memory.
    And where a body turns out to be no HTTP it answers itself while the application still does: whoever of both comes
    second fails.
    """

    class Connection(kind):  # type: ignore[misc]
        _size = 0
        _last = b""
        _timer: asyncio.TimerHandle | None = None
        _reading: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            if len(data) > SIZE and not self._answering() and _END not in self._last + data[:SIZE]:
                self._refuse()
                return
            super().data_received(data)
            if self._answering():
                self._size, self._last = 0, b""
                self._wait_no_more()
                return
            self._size += len(data)
            self._last = data[1 - len(_END) :]  # the end of a head may come in two parts
            if self._size > SIZE:
                self._refuse()
            elif self._timer is None:
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._wait_no_more()
            self._read_on()
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._look_again(self.transport.get_write_buffer_size())

        def resume_writing(self) -> None:
            self._read_on()
            super().resume_writing()

        def send_400_response(self, msg: str) -> None:
            if not self._answering():
                super().send_400_response(msg)
                return
            cycle = self.cycle
            cycle.disconnected = True  # the application learns that nobody is there
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.close()
            else:
                super().send_400_response(msg)

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

    return Connection
