"""The text of crawled pages as rows."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Origin, SourceContext
from aiaas.errors import DataError
from aiaas.sources import FileBatch
from aiaas.sources._crawl_html import decoded, is_plain, parsed
from aiaas.sources._crawl_page import Kept
from aiaas.sources._crawl_store import Store

if TYPE_CHECKING:
    from aiaas.sources.crawl import Params

ROWS = 200
"""Rows of a batch, at most."""
COLUMNS = ("url", "title", "text", "author", "date", "language")
_UNTOLD = ("a redirect", "forbidden by robots.txt")
"""What gives no row and is nothing to warn of."""


class PageBatch(FileBatch):
    """Rows of pages: the place of each is its address."""

    def where(self, index: int) -> str:
        return str(self["url"][index])


def batches(store: Store, params: Params, context: SourceContext) -> Iterator[PageBatch]:
    """The pages that hold text. Raises DataError where none does."""
    rows: list[dict[str, Any]] = []
    given = bare = 0
    for page in store.pages():
        row = _row(page)
        if row is None:
            bare += 1
            continue
        rows.append(row)
        given += 1
        if len(rows) == ROWS:
            yield _batch(rows, params)
            rows = []
    if rows:
        yield _batch(rows, params)
    told = _told(store, bare)
    if not given:
        raise DataError(f"no page holds text{f': {told}' if told else ''}", where=params.source, hint=_HINT)
    if told:
        context.warn(f"{params.source}: {given:,} pages; without a row: {told}")
    if waiting := store.waiting():
        context.warn(
            f"{params.source}: stopped at max_pages: {params.max_pages:,}; {waiting:,} links were not followed"
        )


_HINT = "does it need JavaScript? Then it has none for a crawler; look for an API of the site"


def origins(store: Store, params: Params) -> Sequence[Origin]:
    return [Origin(url, size, digest, params.licence, version) for url, size, digest, version in store.versions()]


def _row(page: Kept) -> dict[str, Any] | None:
    """The text of a page and what it says of itself; None where it holds no text."""
    html, _ = decoded(page.came.body, page.came.kind)
    if is_plain(page.came.kind, html):
        return {"url": page.url, "text": html, "language": page.came.language} if html.strip() else None
    tree = parsed(html)
    found = None if tree is None else _extracted(tree, page.url)
    if found is None or not (found.text or "").strip():
        return None
    assert tree is not None
    language = tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang") or page.came.language
    return {
        "url": page.url,
        "title": found.title,
        "text": found.text,
        "author": found.author,
        "date": found.date,
        "language": (language or "").strip() or None,
    }


def _extracted(tree: Any, url: str) -> Any:
    from trafilatura import bare_extraction

    for name in ("trafilatura", "htmldate", "justext"):  # what they say of a page is said by the reasons
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        return bare_extraction(
            tree,
            url=url,
            include_comments=False,
            with_metadata=True,
            date_extraction_params={"original_date": True, "extensive_search": False, "outputformat": "%Y-%m-%d"},
        )
    except (RecursionError, ValueError, TypeError, AttributeError):  # a page may be broken in ways nobody thought of
        return None


def _batch(rows: Sequence[dict[str, Any]], params: Params) -> PageBatch:
    return PageBatch({name: [row.get(name) for row in rows] for name in COLUMNS}, params.source, 1)


def _told(store: Store, bare: int) -> str:
    reasons = {why: count for why, count in store.reasons().items() if why not in _UNTOLD}
    reasons |= {"no text": bare} if bare else {}
    return ", ".join(f"{count:,} {why}" for why, count in reasons.items())
