"""What every request passes through: its id and caller, the boundary for errors, and the count of those under way."""

from __future__ import annotations

import asyncio
import math
import re
import secrets

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aiaas.serve.access import OPEN, Access
from aiaas.serve.calls import Call
from aiaas.serve.errors import RequestError, answer_error, logger
from aiaas.serve.life import Life

GONE = 499
"""The status of a request whose client left; nobody sees it but the log."""
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CLOSE = (b"connection", b"close")


class Boundary:
    """Outermost of the app. Without a caller nothing behind it is reached but what is open to all; each request has
    `seconds` at most, or as many as X-Request-Timeout says, if that is less."""

    def __init__(self, app: ASGIApp, life: Life, access: Access, seconds: float) -> None:
        self.app = app
        self.life = life
        self.access = access
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
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
            if scope["path"] not in OPEN:
                state["call"] = self._call(request_id, headers)
            await self.app(scope, receive, tagged)
        except ClientDisconnect:  # nobody is there to read an answer
            if not begun:
                await Response(status_code=GONE)(scope, receive, tagged)
        except Exception as error:
            if begun:
                logger.error("request %s failed while it was answered", request_id, exc_info=error)
                raise
            await answer_error(error, request_id)(scope, receive, tagged)
        finally:
            self.life.active -= 1

    def _call(self, request_id: str, headers: Headers) -> Call:
        caller = self.access.caller(headers)
        now = asyncio.get_running_loop().time()
        return Call(request_id, caller, now, now + min(self.seconds, _seconds(headers)))


def _request_id(headers: Headers) -> str:
    """The id that the caller gave, where it is a plain one, else a new one."""
    given = headers.get("x-request-id", "")
    return given if _ID.fullmatch(given) else secrets.token_hex(8)


def _seconds(headers: Headers) -> float:
    """What X-Request-Timeout says."""
    given = headers.get("x-request-timeout")
    if given is None:
        return math.inf
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not seconds > 0:
        raise RequestError(
            "X-Request-Timeout is no number of seconds above 0", where="X-Request-Timeout", hint="such as 2.5"
        )
    return seconds
