"""Walks a site: the nearest pages first, no host asked faster than it likes, each page committed before the next."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from aiaas.errors import RemoteError
from aiaas.sources import _body, _crawl_fetch, _crawl_html, _crawl_robots, _exchange
from aiaas.sources._crawl_fetch import Answer, Moved, Nothing, Unchanged
from aiaas.sources._crawl_page import Came, Kept, Known
from aiaas.sources._crawl_robots import Robots
from aiaas.sources._crawl_store import Store
from aiaas.sources._crawl_urls import Bounds, host_of
from aiaas.sources._exchange import Again, Request
from aiaas.sources._guard import Forbidden
from aiaas.sources._pace import Pace

if TYPE_CHECKING:
    from aiaas.sources.crawl import Params

LONGEST_DELAY = 120.0
"""Seconds between two requests that a robots.txt may ask for; a host that wants more is left alone."""
SILENT = 3
"""Pages in a row that a host fails to give before the crawl stops, to be gone on with later."""
_LATER = "run the same command later, it goes on where it stopped"
_REDIRECT = "a redirect"
_UNLISTED = "asks not to be indexed"


class NoBeginning(RemoteError):
    """The first page of a crawl cannot be had."""


class Walk:
    """One walk through a store, as a context manager; `progress` is told the bytes of all pages so far."""

    def __init__(
        self, params: Params, bounds: Bounds, store: Store, progress: Callable[[int], None] = lambda size: None
    ) -> None:
        self.params = params
        self.bounds = bounds
        self.store = store
        self.request = _request(params, bounds)
        self.client = _exchange.connect(self.request)
        self._progress = progress
        self._asked = store.asked()
        self._size = store.size()
        self._paces: dict[str, Pace] = {}
        self._rules: dict[str, Robots | str] = {}
        self._failed: dict[str, list[Known]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.client.close()

    def go(self, most: int) -> None:
        """Go on until `most` pages were asked for, or there are no more. Raises RemoteError where the first page cannot
        be had, and where a host fails or wants to be left alone for long."""
        for kept in self.store.unread():
            self._follow(kept)
        while self._asked < most and (page := self._next()):
            self._visit(page)
            if page.depth == 0:
                self._check_beginning()

    def _next(self) -> Known | None:
        """The page whose host may be asked now; of several the one that was found first."""
        waiting = self.store.next_of_hosts()
        now = time.monotonic()
        return min(waiting, key=lambda page: (max(now, self._pace(page.host).ready), page.id), default=None)

    def _visit(self, page: Known) -> None:
        import httpx

        try:
            rules = self._rules_of(page)
            if isinstance(rules, str) or not rules.allow(page.url):
                why = rules if isinstance(rules, str) else "forbidden by robots.txt"
                self.store.nothing(page, why, asked=False)
                return
            answer = self._fetch(page)
        except Forbidden:
            if page.depth == 0:
                raise
            self.store.nothing(page, "at an address that is not public", asked=False)
        except (Again, httpx.TransportError) as error:
            self._retry(page, error)
        else:
            self._asked += 1
            self._failed.pop(page.host, None)
            self._take(page, answer)

    def _fetch(self, page: Known) -> Answer:
        """Ask when it is time; the distance to the next request counts from the end of this one."""
        pace = self._pace(page.host)
        pace.wait()
        try:
            return _crawl_fetch.fetch(self.client, self.request, page)
        finally:
            pace.begin()

    def _take(self, page: Known, answer: Answer) -> None:
        """Keep what came of a page."""
        match answer:
            case Moved():
                self._moved(page, answer.url)
            case Nothing():
                self.store.nothing(page, answer.why, asked=True)
            case Unchanged():
                self._follow(self.store.unchanged(page))
            case Came():
                self._size += len(answer.body)
                self._progress(self._size)
                self._follow(self.store.came(page, answer))

    def _follow(self, page: Kept) -> None:
        """Note where a page leads."""
        links = _crawl_html.links(page, self.bounds)
        deeper = links.found if page.depth < self.params.depth else ()
        why = None if links.index else _UNLISTED
        self.store.read(page, ((url, host_of(url)) for url in deeper), links.canonical, why)

    def _moved(self, page: Known, url: str) -> None:
        target = self.bounds.canonical(url)
        if target is None or not self.bounds.hold(target):
            if page.depth == 0:
                self._refuse_beginning(f"it redirects to {urlsplit(url).netloc or url}, which is another site")
            self.store.nothing(page, "a redirect to another site", asked=True)
        elif target == page.url or (page.hops and self.store.why(target) == _REDIRECT):
            self.store.nothing(page, "redirects in circles", asked=True)
        elif page.hops >= _exchange.REDIRECTS:
            self.store.nothing(page, f"redirects more than {_exchange.REDIRECTS} times", asked=True)
        else:
            self.store.moved(page, target, host_of(target), _REDIRECT)

    def _retry(self, page: Known, error: Exception) -> None:
        """Let a page wait for another try, where that may help. Raises RemoteError where its host is to be left alone:
        then the page waits for the next command."""
        wait = _exchange.pause(error, page.tries)
        if wait > _exchange.LONGEST_WAIT:
            told = f"{page.host} asks to wait {wait:,.0f} s"
            raise RemoteError(told, hint=_LATER)
        if page.tries < _exchange.RETRIES:
            self.store.later(page, page.tries + 1)
            self._pace(page.host).hold(wait)
            return
        failed = self._failed.setdefault(page.host, [])
        failed.append(page)
        self._asked += 1
        self.store.nothing(page, _told(error), asked=True)
        if len(failed) == SILENT:
            for each in failed:
                self.store.later(each, 0)
            told = f"{page.host} fails: {_told(error)}, {SILENT} pages in a row"
            raise RemoteError(told, hint=_LATER)

    def _rules_of(self, page: Known) -> Robots | str:
        """The robots.txt of the page's host, or why none of its pages may be fetched. Raises RemoteError where that is
        so of the first page, and Forbidden."""
        if page.host not in self._rules:
            pace = self._pace(page.host)
            try:
                rules = _crawl_robots.of(
                    page.host, self.client, self.request, self.store, self.params.user_agent, pace.wait
                )
            except Forbidden:
                raise
            except RemoteError:
                if page.depth == 0:
                    raise
                self._rules[page.host] = "of a host whose robots.txt cannot be read"
            else:
                pace.seconds = max(self.params.delay, rules.delay)
                pace.begin()
                slow = f"of a host that wants {rules.delay:,.0f} s between requests"
                self._rules[page.host] = slow if rules.delay > LONGEST_DELAY else rules
        return self._rules[page.host]

    def _check_beginning(self) -> None:
        state, why = self.store.beginning()
        if state == "done" and why not in (None, _REDIRECT, _UNLISTED):
            self._refuse_beginning(f"its first page cannot be had: {why}")

    def _refuse_beginning(self, told: str) -> None:
        """Without a first page there is no crawl, and nothing to go on with."""
        hint = "look at the address, and at the robots.txt of the site"
        if "another site" in told:
            hint = "name that address, or the domains to stay in with domains:"
        raise NoBeginning(told, hint=hint)

    def _pace(self, host: str) -> Pace:
        return self._paces.setdefault(host, Pace(self.params.delay))


def _request(params: Params, bounds: Bounds) -> Request:
    """How every page is asked for."""
    return Request(
        url=bounds.start,
        name="",
        limit=params.max_page_bytes,
        timeout=params.timeout,
        sha256=None,
        private=params.private,
        strict=True,
        what="page",
        otherwise="look at the address",
        headers={
            "User-Agent": params.user_agent,
            "Accept": "text/html,application/xhtml+xml,text/plain;q=0.5",
            "Accept-Encoding": _body.ENCODINGS,
        },
    )


def _told(error: Exception) -> str:
    """What a failure is counted as."""
    return str(error) if isinstance(error, Again) else "no answer"
