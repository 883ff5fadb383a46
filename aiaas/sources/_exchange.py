"""Asks a web server for one file: redirects, refusals, and another try where that may help."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit, urlunsplit

from aiaas.errors import RemoteError

if TYPE_CHECKING:
    import httpx

RETRIES = 3
REDIRECTS = 5
BACK_OFF = 0.5  # seconds before the first retry, doubled for each further one
LONGEST_WAIT = 120.0  # seconds a server may ask us to wait before we give up instead
_ELSEWHERE = "fetch it elsewhere and name the file: --set 'collect[0].source=FILE'"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """What to fetch, and what of it is acceptable. `name` is the file's name in the cache."""

    url: str
    name: str
    limit: int
    timeout: float
    sha256: str | None


class Again(Exception):
    """Worth another try, after `wait` seconds where the server said how many."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


def shown(url: str) -> str:
    """The address without user, password and query, any of which may be secret."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def with_retries(request: Request, attempt: Callable[[], T]) -> T:
    """What `attempt` returns, after up to three more tries with growing pauses; RemoteError when none succeeds."""
    import httpx

    for tried in range(RETRIES + 1):
        try:
            return attempt()
        except (Again, httpx.TransportError) as error:
            wait = error.wait if isinstance(error, Again) and error.wait is not None else BACK_OFF * 2.0**tried
            if tried == RETRIES or wait > LONGEST_WAIT:
                told = f" (it asks to wait {wait:.0f} s)" if wait > LONGEST_WAIT else f", tried {tried + 1} times"
                raise RemoteError(
                    f"the server did not give the file: {error or type(error).__name__}{told}",
                    where=shown(request.url),
                    hint=f"run the same command again, it goes on where it stopped; or {_ELSEWHERE}",
                ) from error
            time.sleep(wait)
    raise AssertionError("unreachable")


def connect(request: Request) -> httpx.Client:
    import httpx

    # Bytes are kept as the server has them: a length and a range mean nothing once a body is recoded on the way.
    return httpx.Client(timeout=request.timeout, headers={"Accept-Encoding": "identity", "User-Agent": "aiaas"})


def send(client: httpx.Client, request: Request, headers: dict[str, str]) -> httpx.Response:
    """An answer with status 200, 206 or 304, its body unread. Redirects are followed, never from https to http."""
    import httpx

    try:
        call = client.build_request("GET", request.url, headers=headers)
        for _ in range(REDIRECTS + 1):
            response = client.send(call, stream=True)
            if response.next_request is None:
                return _checked(response, request)
            response.close()
            if call.url.scheme == "https" and response.next_request.url.scheme != "https":
                raise RemoteError("it redirects from https to an address without", where=shown(request.url))
            call = response.next_request
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise RemoteError(f"the address cannot be used: {error}", where=shown(request.url)) from error
    raise RemoteError(f"it redirects more than {REDIRECTS} times", where=shown(request.url))


def _checked(response: httpx.Response, request: Request) -> httpx.Response:
    status = response.status_code
    if status in (200, 206, 304, 416):
        return response
    response.close()
    if status == 429 or status >= 500:
        raise Again(f"it answered {status}", _retry_after(response.headers.get("retry-after")))
    reason = {404: "there is no such file", 410: "the file is gone", 401: "it wants a login", 403: "it refuses access"}
    raise RemoteError(
        f"{reason.get(status, 'the server refuses')} (status {status})", where=shown(request.url), hint=_ELSEWHERE
    )


def _retry_after(value: str | None) -> float | None:
    """Seconds, from a number or a date."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
