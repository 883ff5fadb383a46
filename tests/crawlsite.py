"""A site on loopback for the tests of crawling: thousands of pages if need be, with everything in it that the web has.

`Site(pages)` makes a tree of pages, ten below each. Beside them stand what a crawler must not ask for (`/secret/`,
other hosts), redirects, loops of redirects, a trap of endless links, pages in GBK and broken ones, servers that are
busy, and files that are no pages. `asked` counts the requests for each address.
"""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.fileserver import Answer, answering

ROBOTS = "User-agent: *\nDisallow: /secret/\n"
THINGS = ["房间", "服务", "早餐", "位置", "前台", "价格", "环境", "床铺", "电视", "空调"]
BELOW = 10


@dataclass
class Site:
    """What the server holds and how it behaves. `special` are answers by path, before all others."""

    pages: int = 30
    robots: str | Answer = ROBOTS
    busy_every: int = 7  # each such page answers 429 once, before it is given
    special: dict[str, Callable[[dict[str, str]], Answer]] = field(default_factory=dict)
    tagged: bool = True
    asked: Counter[str] = field(default_factory=Counter)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def expected(self) -> set[str]:
        """The addresses that give a row."""
        return {f"{self.url}/", *(f"{self.url}/page/{number}" for number in range(1, self.pages))}

    def answer(self, path: str, headers: dict[str, str]) -> Answer:
        with self.lock:
            self.asked[path] += 1
            self.headers.append(headers)
            first = self.asked[path] == 1
        if path in self.special:
            return self.special[path](headers)
        if path == "/robots.txt":
            return self.robots if isinstance(self.robots, tuple) else (200, {}, self.robots.encode())
        if path == "/" or path.startswith("/page/"):
            return self._page(int(path.rpartition("/")[2] or 0), first, headers)
        return self._other(path)

    def _page(self, number: int, first: bool, headers: dict[str, str]) -> Answer:
        if number >= self.pages:
            return 404, {}, b""
        if self.busy_every and number % self.busy_every == self.busy_every - 1 and first:
            return 429, {"Retry-After": "0"}, b""
        kind, body = page(number, self.links(number))
        etag = f'"{hashlib.sha256(body).hexdigest()[:8]}"'
        if self.tagged and headers.get("if-none-match") == etag:
            return 304, {"ETag": etag}, b""
        return 200, {"Content-Type": kind, **({"ETag": etag} if self.tagged else {})}, body

    def links(self, number: int) -> list[str]:
        """To the pages below, in many spellings, and from the first page to all that a crawler must cope with."""
        below = range(number * BELOW + 1, min(self.pages, number * BELOW + BELOW + 1))
        host = self.url.removeprefix("http://")
        found = [f"/page/{each}" for each in below]
        found += [f"/page/{each}#reviews" for each in below] + [f"//{host}/x/../page/{each}" for each in below]
        found += ["/secret/plan", f"/secret/{number}", "mailto:a@example.org", "javascript:void(0)", "http://[broken"]
        if number == 0:
            found += [
                "/loop/a",
                "/loop/self",
                "/old/1",
                "/trap/0",
                "/missing",
                "/picture.png",
                "/picture",
                "/bomb",
                "/huge",
            ]
            found += ["http://10.1.2.3/inside", "http://169.254.169.254/latest", "https://elsewhere.example.org/"]
            found += ["/twin?session=1", "/twin?session=2", "/empty"]
        return found

    def _other(self, path: str) -> Answer:
        html = {"Content-Type": "text/html"}
        if path.startswith("/trap/"):
            number = int(path.rpartition("/")[2])
            return 200, html, f"<a href=/trap/{number + 1}></a> <a href='/trap/{number + 1}?'></a>".encode()
        if path.startswith("/twin?"):
            return 200, html, page(1, [], "<link rel=canonical href=/page/1>")[1]
        moved = {"/loop/a": "/loop/b", "/loop/b": "/loop/a", "/loop/self": "/loop/self", "/old/1": "/page/1"}
        if path in moved:
            return 302, {"Location": moved[path]}, b""
        match path:
            case "/picture" | "/picture.png":
                return 200, {"Content-Type": "image/png"}, b"\x89PNG"
            case "/bomb":
                return 200, {**html, "Content-Encoding": "gzip"}, BOMB
            case "/huge":
                return 200, html, b"<p>" + b"a" * 12_000_000
            case "/empty":
                return 200, html, b"<html><body></body></html>"
        return 404, {}, b""


BOMB = gzip.compress(bytes(30_000_000))


def text(number: int) -> str:
    """What a page says, long enough to be taken for its text."""
    about = THINGS[number % len(THINGS)]
    return f"第{number}篇评论说的是{about}。" + f"我们在这里住了三天，{about}让人满意，下次还会再来。" * 4


def page(number: int, links: list[str], head: str = "") -> tuple[str, bytes]:
    """Content type and bytes: in GBK for some, as the server says, or the page, or nobody; broken for others."""
    shown = "".join(f"<li><a href='{link}'>另一篇</a>" for link in links)
    article = f"<article><h1>评论 {number}</h1><p>{text(number)}</p></article>"
    kind, meta, encoding = [
        ("text/html; charset=utf-8", "", "utf-8"),
        ("text/html", "<meta charset=gbk>", "gbk"),
        ("text/html; charset=GB2312", "", "gbk"),
        ("text/html", "", "gbk"),
        ("text/html; charset=utf-8", "", "gbk"),
    ][number % 5]
    if number % 4 == 3:
        html = f"{meta}{head}<title>评论 {number}</title><div><p><b>{article}<nav>{shown}</p><td></span><"
    else:
        html = (
            f"<!DOCTYPE html><html lang=zh-CN><head>{meta}{head}<title>评论 {number}</title></head>"
            f"<body><nav><ul>{shown}</ul></nav>{article}</body></html>"
        )
    return kind, html.encode(encoding)


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    with answering(site.answer) as site.url:
        yield site
