"""A crawl: which page is asked for next, when, and what is made of the answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aiaas.contracts import SourceContext
from aiaas.errors import RemoteError
from aiaas.sources import _crawl_store
from aiaas.sources._crawl_store import Store
from aiaas.sources._crawl_urls import Bounds, canonical, host_of
from aiaas.sources._crawl_walk import Walk
from aiaas.workspace import atomic, keys

if TYPE_CHECKING:
    from aiaas.sources.crawl import Params

_DECIDE = ("source", "domains", "only", "depth", "max_pages", "max_page_bytes", "query", "user_agent", "private")
"""What decides which pages a crawl finds."""


def name(params: Params, context: SourceContext) -> str:
    """What the crawl is called that is read: after when it began. Raises RemoteError where there is none yet, and the
    site cannot be reached."""
    folder = _folder(params, context)
    with _opened(folder, params) as store:
        if store.name is None:
            _crawl(store, folder, params, context, most=1)
        return str(store.name) if not _stale(store, context) else _name_of_new(context)


@contextmanager
def crawled(params: Params, context: SourceContext) -> Iterator[Store]:
    """A finished crawl, gone on with where it was interrupted."""
    folder = _folder(params, context)
    with _opened(folder, params) as store:
        if store.finished is None or _stale(store, context):
            _crawl(store, folder, params, context)
        yield store


def _crawl(store: Store, folder: Path, params: Params, context: SourceContext, most: int | None = None) -> None:
    """Crawl to the end, or until `most` pages were asked for."""
    from filelock import FileLock

    if context.offline:
        told = "it is not crawled to its end" if store.name else "it is not crawled"
        raise RemoteError(f"{told}, and --offline forbids fetching it", where=params.source)
    with FileLock(folder / "lock"):
        start = _start(params)
        if store.name is None or _stale(store, context):
            store.begin(_name_of_new(context), start, host_of(start))
        if store.finished is not None:  # another process was faster
            return
        with Walk(params, Bounds(start, params.domains, params.only, params.query), store) as walk:
            walk.go(min(most or params.max_pages, params.max_pages))
        if most is None:
            store.end(time.time())


def _stale(store: Store, context: SourceContext) -> bool:
    """Whether it is to be crawled again, and this command did not do so yet."""
    finished = store.finished
    return bool(context.refresh and not context.offline and finished is not None and finished < context.began)


def _name_of_new(context: SourceContext) -> str:
    return datetime.fromtimestamp(context.began, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _start(params: Params) -> str:
    found = canonical(params.source.removeprefix("crawl:"), query=params.query)
    if found is None:
        raise RemoteError("the address cannot be used", where=params.source, hint="it must read crawl:https://host/path")
    return found


def _folder(params: Params, context: SourceContext) -> Path:
    identity = params.model_dump(mode="json", include=set(_DECIDE))
    return context.cache / "crawl" / keys.digest_json(identity)[:32]


@contextmanager
def _opened(folder: Path, params: Params) -> Iterator[Store]:
    with atomic.disk_errors(folder), _crawl_store.opened(folder / "crawl.sqlite", params.source) as store:
        yield store
