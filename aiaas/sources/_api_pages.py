"""From one page of an API to the next, and that it does not go round in circles."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiaas.errors import DataError, RemoteError
from aiaas.sources._api_params import Pages, picked
from aiaas.sources._credentials import Credentials
from aiaas.sources._exchange import shown

if TYPE_CHECKING:
    import httpx


@dataclass(slots=True)
class Pager:
    """Where the pages stand. To be shown every page in order by `after`, also those that were kept before."""

    pages: Pages | None
    credentials: Credentials
    number: int = 0
    rows: int = 0
    total: int | None = None
    _asked: set[str] = field(default_factory=set)
    _first: bytes = b""
    _last: bytes = b""
    _alike: int = 0

    def begin(self, url: str) -> str:
        """The address of the first page."""
        import httpx

        if self.pages is not None and self.pages.by in ("page", "offset"):
            url = str(httpx.URL(url).copy_set_param(self._parameter, self._start))
        self._asked.add(url)
        return url

    def after(self, url: str, answer: Any, rows: Sequence[Any], link: str | None) -> str | None:
        """The address of the page that follows the one at `url`, None at the end. Raises DataError for a circle."""
        self.number += 1
        self.rows += len(rows)
        if self.pages is None:
            return None
        self._notice_repetition(rows, url)
        if self.pages.total:
            self.total = self._count(answer, self.pages.total, url)
            if self.rows >= self.total:
                return None
        following = self._next(url, answer, rows, link)
        if following is None:
            return None
        following = self.credentials.without_query(following)
        if following in self._asked:
            raise self._circle(url, "leads back to a page that was read before")
        if url.startswith("https://") and not following.startswith("https://"):
            raise RemoteError("a page leads from https to an address without", where=shown(following))
        self._asked.add(following)
        return following

    @property
    def may_end(self) -> bool:
        """Whether the next page is asked for without the server having named it, so that it may say there is none."""
        return self.number > 0 and self.pages is not None and self.pages.by in ("page", "offset")

    @property
    def _parameter(self) -> str:
        assert self.pages
        return self.pages.parameter or self.pages.by

    @property
    def _start(self) -> int:
        assert self.pages
        return self.pages.first if self.pages.first is not None else int(self.pages.by == "page")

    def _next(self, url: str, answer: Any, rows: Sequence[Any], link: str | None) -> str | None:
        import httpx

        assert self.pages
        here = httpx.URL(url)
        if self.pages.by == "link":
            return _joined(here, link) if link else None
        if self.pages.by == "cursor":
            cursor = self._cursor(answer, url)
            if cursor is None or _is_address(cursor):
                return cursor and _joined(here, cursor)
            return str(here.copy_set_param(self._parameter, cursor))
        if not rows:
            return None
        return str(here.copy_set_param(self._parameter, self._start + self._counted))

    @property
    def _counted(self) -> int:
        assert self.pages
        return self.number if self.pages.by == "page" else self.rows

    def _cursor(self, answer: Any, url: str) -> str | None:
        assert self.pages
        assert self.pages.cursor
        found = picked(answer, self.pages.cursor)
        if not found or not found[0]:
            return None
        if len(found) > 1 or not isinstance(found[0], str | int) or found[0] is True:
            raise DataError(
                f"pages.cursor: {self.pages.cursor} must pick one text or number, found {json.dumps(found)[:80]}",
                where=shown(url),
            )
        return str(found[0])

    def _count(self, answer: Any, path: str, url: str) -> int:
        found = picked(answer, path)
        if len(found) == 1 and isinstance(found[0], int) and not isinstance(found[0], bool):
            return int(found[0])
        raise DataError(f"pages.total: {path} must pick one number, found {json.dumps(found)[:80]}", where=shown(url))

    def _notice_repetition(self, rows: Sequence[Any], url: str) -> None:
        """Raise where a page holds the rows of the page before it, or of the first; where a page has one row alone,
        that may happen once by itself."""
        if not rows:
            return
        digest = hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).digest()
        self._first = self._first or digest
        alike = digest == self._last or (digest == self._first and self.number > 1)
        self._alike = self._alike + len(rows) if alike else 0
        if self._alike > 1:
            raise self._circle(url, "holds the same rows as a page before it")
        self._last = digest

    def _circle(self, url: str, told: str) -> DataError:
        hints = {
            "page": f"does the server know the parameter {self._parameter}? Name the right one with pages.parameter",
            "offset": f"does the server know the parameter {self._parameter}? Name the right one with pages.parameter",
            "cursor": "is pages.cursor the right path, and pages.parameter the right name?",
            "link": "the server's Link headers are wrong",
        }
        hint = f"{hints[self.pages.by]}; or end at pages.total, or at max_pages" if self.pages else None
        return DataError(f"the pages go round in circles: page {self.number} {told}", where=shown(url), hint=hint)


def _is_address(cursor: str) -> bool:
    return cursor.startswith(("https://", "http://", "/", "?"))


def _joined(here: httpx.URL, link: str) -> str:
    import httpx

    try:
        return str(here.join(link))
    except httpx.InvalidURL as error:
        raise DataError(f"the next page has no proper address: {error}", where=shown(str(here))) from error
