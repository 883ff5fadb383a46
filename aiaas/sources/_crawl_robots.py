"""What a site's robots.txt allows, as RFC 9309 reads it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiaas.sources import _body, _exchange
from aiaas.sources._crawl_store import Store
from aiaas.sources._exchange import Request

if TYPE_CHECKING:
    import httpx

LIMIT = 500 * 1024
"""Bytes of a robots.txt that are read: as many as the standard asks for."""
_FRESH = 24 * 3600
"""Seconds that one may be gone by: no more than the standard allows."""
_ALL = ""


class Robots:
    """The rules of one host, for one crawler."""

    def __init__(self, text: str, user_agent: str) -> None:
        from protego import Protego

        self.name = re.match(r"[A-Za-z_-]+", user_agent)[0]  # type: ignore[index]
        self._rules: Any = Protego.parse(text)

    def allow(self, url: str) -> bool:
        return bool(self._rules.can_fetch(url, self.name))

    @property
    def delay(self) -> float:
        """Seconds that it wants between two requests; 0 where it says nothing."""
        rate = self._rules.request_rate(self.name)
        return max(self._rules.crawl_delay(self.name) or 0.0, rate.seconds / rate.requests if rate else 0.0)


def of(
    host: str, client: httpx.Client, how: Request, store: Store, user_agent: str, polite: Callable[[], None]
) -> Robots:
    """The rules of a host, asked for where they are not known or older than a day; `polite` waits before a request.
    Raises RemoteError where the server fails to say: then nothing may be fetched."""
    known = store.robots(host)
    if known is not None and time.time() - known[1] < _FRESH:
        return Robots(known[0], user_agent)
    text = _fetch(client, replace(how, url=f"{host}/robots.txt", what="robots.txt"), polite)
    store.keep_robots(host, text, time.time())
    return Robots(text, user_agent)


def _fetch(client: httpx.Client, request: Request, polite: Callable[[], None]) -> str:
    """What it says. Where the server says that it has none, all is allowed."""

    def attempt() -> str:
        polite()
        with closing(_exchange.send(client, request, {})) as response:
            return _beginning(response, request.timeout)

    try:
        return _exchange.with_retries(request, attempt)
    except (_exchange.Refused, _body.Unreadable):
        return _ALL


def _beginning(response: httpx.Response, timeout: float) -> str:
    """As much as is to be read of it, up to the end of a line: half a rule would be another rule."""
    body = bytearray()
    for block in _body.blocks(response, LIMIT, timeout):
        body += block
        if len(body) > LIMIT:
            del body[body.rfind(b"\n", 0, LIMIT) + 1 :]
            break
    return body.decode("utf-8-sig", "replace")
