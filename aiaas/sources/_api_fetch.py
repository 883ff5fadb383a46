"""Asks an API for one page."""

from __future__ import annotations

import hashlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiaas.errors import DataError, RemoteError
from aiaas.sources import _body, _exchange
from aiaas.sources._api_kept import Page
from aiaas.sources._api_params import Api
from aiaas.sources._credentials import Credentials, bare
from aiaas.sources._exchange import Request, shown
from aiaas.sources._pace import Pace

if TYPE_CHECKING:
    import httpx

    from aiaas.sources.http import Params

_PATIENCE = 10
"""How many times `timeout` a page may take in all."""
_GONE = (204, 404, 410)


def identity(params: Params, api: Api) -> dict[str, Any]:
    """What decides which pages there are, without any secret."""
    data = api.model_dump(mode="json", include={"rows", "pages", "query", "headers"})
    return {"url": bare(params.source), **data}


def address(params: Params, api: Api) -> str:
    """The address with the parameters that the recipe adds."""
    import httpx

    return str(httpx.URL(bare(params.source)).copy_merge_params(_texts(api.query)))


def secret_headers(api: Api) -> dict[str, str]:
    bearer = {"Authorization": f"Bearer {api.auth.bearer}"} if api.auth.bearer else {}
    return {**bearer, **api.auth.headers}


def request(params: Params, api: Api, credentials: Credentials) -> Request:
    """How every page is asked for; which one, `page` says."""
    return Request(
        url=params.source,
        name="",
        limit=api.max_page_bytes,
        timeout=params.timeout,
        sha256=None,
        private=params.private,
        what="page",
        otherwise="look at the address and at api.auth",
        credentials=credentials,
        headers={"Accept": "application/json", "Accept-Encoding": _body.ENCODINGS, **api.headers},
    )


def page(client: httpx.Client, how: Request, url: str, pace: Pace, *, may_end: bool) -> Page | None:
    """The page at `url`; None where `may_end` and the server says that there is no such page. Raises RemoteError and
    DataError."""
    asked = replace(how, url=url)

    def attempt() -> Page:
        pace.wait()
        with closing(_exchange.send(client, asked, {})) as response:
            return _read(response, asked)

    try:
        return _exchange.with_retries(asked, attempt)
    except _exchange.Refused as error:
        if may_end and error.answered in _GONE:
            return None
        raise


def check_size(size: int, params: Params) -> None:
    if size > params.max_bytes:
        raise DataError(
            f"the pages together are larger than max_bytes: {size:,} of {params.max_bytes:,} allowed",
            where=shown(params.source),
            hint="raise max_bytes: if so much is meant",
        )


def _read(response: httpx.Response, asked: Request) -> Page:
    where = shown(asked.url)
    if response.status_code not in (200, 203):
        raise RemoteError(f"it answers with status {response.status_code}, and no page", where=where)
    try:
        body = _body.read(response, asked.limit, asked.timeout * _PATIENCE)
    except _body.TooLarge:
        hint = "ask for fewer rows a page, or raise api.max_page_bytes"
        raise DataError(f"the page is larger than {asked.limit:,} bytes", where=where, hint=hint) from None
    except _body.Unreadable as error:
        raise RemoteError(f"the page cannot be read: {error}", where=where) from error
    assert asked.credentials
    text = asked.credentials.masked(_decoded(body, response, where))
    link = response.links.get("next", {}).get("url")
    return Page(
        url=asked.url,
        text=text,
        bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        link=link and asked.credentials.masked(link),
        kind=response.headers.get("content-type", ""),
    )


def _decoded(body: bytes, response: httpx.Response, where: str) -> str:
    """JSON is UTF-8 by its standard, so that is tried before what the server says; GB18030 holds all else that is
    found in the wild under no name or a wrong one."""
    marked = "utf-16" if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    for encoding in (marked, response.charset_encoding or marked, "gb18030"):
        with suppress(UnicodeError, LookupError):  # rot13 is a codec, and gives no text
            text = body.decode(encoding)
            text.encode("utf-8")  # nor is half a surrogate pair one, which some codecs let through
            return text
    raise DataError("the page is no text", where=where)


def _texts(query: dict[str, Any]) -> dict[str, str]:
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in query.items()}
