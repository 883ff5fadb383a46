"""What every request passes through: its id, the boundary for errors, and the count that a graceful stop waits for."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aiaas.serve.errors import answer_error, logger

_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_CLOSE = (b"connection", b"close")


@dataclass(slots=True)
class Life:
    """The state of the service: whether it is on its way out, and how many requests are being answered."""

    stopping: bool = False
    active: int = 0


class Boundary:
    """Outermost of the app: gives each request an id, turns what is raised into an answer, counts what is under way."""

    def __init__(self, app: ASGIApp, life: Life) -> None:
        self.app = app
        self.life = life

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        begun = False

        async def tagged(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = [*message["headers"], (b"x-request-id", request_id.encode())]
                # On the way out every answer also asks the client to come again elsewhere.
                message["headers"] = [*headers, _CLOSE] if self.life.stopping else headers
            await send(message)

        self.life.active += 1
        try:
            await self.app(scope, receive, tagged)
        except Exception as error:
            if begun:
                logger.error("request %s failed while it was answered", request_id, exc_info=error)
                raise
            await answer_error(error, request_id)(scope, receive, tagged)
        finally:
            self.life.active -= 1


def _request_id(scope: Scope) -> str:
    """The id that the caller gave, where it is a plain one, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _ID.fullmatch(value):
            return bytes(value).decode()
    return secrets.token_hex(8)
