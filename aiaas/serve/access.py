"""Who a request is from. Whatever has no caller is refused, on every path that is not open to all."""

from __future__ import annotations

from typing import Protocol

from starlette.datastructures import Headers

from aiaas.serve.calls import LOCAL, Caller

OPEN = frozenset({"/health/live", "/health/ready", "/ping", "/v2/health/live", "/v2/health/ready"})
"""Paths that answer without a key: what a balancer asks, in each protocol's own way."""


class Access(Protocol):
    """Finds the caller by what a request carries. Raises NoKeyError where there is no valid key."""

    def caller(self, headers: Headers) -> Caller: ...


class Everyone:
    """Whoever reaches the port may ask: for one machine's own, and for tests."""

    def caller(self, headers: Headers) -> Caller:
        return LOCAL
