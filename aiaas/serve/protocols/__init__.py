"""How callers ask: one file a protocol, all of them over `Service.answer` and `Service.write`.

A protocol is a module with `NAME`, as it stands in logs and metrics, and `routes(service)`: what it takes under which
paths. A handler reads the request, asks the service, and writes the answer as its protocol has it; errors it leaves to
the boundary. A protocol that prescribes their form has `PATHS` and `wording` as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

from starlette.requests import Request

from aiaas.serve.calls import Call
from aiaas.serve.errors import Wording, our_wording


@runtime_checkable
class Words(Protocol):
    """A protocol that prescribes how an error reads under its paths, whoever raised it."""

    PATHS: re.Pattern[str]

    def wording(self, error: Mapping[str, Any], request_id: str) -> Mapping[str, Any]: ...


def wordings(protocols: Iterable[Any]) -> Callable[[str], Wording]:
    """The form of errors under a path, as these protocols have it."""
    prescribing = [protocol for protocol in protocols if isinstance(protocol, Words)]  # slow: once, not at each refusal

    def wording(path: str) -> Wording:
        return next((each.wording for each in prescribing if each.PATHS.fullmatch(path)), our_wording)

    return wording


def sentence(error: Mapping[str, Any]) -> str:
    """An error in one line, where a protocol has room for no more: where, what, and what to do."""
    where = f"{error['where']}: " if error.get("where") else ""
    hint = f"; {error['hint']}" if error.get("hint") else ""
    return f"{where}{error['message']}{hint}"


def call_of(request: Request, protocol: str) -> Call:
    """The call that a request is, marked with the protocol it came by."""
    call: Call = request.state.call
    call.protocol = protocol
    return call


def in_a_sentence(error: Mapping[str, Any], request_id: str) -> Mapping[str, Any]:
    """An error in the form of protocols whose `error` is a text."""
    return {"error": sentence(error), "code": error["code"], "request_id": request_id}
