"""What is asked, without the asking: addresses, bodies, how inputs are split, what an answer means."""

from __future__ import annotations

import base64
import ipaddress
import json
import math
import os
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from aiaas.errors import AiaasError, DataError, OptionError, RemoteError, UsageError

if TYPE_CHECKING:
    import httpx

ROWS = 500
"""Inputs of a request."""
BYTES = 4 << 20
"""Of a request's body, unless one input alone has more."""
_KEY = re.compile(r"[!-~]+")
_PLACE = re.compile(r"inputs\[(\d+)\]")
_KINDS: Mapping[str, type[AiaasError]] = {"option": OptionError, "data": DataError, "too-large": DataError}


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the inputs, each as JSON; `start` is the place of the first among all, `more` what else is asked."""

    start: int
    inputs: Sequence[bytes]
    more: bytes

    def __len__(self) -> int:
        return len(self.inputs)

    def halves(self) -> tuple[Part, Part]:
        """The same in two parts."""
        half = len(self) // 2
        first, second = self.inputs[:half], self.inputs[half:]
        return Part(self.start, first, self.more), Part(self.start + half, second, self.more)

    def body(self, places: Iterable[int] | None = None, *, stream: bool = False) -> bytes:
        """The body of a request for all of them, or for those at some places."""
        asked = self.inputs if places is None else [self.inputs[place] for place in places]
        ending = b', "stream": true}' if stream else b"}"
        return b'{"inputs": [' + b", ".join(asked) + b"]" + self.more + ending


def base_url(url: str) -> str:
    """The address of a service; UsageError where `url` is none."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"this URL cannot be read: {error}", where=url) from None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or "@" in parts.netloc:
        raise UsageError(
            "this is not a service's URL", where=url.rpartition("@")[2], hint="such as https://models.example.org"
        )
    return url.rstrip("/")


def check(**numbers: float) -> None:
    """UsageError for one of the client's settings that is not above 0."""
    for name, value in numbers.items():
        if not value > 0 or value == math.inf:
            raise UsageError(f"{name} must be a number above 0", where=name)


def settings(base: str, key: str | None, timeout: float) -> dict[str, Any]:
    """What both clients of httpx are made with."""
    import httpx

    return {
        "base_url": base,
        "headers": headers(base, key, timeout),
        "timeout": httpx.Timeout(timeout + 5.0, connect=5.0),
        "verify": trusted(),
        "trust_env": not loopback(base),  # a proxy cannot reach this machine's own loopback
    }


def headers(base: str, key: str | None, timeout: float) -> dict[str, str]:
    """What every request carries. A key goes to this machine or over TLS, and nowhere else."""
    told = {"x-request-timeout": f"{timeout:g}"}
    if key is None:
        return told
    if not (base.startswith("https://") or loopback(base)):
        raise UsageError("a key is not sent without TLS", where=base, hint="ask https://…")
    if not _KEY.fullmatch(key):
        raise UsageError("the key is empty, or holds characters that no key has", hint="aiaas keys create makes one")
    return {**told, "authorization": f"Bearer {key}"}


def loopback(base: str) -> bool:
    host = urlsplit(base).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def trusted() -> ssl.SSLContext | bool:
    """Certificates that are trusted: those of SSL_CERT_FILE and SSL_CERT_DIR, where one is set, else the usual ones."""
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not file and not folder:
        return True
    try:
        return ssl.create_default_context(cafile=file or None, capath=folder or None)
    except OSError as error:  # ssl.SSLError is one
        raise UsageError(
            f"the certificates cannot be read: {error.strerror or error}", where="SSL_CERT_FILE", hint="name a PEM file"
        ) from None


def predict_path(model: str) -> str:
    return f"/v1/models/{quote(model, safe='', errors='backslashreplace')}/predict"


def parts(inputs: Sequence[Any], options: Mapping[str, Any] | None, rows: int) -> Iterator[Part]:
    """The inputs as requests of `rows` inputs at most. Bytes go as base64; DataError for what JSON cannot hold,
    UsageError at once for one input that is not in a list."""
    if isinstance(inputs, str | bytes | Mapping) or not hasattr(inputs, "__len__"):
        raise UsageError("the inputs must be a list", where="inputs", hint="put a single one in brackets")
    return _parts(inputs, b', "options": ' + _json(dict(options), "options") if options else b"", rows)


def _parts(inputs: Sequence[Any], more: bytes, rows: int) -> Iterator[Part]:
    held: list[bytes] = []
    start = size = 0
    for place, value in enumerate(inputs):
        one = _json(base64.b64encode(value).decode() if isinstance(value, bytes) else value, f"inputs[{place}]")
        if held and (len(held) == rows or size + len(one) > BYTES):
            yield Part(start, held, more)
            held, start, size = [], place, 0
        held.append(one)
        size += len(one) + 2
    if held:
        yield Part(start, held, more)


def _json(value: Any, where: str) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:  # UnicodeEncodeError is one of them
        told = "half of a surrogate pair" if isinstance(error, UnicodeEncodeError) else str(error)
        raise DataError(f"JSON cannot hold this input: {told}", where=where) from None


def understood(response: httpx.Response, start: int = 0, *, model: str | None = None) -> Any:
    """The object of an answer. Raises what the service says is wrong: of `model`, where one was asked for, and with the
    places of inputs as the caller counts them, `start` being the first of this request."""
    try:
        said = response.json()
    except ValueError:
        said = None
    if response.is_success and isinstance(said, dict):
        return said
    error = said.get("error") if isinstance(said, dict) else None
    where = str(response.request.url)
    if not isinstance(error, dict):
        raise _remote(response, f"the service answers {response.status_code}, not as aiaas does")
    message, hint, place = str(error.get("message", "")), error.get("hint"), error.get("where")
    if response.status_code == 413:  # of one input alone
        place = "inputs[0]"
    kind = _KINDS.get(str(error.get("code")))
    if response.status_code == 404:
        lost = "there is no aiaas service at this address" if model is None else f"the service has no model {model!r}"
        raise UsageError(lost, where=where, hint=hint if model else None)
    if kind is None and response.status_code in (401, 403):
        kind = UsageError
    if kind is None:
        asked = f"; request {said['request_id']}" if "request_id" in said else ""
        raise _remote(response, f"the service answers {response.status_code}: {message}{asked}", hint)
    raise kind(message, where=_shifted(place, start) or where, hint=hint)


def _remote(response: httpx.Response, message: str, hint: str | None = None) -> RemoteError:
    error = RemoteError(message, where=str(response.request.url), hint=hint)
    error.answered = response.status_code
    return error


def too_many(response: httpx.Response, part: Part) -> bool:
    """Whether a service takes no request so large, and smaller ones can be made of it."""
    return response.status_code == 413 and len(part) > 1


def refused(response: httpx.Response) -> dict[int, str]:
    """Of inputs that a service refuses the places, in the request, and why; empty where it says nothing of any. Where
    it takes no request so large, that is the only one (see `too_many`)."""
    if response.status_code not in (413, 422):
        return {}
    try:
        error = response.json()["error"]
        if response.status_code == 413:
            return {0: str(error["message"])}
        faults = error.get("faults") or [error]
        found = [(_PLACE.fullmatch(str(fault["where"])), str(fault["message"])) for fault in faults]
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {int(place[1]): message for place, message in found if place}


def _shifted(place: Any, start: int) -> str | None:
    found = _PLACE.fullmatch(str(place))
    return f"inputs[{int(found[1]) + start}]" if found else place
