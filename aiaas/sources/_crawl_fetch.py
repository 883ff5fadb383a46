"""Asks for one page, and says what came of it. What may be worth another try is the affair of the caller."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aiaas.sources import _body, _exchange
from aiaas.sources._crawl_page import Came, Known
from aiaas.sources._exchange import Again, Request

if TYPE_CHECKING:
    import httpx

_PATIENCE = 10
"""How many times `timeout` a page may take in all."""
_PAGES = ("text/html", "application/xhtml+xml", "text/plain")
_MARKED = (b"<!doctype html", b"<html", b"<?xml", b"<head", b"<body", b"<!--")
_BINARY = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"\x7fELF")


@dataclass(frozen=True, slots=True)
class Moved:
    """It is at another address, as the server writes it."""

    url: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """It is as it was."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is no page to be had, and why."""

    why: str


Answer = Came | Moved | Unchanged | Nothing


def fetch(client: httpx.Client, how: Request, page: Known) -> Answer:
    """What a server answers for a page. Raises Again, httpx.TransportError and Forbidden."""
    import httpx

    conditions = {"If-None-Match": page.etag, "If-Modified-Since": page.modified}
    client.cookies.clear()  # a page is what anyone gets who asks for it alone
    try:
        call = client.build_request("GET", page.url, headers={name: said for name, said in conditions.items() if said})
        with closing(client.send(call, stream=True)) as response:
            return _answer(response, how, conditional=bool(page.etag or page.modified))
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        return Nothing("an address that cannot be used")
    except httpx.RemoteProtocolError as error:
        if "location header" in str(error):
            return Nothing("a redirect to no address")
        raise


def _answer(response: httpx.Response, how: Request, *, conditional: bool) -> Answer:
    status = response.status_code
    if response.next_request is not None:
        return Moved(str(response.next_request.url))
    if status == 304 and conditional:
        return Unchanged()
    if status == 429 or status >= 500:
        raise Again(f"status {status}", _exchange.retry_after(response.headers.get("retry-after")))
    if status not in (200, 203):
        return Nothing(f"status {status}")
    kind = response.headers.get("content-type", "")
    if kind and kind.partition(";")[0].strip().lower() not in _PAGES:
        return Nothing("no page but another kind of file")
    try:
        body = _body.read(response, how.limit, how.timeout * _PATIENCE)
    except _body.TooLarge:
        return Nothing(f"larger than {how.limit:,} bytes")
    except _body.Unreadable:
        return Nothing("packed in a way that cannot be read")
    if not body.strip():
        return Nothing("empty")
    if _no_page(body, kind):
        return Nothing("no page but another kind of file")
    return Came(
        body=body,
        kind=kind,
        sha256=hashlib.sha256(body).hexdigest(),
        fetched=datetime.now(UTC).isoformat(timespec="seconds"),
        etag=response.headers.get("etag"),
        modified=response.headers.get("last-modified"),
        language=response.headers.get("content-language"),
        rules=response.headers.get("x-robots-tag"),
    )


def _no_page(body: bytes, kind: str) -> bool:
    """Whether a body is something else than its type says, or, where none is said, does not begin as a page does."""
    beginning = body[:1024].lstrip().lower()
    return body.startswith(_BINARY) or (not kind and not beginning.startswith(_MARKED))
