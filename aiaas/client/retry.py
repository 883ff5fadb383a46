"""When a request is sent again: after what a service asks for, else after longer and longer times drawn by lot."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiaas.errors import RemoteError

if TYPE_CHECKING:
    import httpx

AGAIN = frozenset({429, 502, 503, 504})
LONGEST = 60.0
"""Seconds that are waited at most, whatever a service asks for."""
_FIRST = 0.2
_UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"


@dataclass(slots=True)
class Retry:
    """`attempts` is how often a request is sent in all."""

    attempts: int
    _sent: int = 0

    def after(self, response: httpx.Response) -> float | None:
        """Seconds to wait before it is sent again; None where the response is what there is."""
        self._sent += 1
        if response.status_code not in AGAIN or self._sent >= self.attempts or _deadline(response):
            return None
        try:
            return min(LONGEST, max(0.0, float(response.headers["retry-after"])))
        except (KeyError, ValueError):
            return self._pause()

    def after_failure(self, error: httpx.TransportError) -> float | None:
        """The same where no response came. What was sent whole and is not answered in time is not sent again: the
        service would do the work twice."""
        import httpx

        self._sent += 1
        lost = isinstance(error, httpx.ReadTimeout | httpx.UnsupportedProtocol | httpx.ProxyError)
        return None if lost or _UNTRUSTED in str(error) or self._sent >= self.attempts else self._pause()

    def _pause(self) -> float:
        return random.uniform(0.5, 1.0) * _FIRST * float(2 ** min(self._sent, 8))  # noqa: S311 - no secret


def _deadline(response: httpx.Response) -> bool:
    """Whether it says that the time of the request was too short: sent again it would take as long."""
    return response.status_code == 504 and b'"deadline"' in response.content


@contextmanager
def told(url: str) -> Iterator[None]:
    """What the transport raises, as an error of ours."""
    import httpx

    try:
        yield
    except httpx.TimeoutException as error:
        raise RemoteError(
            f"the service does not answer in time ({type(error).__name__})", where=url, hint="give it a longer timeout"
        ) from error
    except httpx.DecodingError as error:
        raise RemoteError("the service's answer cannot be read: it is compressed wrongly", where=url) from error
    except httpx.TransportError as error:
        hint = "is `aiaas serve` running there?"
        if _UNTRUSTED in str(error):
            hint = "name its certificate in SSL_CERT_FILE, if you trust it"
        raise RemoteError(f"the service does not answer: {error}", where=url, hint=hint) from error
