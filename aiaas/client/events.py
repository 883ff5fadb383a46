"""Server-sent events: name and data of each, from the lines as they come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from aiaas.errors import RemoteError


class Reader:
    """Takes bytes as they come; `take` gives the pieces of text that the events among them say; `ended` once the answer
    is whole.

    A line ends with LF, and with nothing else: what Python also calls the end of one (U+2028, U+0085) may stand in a
    text.
    """

    def __init__(self, url: str) -> None:
        self.ended = False
        self._url = url
        self._held = b""
        self._name = b""
        self._data: list[bytes] = []

    def take(self, data: bytes) -> Iterator[str]:
        *lines, self._held = (self._held + data).split(b"\n")
        for line in lines:
            if piece := self._line(line.removesuffix(b"\r")):
                yield piece

    def _line(self, line: bytes) -> str | None:
        key, _, value = line.partition(b": ")
        if key == b"event":
            self._name = value
        elif key == b"data":
            self._data.append(value)
        elif not line and self._data:
            name, data = self._name, b"\n".join(self._data)
            self._name, self._data = b"", []
            return self._event(name, data)
        return None

    def _event(self, name: bytes, data: bytes) -> str | None:
        try:
            said: Any = json.loads(data)
            if name == b"token":
                return str(said["text"])
            if name == b"error":
                error = said["error"]
                raise RemoteError(f"the service failed: {error['message']}", where=self._url, hint=error.get("hint"))
        except (ValueError, KeyError, TypeError) as error:
            raise RemoteError("the service does not answer as aiaas does", where=self._url) from error
        self.ended = name == b"answer"
        return None

    def check(self) -> None:
        """Raise RemoteError when the stream ended before the text did."""
        if not self.ended:
            raise RemoteError("the service ended before the text did", where=self._url, hint="ask again")
