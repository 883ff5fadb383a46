"""Server-sent events of a service that writes: pieces of text, then the whole, or an error."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aiaas.errors import AiaasError, DataError, OptionError, RemoteError, UsageError

if TYPE_CHECKING:
    import httpx


def pieces(http: httpx.Client, url: str, body: Mapping[str, Any]) -> Iterator[str]:
    """The pieces of text that a service answers to `body`, as they come. Raises what the service says is wrong, and
    RemoteError when the stream ends before the text does. To close it ends the request."""
    import httpx

    try:
        with http.stream("POST", url, json=body) as response:
            if response.is_error:
                raise _failed(response)
            for name, data in _events(response.iter_lines()):
                if name == "token":
                    yield str(data["text"])
                elif name == "error":
                    error = data["error"]
                    raise RemoteError(f"the service failed: {error['message']}", where=url, hint=error.get("hint"))
                elif name == "answer":
                    return
    except httpx.TransportError as error:
        hint = "is `aiaas serve` running there?"
        raise RemoteError(f"the service does not answer: {error}", where=url, hint=hint) from error
    except (ValueError, KeyError, TypeError) as error:
        raise RemoteError("the service does not answer as aiaas does", where=url) from error
    raise RemoteError("the service ended before the text did", where=url, hint="ask again")


def _events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    """Name and data of each event; an event ends with an empty line."""
    name = ""
    data: list[str] = []
    for line in lines:
        key, _, value = line.partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            data.append(value)
        elif not line and data:
            yield name, json.loads("\n".join(data))
            name, data = "", []


def _failed(response: httpx.Response) -> AiaasError:
    """The error that a service answers before it streams anything."""
    response.read()
    error = response.json()["error"]
    kind = {"option": OptionError, "not-found": UsageError, "data": DataError}.get(error.get("code"), RemoteError)
    return kind(str(error["message"]), where=error.get("where"), hint=error.get("hint"))
