"""What is written of a request: one form for the access log and the audit. There is nothing in it that a caller sent
but an id of letters, digits, dots and dashes."""

from __future__ import annotations

import json
import re
import time
from functools import lru_cache

from aiaas.serve.calls import Call
from aiaas.serve.errors import DeadlineError
from aiaas.serve.watching import GONE, Ended

_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_DECISIONS = {GONE: "left", 503: "refused", 504: "late"}
_MIDWAY = {DeadlineError.code: "late"}


class Recorder:
    """Writes requests as members of a JSON object. It remembers the last, which two watchers ask for in turn."""

    def __init__(self) -> None:
        self._last: Ended | None = None
        self._text = ""
        self._clock = Clock()

    def members(self, request: Ended) -> str:
        """`"time":"…","id":"…",…`, in UTF-8 without white space."""
        if request is not self._last:
            self._text = f'"time":"{self._clock()}",{_members(request)}'
            self._last = request
        return self._text


class Clock:
    """The time of day in UTC as ISO 8601 has it, to the millisecond."""

    def __init__(self) -> None:
        self._second = 0
        self._text = ""

    def __call__(self) -> str:
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second, self._text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._text}.{int((now - second) * 1000):03d}Z"


def trace_id(traceparent: str | None) -> str | None:
    """The id of the trace that a request belongs to, where its header is as W3C Trace Context has it."""
    found = _TRACE.fullmatch(traceparent) if traceparent else None
    return found[1] if found else None


def decision(request: Ended) -> str:
    """What became of a request: `answered`; `refused`, by the caller's fault or since there was too much to do; `late`,
    `left` by the client, `failed` by a fault of ours."""
    if request.status in _DECISIONS:
        return _DECISIONS[request.status]
    if request.code and request.status < 400:  # it had begun to stream
        return _MIDWAY.get(request.code, "failed")
    if request.status >= 500:
        return "failed"
    return "refused" if request.status >= 400 else "answered"


def _members(request: Ended) -> str:
    parts = [
        f'"id":"{request.id}",{_asked(request.method, request.route)},"status":{request.status},'
        f'"decision":"{decision(request)}","seconds":{request.seconds:.6f}'
    ]
    if request.code:
        parts.append(f'"code":{_quoted(request.code)}')
    if trace := trace_id(request.traceparent):
        parts.append(f'"trace":"{trace}"')
    if request.call:
        parts.append(_call(request.call))
    return ",".join(parts)


def _call(call: Call) -> str:
    caller, about, spent = call.caller, call.about, call.spent
    who = _who(caller.key, caller.tenant, call.protocol)
    if not about:
        return who
    return (
        f"{who},{_model(about['model'], about['version'], about['digest'])},"
        f'"rows":{call.rows},"tokens":{call.used},"waited":{spent.waited:.6f},"computed":{spent.computed:.6f}'
    )


@lru_cache(1024)
def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@lru_cache(1024)
def _asked(method: str, route: str | None) -> str:
    return f'"method":"{method}","route":{json.dumps(route)}'


@lru_cache(4096)
def _who(key: str, tenant: str, protocol: str) -> str:
    return f'"key":{_quoted(key)},"tenant":{_quoted(tenant)},"protocol":{json.dumps(protocol or None)}'


@lru_cache(1024)
def _model(name: str, version: str | None, digest: str) -> str:
    return f'"model":{_quoted(name)},"version":{json.dumps(version)},"digest":"{digest}"'
