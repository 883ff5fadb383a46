"""What every request passes through: its id and caller, the boundary for errors, and the count of those under way."""

from __future__ import annotations

import asyncio
import math
import re
import secrets
import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aiaas.serve.access import OPEN, Access, check_scope
from aiaas.serve.admission import Admission
from aiaas.serve.calls import Call
from aiaas.serve.errors import NoKeyError, RequestError, Wording, answer_error, logger
from aiaas.serve.life import Life
from aiaas.serve.refusals import Refusals
from aiaas.serve.watching import GONE, Ended, Watcher

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CLOSE = (b"connection", b"close")


class Boundary:
    """Outermost of the app. Without a caller nothing behind it is reached but what is open to all; each request has
    `seconds` at most, or as many as X-Request-Timeout says, if that is less. `refusals` says when somebody without a
    key is answered; `wording` gives the form of errors under a path."""

    def __init__(
        self,
        app: ASGIApp,
        life: Life,
        access: Access,
        admission: Admission,
        seconds: float,
        refusals: Refusals,
        watcher: Watcher,
        wording: Callable[[str], Wording],
    ) -> None:
        self.app = app
        self.life = life
        self.access = access
        self.admission = admission
        self.seconds = seconds
        self.refusals = refusals
        self.watcher = watcher
        self.wording = wording

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        passing = _Passing(_request_id(headers), send, self.life)
        state = scope.setdefault("state", {})
        state["request_id"] = passing.id
        began = time.monotonic()  # the clock of the event loop
        self.life.active += 1
        self.watcher.began()
        try:
            if scope["path"] not in OPEN:
                call = state["call"] = self._call(passing.id, headers)
                check_scope(call.caller, scope["path"])
                self.admission.enter(call)
            await self.app(scope, receive, passing)
        except ClientDisconnect:  # nobody is there to read an answer
            if not passing.status:
                await Response(status_code=GONE)(scope, receive, passing)
        except Exception as error:
            if passing.status:
                logger.error("request %s failed while it was answered", passing.id, exc_info=error)
                raise
            if isinstance(error, NoKeyError) and not self.life.stopping:
                await self.refusals.turn()
            response = answer_error(error, passing.id, self.wording(scope["path"]))
            state["code"] = response.code
            await response(scope, receive, passing)
        finally:
            self.life.active -= 1
            self.watcher.ended(_ended(scope, headers, passing, began))

    def _call(self, request_id: str, headers: Headers) -> Call:
        caller = self.access.caller(headers)
        now = asyncio.get_running_loop().time()
        return Call(request_id, caller, now, now + min(self.seconds, _seconds(headers)))


class _Passing:
    """What is sent, with the id of the request; `status` is that of the answer, once it was begun."""

    def __init__(self, request_id: str, send: Send, life: Life) -> None:
        self.id = request_id
        self.status = 0
        self._send = send
        self._life = life

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message["headers"], (b"x-request-id", self.id.encode())]
            message["headers"] = [*headers, _CLOSE] if self._life.sends_away() else headers
        await self._send(message)


def _ended(scope: Scope, headers: Headers, passing: _Passing, began: float) -> Ended:
    over = time.monotonic()
    state = scope["state"]
    method = scope["method"] if scope["method"] in METHODS else "OTHER"
    # What a caller put into a path is not told: only which of the known paths it was.
    route = getattr(scope.get("route"), "path", None)
    call = state.get("call")
    code = state.get("code") or (call.code if call else None)
    status = GONE if call and call.left else passing.status or GONE
    told = (passing.id, method, route, status, over - began)
    return Ended(*told, call, code, headers.get("traceparent"), over)


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
