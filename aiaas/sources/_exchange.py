"""Asks a web server for one file or page: redirects, refusals, and another try where that may help."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit, urlunsplit

from aiaas.errors import RemoteError
from aiaas.sources import _credentials
from aiaas.sources._credentials import Credentials
from aiaas.sources._guard import Forbidden, Guard, Private

if TYPE_CHECKING:
    import httpx

RETRIES = 3
REDIRECTS = 5
BACK_OFF = 0.5  # seconds before the first retry, doubled for each further one
LONGEST_WAIT = 120.0  # seconds a server may ask us to wait before we give up instead
ELSEWHERE = "fetch it elsewhere and name the file: --set 'collect[0].source=FILE'"
_REASONS = {404: "there is no such file", 410: "the file is gone", 401: "it wants a login", 403: "it refuses access"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """What to fetch, and what of it is acceptable. `name` is the file's name in the cache, `otherwise` what a person
    may do where the server refuses. `private` is what the recipe allows besides public addresses and its own host, or,
    where it is `strict`, besides public addresses alone."""

    url: str
    name: str
    limit: int
    timeout: float
    sha256: str | None
    private: Private = False
    strict: bool = False
    what: str = "file"
    otherwise: str = ELSEWHERE
    credentials: Credentials | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Again(Exception):
    """Worth another try, after `wait` seconds where the server said how many."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class Refused(RemoteError):
    """The server answered, and will not give what was asked for: `answered` is the status that it gave."""

    def __init__(self, answered: int, *, where: str, hint: str) -> None:
        reason = _REASONS.get(answered, "the server refuses")
        super().__init__(f"{reason} (status {answered})", where=where, hint=hint)
        self.answered = answered


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
            wait = pause(error, tried)
            if tried == RETRIES or wait > LONGEST_WAIT:
                told = f" (it asks to wait {wait:.0f} s)" if wait > LONGEST_WAIT else f", tried {tried + 1} times"
                raise RemoteError(
                    f"the server did not give the {request.what}: {error or type(error).__name__}{told}",
                    where=shown(request.url),
                    hint=f"run the same command again, it goes on where it stopped; or {request.otherwise}",
                ) from error
            time.sleep(wait)
    raise AssertionError("unreachable")


def pause(error: Exception, tried: int) -> float:
    """Seconds to wait after a failure: as many as the server asks for, or twice as many each time."""
    return error.wait if isinstance(error, Again) and error.wait is not None else BACK_OFF * 2.0**tried


def connect(request: Request) -> httpx.Client:
    """A client for the address: its secrets go to its origin alone, and no redirect to an address that is not public,
    unless it is the address itself or `private` allows it."""
    import httpx

    from aiaas.sources._wire import Wire

    credentials = request.credentials or _credentials.of(request.url)
    try:
        host = httpx.URL(_credentials.bare(request.url)).raw_host.decode("ascii")
    except httpx.InvalidURL as error:
        raise _unusable(request, error) from error
    # Bytes are kept as the server has them: a length and a range mean nothing once a body is recoded on the way.
    headers = {"Accept-Encoding": "identity", "User-Agent": "aiaas", **request.headers}
    wire = Wire(Guard(request.private, None if request.strict else host), credentials)
    return httpx.Client(transport=wire, timeout=request.timeout, headers=headers)


def send(client: httpx.Client, request: Request, headers: dict[str, str]) -> httpx.Response:
    """An answer with status 200, 206, 304 or 416, its body unread. Redirects are followed, never from https to http.
    Raises Again, Refused and other RemoteErrors, and httpx.TransportError."""
    import httpx

    try:
        call = client.build_request("GET", _credentials.bare(request.url), headers=headers)
        for _ in range(REDIRECTS + 1):
            response = client.send(call, stream=True)
            if response.next_request is None:
                return _checked(response, request)
            response.close()
            if call.url.scheme == "https" and response.next_request.url.scheme != "https":
                raise RemoteError("it redirects from https to an address without", where=shown(request.url))
            call = response.next_request
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise _unusable(request, error) from error
    except Forbidden as error:
        error.where = shown(request.url)
        raise
    raise RemoteError(f"it redirects more than {REDIRECTS} times", where=shown(request.url), hint=request.otherwise)


def _unusable(request: Request, error: Exception) -> RemoteError:
    return RemoteError(f"the address cannot be used: {error}", where=shown(request.url))


def _checked(response: httpx.Response, request: Request) -> httpx.Response:
    status = response.status_code
    if status in (200, 206, 304, 416):
        return response
    response.close()
    if status == 429 or status >= 500:
        raise Again(f"it answered {status}", retry_after(response.headers.get("retry-after")))
    raise Refused(status, where=shown(request.url), hint=request.otherwise)


def retry_after(value: str | None) -> float | None:
    """Seconds, from a number or a date."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return max(0.0, seconds) if math.isfinite(seconds) else None
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
