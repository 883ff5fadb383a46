"""The body of an answer in memory: never more than allowed, however small it was made to travel, and in time."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aiaas.sources._exchange import Again

if TYPE_CHECKING:
    import httpx

ENCODINGS = "gzip"
"""What may be asked for as Accept-Encoding."""
_PLAIN = ("", "identity")
_GZIP = ("gzip", "x-gzip", "deflate")


class TooLarge(Exception):
    """The body is larger than allowed."""


class Unreadable(Exception):
    """The body is packed in a way that was not asked for, or is no such thing."""


def read(response: httpx.Response, limit: int, seconds: float) -> bytes:
    """The body, unpacked where it travels as gzip. Raises TooLarge beyond `limit` bytes, Unreadable, Again where it is
    not there after `seconds`, and httpx.TransportError."""
    length = response.headers.get("content-length", "")
    if _encoding(response) in _PLAIN and length.isdecimal() and int(length) > limit:
        raise TooLarge
    body = bytearray()
    for block in blocks(response, limit, seconds):
        body += block
        if len(body) > limit:
            raise TooLarge
    return bytes(body)


def blocks(response: httpx.Response, limit: int, seconds: float) -> Iterator[bytes]:
    """The body piece by piece, none larger than what came at once or, unpacked, than `limit` and one. Raises as `read`
    does, but TooLarge."""
    encoding = _encoding(response)
    if encoding not in _PLAIN and encoding not in _GZIP:
        raise Unreadable(f"it is packed as {encoding}, which was not asked for")
    unpack = _Unpacker(limit) if encoding in _GZIP else None
    until = time.monotonic() + seconds
    for block in response.iter_raw():
        yield unpack(block) if unpack else block
        if time.monotonic() > until:
            raise Again(f"it was not there after {seconds:.0f} s")
    if unpack and not unpack.whole:
        raise Unreadable("its gzip ends too early")


def _encoding(response: httpx.Response) -> str:
    return str(response.headers.get("content-encoding", "")).strip().lower()


class _Unpacker:
    """Unpacks gzip block by block, each to little more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._stream = zlib.decompressobj(wbits=47)  # gzip, or what others call deflate

    def __call__(self, block: bytes) -> bytes:
        found = bytearray()
        try:
            while block and len(found) <= self.limit:
                if self._stream.eof:  # several in a row are one
                    self._stream = zlib.decompressobj(wbits=47)
                found += self._stream.decompress(block, self.limit + 1)
                block = self._stream.unconsumed_tail or self._stream.unused_data
        except zlib.error as error:
            raise Unreadable(f"it is no gzip: {error}") from error
        return bytes(found)

    @property
    def whole(self) -> bool:
        return self._stream.eof
