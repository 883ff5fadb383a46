"""Server-sent events: name and data of each, from the lines as they come."""

from __future__ import annotations

import json
from typing import Any

from aiaas.errors import RemoteError


class Reader:
    """Takes lines; `take` gives what a whole event says: a piece of text, or None; `ended` once the answer is whole."""

    def __init__(self, url: str) -> None:
        self.ended = False
        self._url = url
        self._name = ""
        self._data: list[str] = []

    def take(self, line: str) -> str | None:
        key, _, value = line.partition(": ")
        if key == "event":
            self._name = value
        elif key == "data":
            self._data.append(value)
        elif not line and self._data:
            name, data = self._name, "\n".join(self._data)
            self._name, self._data = "", []
            return self._event(name, data)
        return None

    def _event(self, name: str, data: str) -> str | None:
        try:
            said: Any = json.loads(data)
            if name == "token":
                return str(said["text"])
            if name == "error":
                error = said["error"]
                raise RemoteError(f"the service failed: {error['message']}", where=self._url, hint=error.get("hint"))
        except (ValueError, KeyError, TypeError) as error:
            raise RemoteError("the service does not answer as aiaas does", where=self._url) from error
        self.ended = name == "answer"
        return None

    def check(self) -> None:
        """Raise RemoteError when the stream ended before the text did."""
        if not self.ended:
            raise RemoteError("the service ended before the text did", where=self._url, hint="ask again")
