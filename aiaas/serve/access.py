"""Who a request is from. Whatever has no caller is refused, on every path that is not open to all."""

from __future__ import annotations

from typing import Protocol

from starlette.datastructures import Headers

from aiaas.serve.calls import LOCAL, Caller, Scope
from aiaas.serve.errors import ForbiddenError

OPEN = frozenset({"/health/live", "/health/ready"})
"""Paths that answer without a key: what a balancer asks."""


class Access(Protocol):
    """Finds the caller by what a request carries. Raises NoKeyError where there is no valid key."""

    def caller(self, headers: Headers) -> Caller: ...


class Everyone:
    """Whoever reaches the port may ask: for one machine's own, and for tests."""

    def caller(self, headers: Headers) -> Caller:
        return LOCAL


def require(caller: Caller, scope: Scope) -> None:
    """Raise ForbiddenError where the caller's key is not for `scope`."""
    if scope not in caller.scopes:
        raise ForbiddenError(
            f"the key has no scope {scope!r}", hint="whoever runs the service can make one that has it"
        )
