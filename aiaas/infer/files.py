"""Inputs that are files: by their paths in a list of them, or one alone as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aiaas.infer.formats import Records
from aiaas.infer.text import Stream, Unreadable

FILE_LIMIT = 64 << 20
BATCH_BYTES = 8 << 20
"""Bytes of files that are answered at once: as base64 they stay below what a service takes."""


class Begun:
    """A stream of which some was read to see what it is."""

    def __init__(self, stream: Stream) -> None:
        self.head = stream.read1(1 << 16)
        self._left = self.head
        self._stream = stream

    def read1(self, size: int, /) -> bytes:
        if self._left:
            given, self._left = self._left[:size], self._left[size:]
            return given
        return self._stream.read1(size)

    @property
    def is_file(self) -> bool:
        """Whether it holds something else than text: no text has a NUL, and no picture is without one."""
        return b"\0" in self.head


def alone(stream: Stream) -> Records:
    """All of the stream as one input."""
    held = bytearray()
    while len(held) <= FILE_LIMIT and (chunk := stream.read1(1 << 20)):
        held += chunk
    return Records([_capped(bytes(held))], [1])


def batches(part: Records, feature: str, form: str, most: int) -> Iterator[Records]:
    """The inputs with their paths replaced by the bytes that lie there, as many at once as memory should hold.

    A path is relative to the working directory. A line of `lines` is always one; elsewhere a text may also be base64,
    which the task reads.
    """
    held: list[Any] = []
    start = size = 0
    for place, value in enumerate(part.inputs):
        held.append(given := _read(value, feature, form))
        size += len(given) if isinstance(given, bytes) else 0
        if place + 1 == len(part.inputs) or len(held) == most or size >= BATCH_BYTES:
            yield Records(held, part.lines[start : place + 1], part.unused)
            held, start, size = [], place + 1, 0


def _read(value: Any, feature: str, form: str) -> Any:
    if isinstance(value, Mapping) and list(value) == [feature]:
        return _read(value[feature], feature, form)
    if not isinstance(value, str) or value.startswith("data:"):
        return value
    try:
        path = Path(value)
        if path.is_file():
            with path.open("rb") as stream:
                return _capped(stream.read(FILE_LIMIT + 1))
    except (OSError, ValueError) as error:  # base64 is no path: too long, or a NUL
        if form == "lines":
            return Unreadable(f"the file cannot be read: {getattr(error, 'strerror', None) or error}")
        return value
    # No base64 holds a dot, and hardly a path of a file is without one.
    return Unreadable("there is no such file") if form == "lines" or "." in value else value


def _capped(data: bytes) -> bytes | Unreadable:
    return data if len(data) <= FILE_LIMIT else Unreadable(f"the file is larger than {FILE_LIMIT >> 20} MiB")
