"""A client of HTTP/1.1 that costs next to nothing and sends whatever it is told to: for soaks, and for what no library
would send."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_ID = re.compile(rb"\r\nx-request-id: *([^\r]*)", re.IGNORECASE)


class Reply(NamedTuple):
    """`head` is the status line and the headers as they came; the body of a chunked answer is put together."""

    status: int
    head: bytes
    body: bytes

    @property
    def id(self) -> str:
        """The request's id, as the service told it."""
        found = _ID.search(self.head)
        return found[1].decode("latin-1") if found else ""

    @property
    def closes(self) -> bool:
        return _CLOSE.search(self.head) is not None


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Address:
        parts = urlsplit(url)
        return cls(str(parts.hostname), int(parts.port or 80))


def request(path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, method: str = "POST") -> bytes:
    """A request as it goes over the wire. `content-length` among the headers takes the place of the true one."""
    given = {"host": "127.0.0.1", "content-length": str(len(body)), **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


class _Protocol(asyncio.Protocol):
    """Gathers one answer at a time."""

    def __init__(self) -> None:
        self.waiting: asyncio.Future[Reply] | None = None
        self.closed = False
        self._data = bytearray()
        self._end = -1
        """Where the headers end, once that is known."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self._end < 0:
            self._end = self._data.find(b"\r\n\r\n")
        if self._end >= 0 and self.waiting and not self.waiting.done() and (reply := self._reply()):
            self._data.clear()
            self._end = -1
            self.waiting.set_result(reply)

    def _reply(self) -> Reply | None:
        """The answer, once all of it is there."""
        if self._data.startswith(b"HTTP/1.1 100"):
            del self._data[: self._end + 4]
            self._end = self._data.find(b"\r\n\r\n")
            if self._end < 0:
                return None
        head, start = bytes(self._data[: self._end]), self._end + 4
        status = int(head[9:12])
        if _CHUNKED.search(head):
            if not self._data.endswith(b"0\r\n\r\n"):
                return None
            return Reply(status, head, joined(bytes(self._data[start:])))
        found = _LENGTH.search(head)
        size = int(found[1]) if found else 0
        if len(self._data) < start + size:
            return None
        return Reply(status, head, bytes(self._data[start:]))

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self.waiting and not self.waiting.done():
            self.waiting.set_exception(ConnectionError("closed before it answered"))


def joined(chunks: bytes) -> bytes:
    """The body that came in chunks."""
    parts, place = [], 0
    while place < len(chunks):
        end = chunks.index(b"\r\n", place)
        size = int(chunks[place:end], 16)
        parts.append(chunks[end + 2 : end + 2 + size])
        place = end + 4 + size
    return b"".join(parts)


async def shoot(address: Address, pieces: Sequence[bytes], pause: float, patience: float) -> bytes:
    """All that comes back on a connection of its own, until the service closes it or says nothing for `patience`
    seconds; `pause` seconds lie between the pieces."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    got = b""
    try:
        for place, piece in enumerate(pieces):
            if place:
                await asyncio.sleep(pause)
            writer.write(piece)
        while data := await asyncio.wait_for(reader.read(1 << 16), patience):
            got += data
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.transport.abort()
    return got


class Wire:
    """A connection that is kept, and made anew where the service closed it."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._protocol: _Protocol | None = None

    async def ask(self, data: bytes, seconds: float = 60.0) -> Reply:
        """The answer. Raises ConnectionError where there is none, and TimeoutError."""
        protocol = await self._open()
        protocol.waiting = asyncio.get_running_loop().create_future()
        protocol.transport.write(data)  # type: ignore[attr-defined]
        async with asyncio.timeout(seconds):
            reply = await protocol.waiting
        if reply.closes:
            self.close()
        return reply

    async def leave(self, data: bytes, seconds: float) -> None:
        """Send something and go away a little later, without waiting for an answer."""
        protocol = await self._open()
        protocol.transport.write(data)  # type: ignore[attr-defined]
        await asyncio.sleep(seconds)
        self.close()

    async def _open(self) -> _Protocol:
        if self._protocol is None or self._protocol.closed:
            loop = asyncio.get_running_loop()
            _, self._protocol = await loop.create_connection(_Protocol, self._address.host, self._address.port)
        return self._protocol

    def close(self) -> None:
        if self._protocol is not None:
            self._protocol.transport.abort()  # type: ignore[attr-defined]
            self._protocol = None
