"""A JSON API as a source: its pages are fetched into the cache, each kept as it comes, and read from there."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiaas import plugins
from aiaas.contracts import Batch, Origin, SourceContext
from aiaas.errors import RemoteError
from aiaas.offline import BRING
from aiaas.sources import _api_fetch, _api_kept, _api_rows, _credentials, _exchange
from aiaas.sources._api_kept import Reading
from aiaas.sources._api_pages import Pager
from aiaas.sources._api_params import Api
from aiaas.sources._pace import Pace
from aiaas.workspace import atomic

if TYPE_CHECKING:
    from aiaas.sources.http import Params

REQUIRES = ("python-jsonpath",)


def fingerprint(params: Params, api: Api, context: SourceContext) -> Mapping[str, Any]:
    """The address, and which reading of it: a new one begins with `context.refresh` alone.

    The first time its first page is fetched, and kept: so an address that gives nothing is told before anything runs.
    """
    folder = _api_kept.folder_of(context.cache, _api_fetch.identity(params, api))
    reading = _api_kept.current(folder, context)
    if reading is None and not _api_kept.known(folder):
        reading = _fetch(params, api, context, most=1)
    name = reading.name if reading else _api_kept.name_of_new(context)
    return {"address": _exchange.shown(params.source), "reading": name}


def read(params: Params, api: Api, context: SourceContext) -> Iterator[Batch]:
    """The rows of all pages, fetched first where needed. Raises RemoteError, DataError and MissingPackageError."""
    reading = _fetch(params, api, context)
    return _api_rows.batches(reading.pages(api.max_pages), api, context)


def origins(params: Params, api: Api, context: SourceContext) -> Sequence[Origin]:
    """The pages as they came, together: their bytes, and the digest of their digests."""
    reading = _fetch(params, api, replace(context, refresh=False))
    size, digest = 0, hashlib.sha256()
    for page in reading.pages(api.max_pages):
        size += page.bytes
        digest.update(bytes.fromhex(page.sha256))
    return [Origin(_exchange.shown(params.source), size, digest.hexdigest(), params.licence, reading.name)]


def _fetch(params: Params, api: Api, context: SourceContext, most: int | None = None) -> Reading:
    """The reading with all its pages, or with the first `most`; those that are kept are not fetched again."""
    from filelock import FileLock

    plugins.require(REQUIRES, "a JSON API")
    folder = _api_kept.folder_of(context.cache, _api_fetch.identity(params, api))
    reading = _api_kept.current(folder, context)
    wanted = min(most or api.max_pages, api.max_pages)
    if reading and reading.holds(wanted):
        return reading
    where = _exchange.shown(params.source)
    if context.offline:
        told = "not all of its pages are downloaded" if reading else "it is not downloaded"
        raise RemoteError(f"{told}, and --offline forbids fetching it", where=where, hint=BRING)
    with atomic.disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):
            reading = _api_kept.current(folder, context) or _api_kept.fresh(folder, context)
            if not reading.holds(wanted):
                _go_on(reading, params, api, context, wanted)
            return reading


def _go_on(reading: Reading, params: Params, api: Api, context: SourceContext, wanted: int) -> None:
    """Fetch the pages that follow those which are kept, until there are `wanted` of them or no more."""
    credentials = _credentials.of(params.source, _api_fetch.secret_headers(api), api.auth.query)
    request = _api_fetch.request(params, api, credentials)
    pager, pace = Pager(api.pages, credentials), Pace(1 / api.per_second)
    url: str | None = pager.begin(_api_fetch.address(params, api))
    kept, size = reading.pages(wanted), 0
    with _exchange.connect(request) as client:
        while url is not None and pager.number < wanted:
            page = kept_page = next(kept, None)
            if page is None:
                page = _api_fetch.page(client, request, url, pace, may_end=pager.may_end)
            if page is None:
                url = None
                break
            size += page.bytes
            context.progress(size, None)
            _api_fetch.check_size(size, params)
            answer = _api_rows.parse(page)
            url = pager.after(page.url, answer, _api_rows.pick(answer, api, page), page.link)
            if kept_page is None:  # what cannot be read, or leads in circles, is asked for again the next time
                reading.keep(pager.number, page)
    if url is None or wanted == api.max_pages:
        _tell(url, pager, params, context)
        reading.end("last page" if url is None else "max_pages", time.time(), pager.number)


def _tell(url: str | None, pager: Pager, params: Params, context: SourceContext) -> None:
    """Warn of rows that are not there."""
    where = _exchange.shown(params.source)
    if url is not None:
        context.warn(f"{where}: stopped at max_pages: {pager.number:,}; there are more")
    elif pager.total is not None and pager.rows < pager.total:
        context.warn(f"{where}: it says that there are {pager.total:,} rows, and gave {pager.rows:,}")
