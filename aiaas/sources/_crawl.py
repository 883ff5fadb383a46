"""Crawls of a site as they are kept: one file each, the one before it until a new one is complete.

crawl/DIGEST/CRAWL.sqlite    called after when it began
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aiaas.contracts import SourceContext
from aiaas.errors import RemoteError
from aiaas.offline import BRING
from aiaas.sources import _crawl_store
from aiaas.sources._crawl_store import Store
from aiaas.sources._crawl_urls import Bounds, canonical, host_of
from aiaas.sources._crawl_walk import NoBeginning, Walk
from aiaas.workspace import atomic, keys

if TYPE_CHECKING:
    from aiaas.sources.crawl import Params

_DECIDE = ("source", "domains", "only", "depth", "max_pages", "max_page_bytes", "query", "user_agent", "private")
"""What decides which pages a crawl finds."""


def name(params: Params, context: SourceContext) -> str:
    """What the crawl is called that is read. Raises RemoteError where there is none yet, and no page can be had."""
    folder = _folder(params, context)
    if not _crawls(folder):
        _crawl(folder, params, context, most=1)
    found = _current(folder, params, context)
    return found.stem if found else _name_of_new(context)


@contextmanager
def crawled(params: Params, context: SourceContext) -> Iterator[Store]:
    """A finished crawl, gone on with where it was interrupted."""
    folder = _folder(params, context)
    found = _current(folder, params, context)
    if found is None or not _finished(found, params):
        found = _crawl(folder, params, context)
    with _opened(found, params) as store:
        yield store


def _crawl(folder: Path, params: Params, context: SourceContext, most: int | None = None) -> Path:
    """Crawl to the end, or until `most` pages were asked for."""
    from filelock import FileLock

    if context.offline:
        told = "it is not crawled to its end" if _crawls(folder) else "it is not crawled"
        raise RemoteError(f"{told}, and --offline forbids fetching it", where=params.source, hint=BRING)
    with atomic.disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        path = _current(folder, params, context) or _begin(folder, params, context)
        with _opened(path, params) as store:
            _go_on(store, path, params, most, context)
            finished = store.finished
    if finished is not None:
        for other in _crawls(folder):
            if other.stem < path.stem:
                _remove(other)
    return path


def _go_on(store: Store, path: Path, params: Params, most: int | None, context: SourceContext) -> None:
    if store.finished is not None:  # by another process, meanwhile
        return
    bounds = Bounds(_start(params), params.domains, params.only, params.query)
    try:
        with Walk(params, bounds, store, lambda size: context.progress(size, None)) as walk:
            walk.go(min(most or params.max_pages, params.max_pages))
    except RemoteError as error:
        error.where = params.source
        if isinstance(error, NoBeginning) or not store.asked():  # there is nothing to go on with
            _remove(path)
        raise
    if most is None:
        store.end(time.time())


def _begin(folder: Path, params: Params, context: SourceContext) -> Path:
    """A new crawl, with what the last one found, so that it asks only for what changed."""
    path = folder / f"{_name_of_new(context)}.sqlite"
    part = path.with_suffix(".part")
    for left in folder.glob("*.part*"):
        left.unlink()
    if before := _crawls(folder):
        with _opened(before[-1], params) as store:
            store.copy(part)
    start = _start(params)
    with _opened(part, params) as store:
        store.begin(start, host_of(start))
    part.replace(path)  # with nothing beside it: closed, it is whole
    return path


def _current(folder: Path, params: Params, context: SourceContext) -> Path | None:
    """The crawl that is used: the last one, or, where there is no network to go on with it, the last that was finished.
    None where there is none, or where it is to be crawled again and this command did not do so yet."""
    found = _crawls(folder)
    if context.offline:
        return next((each for each in reversed(found) if _finished(each, params)), None)
    if not found:
        return None
    finished = _finished(found[-1], params) if context.refresh else None
    return None if finished is not None and finished < context.began else found[-1]


def _finished(path: Path, params: Params) -> float | None:
    with _opened(path, params) as store:
        return store.finished


def _crawls(folder: Path) -> list[Path]:
    """All that there are, the oldest first."""
    return sorted(folder.glob("*.sqlite"))


def _remove(path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _name_of_new(context: SourceContext) -> str:
    """What a crawl that this command begins is called: after when the command began, so that it is known before."""
    return datetime.fromtimestamp(context.began, UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def _start(params: Params) -> str:
    found = canonical(params.source.removeprefix("crawl:"), query=params.query)
    if found is None:
        raise RemoteError(
            "the address cannot be used", where=params.source, hint="it must read crawl:https://host/path"
        )
    return found


def _folder(params: Params, context: SourceContext) -> Path:
    identity = params.model_dump(mode="json", include=set(_DECIDE))
    return context.cache / "crawl" / keys.digest_json(identity)[:32]


@contextmanager
def _opened(path: Path, params: Params) -> Iterator[Store]:
    with atomic.disk_errors(path.parent), _crawl_store.opened(path, params.source) as store:
        yield store
