"""The source `crawl` against real sites on loopback."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from test_sources_files import context

from aiaas.contracts import SourceContext
from aiaas.errors import AiaasError, DataError, RemoteError
from aiaas.sources import _crawl_walk, _exchange, crawl
from tests.crawlsite import Answer, Site, page, serve, text

HTML = {"Content-Type": "text/html"}


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(Site()) as running:
        yield running


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_exchange, "BACK_OFF", 0.0)


def params(site: Site, path: str = "/", **said: Any) -> crawl.Params:
    return crawl.Params.model_validate({"source": f"crawl:{site.url}{path}", "delay": 0, "private": True, **said})


def rows(site: Site, here: SourceContext, path: str = "/", **said: Any) -> dict[str, dict[str, Any]]:
    """The rows by path."""
    found: dict[str, dict[str, Any]] = {}
    for batch in crawl.read(params(site, path, **said), here):
        for index, url in enumerate(batch["url"]):
            assert url not in found
            found[url.removeprefix(site.url)] = {name: values[index] for name, values in batch.items()}
    return found


def failure(site: Site, here: SourceContext, path: str = "/", **said: Any) -> AiaasError:
    with pytest.raises((DataError, RemoteError)) as caught:
        rows(site, here, path, **said)
    return caught.value


def answer(body: str, **headers: str) -> Any:
    return lambda asked: (200, {**HTML, **headers}, body.encode())


def article(number: int, *links: str, head: str = "") -> Any:
    return lambda asked: (200, HTML, page(number * 20, list(links), head)[1])


def broken(asked: dict[str, str]) -> Answer:
    return 503, {}, b""


def small(special: dict[str, Any], robots: str | Answer = "") -> Site:
    return Site(pages=0, special=special, robots=robots)


# --- the whole ---------------------------------------------------------------------------------------------------


def test_every_allowed_page_once_and_none_forbidden(tmp_path: Path) -> None:
    told: list[str] = []
    sizes: list[int] = []
    with serve(Site(pages=60)) as site:
        here = replace(context(tmp_path), warn=told.append, progress=lambda done, total: sizes.append(done))
        found = rows(site, here)
        assert sizes == sorted(sizes)
        assert sizes[-1] >= sum(origin.bytes for origin in crawl.origins(params(site), here)) > 30_000
        assert {site.url + path for path in found} == site.expected()
        for path, row in found.items():
            number = int(path.rpartition("/")[2] or 0)
            assert text(number) in row["text"]
            assert row["title"] == f"评论 {number}"
        assert not [path for path in site.asked if path.startswith("/secret")]
        assert max(int(path.rpartition("/")[2]) for path in site.asked if path.startswith("/trap")) <= 5
        often = {path: count for path, count in site.asked.items() if count != 1}
        assert often == {f"/page/{number}": 2 for number in range(6, 60, 7)}
    (warning,) = told
    for reason in ("status 404", "redirects in circles", "larger than", "no page but another kind", "no text"):
        assert reason in warning


SCRIPT = """
import sys
from pathlib import Path
from aiaas.contracts import SourceContext
from aiaas.sources import crawl
source, here = sys.argv[1:]
params = crawl.Params(source=source, delay=0.01, private=True)
for batch in crawl.read(params, SourceContext(Path(here), Path(here) / "cache")):
    print(*batch["url"], sep="\\n")
"""


def test_killed_three_times_it_fetches_nothing_twice(tmp_path: Path) -> None:
    with serve(Site(pages=60, busy_every=0)) as site:
        command = [sys.executable, "-c", SCRIPT, f"crawl:{site.url}/", str(tmp_path)]
        for wanted in (10, 25, 40):
            with subprocess.Popen(command, stdout=subprocess.DEVNULL) as crawler:
                while site.asked.total() < wanted and crawler.poll() is None:
                    time.sleep(0.005)
                assert crawler.poll() is None, "it was done before it could be killed"
                crawler.send_signal(signal.SIGKILL)
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert Counter(done.stdout.split()) == Counter(site.expected())
        again = site.asked - Counter(set(site.asked))
        assert again.total() <= 3, again  # the page that was on its way when it was killed


def test_two_crawls_at_once_fetch_each_page_once(tmp_path: Path) -> None:
    with serve(Site(pages=20, busy_every=0)) as site:
        command = [sys.executable, "-c", SCRIPT, f"crawl:{site.url}/", str(tmp_path)]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        for each in both:
            assert Counter(each.communicate()[0].split()) == Counter(site.expected())
        assert set(site.asked.values()) == {1}


def test_a_second_crawl_asks_only_for_what_changed(site: Site, tmp_path: Path) -> None:
    here = context(tmp_path)
    before = rows(site, here)
    print_ = crawl.fingerprint(params(site), here)
    asked = site.asked.total()
    assert rows(site, here) == before
    assert site.asked.total() == asked
    site.headers.clear()
    site.special["/page/3"] = article(3)
    site.pages = 25
    again = replace(here, refresh=True, began=time.time())
    new_print = crawl.fingerprint(params(site), again)
    assert new_print != print_
    after = rows(site, again)
    assert {site.url + path for path in after} == site.expected()
    assert [row for path, row in after.items() if path != "/page/3"] == [
        row for path, row in before.items() if path in after and path != "/page/3"
    ]
    assert text(60) in after["/page/3"]["text"]
    conditional = [each for each in site.headers if "if-none-match" in each]
    assert len(conditional) >= 25
    asked = site.asked.total()
    assert rows(site, again) == after  # once a command
    assert crawl.fingerprint(params(site), again) == new_print
    assert site.asked.total() == asked


def test_offline_reads_a_finished_crawl_and_nothing_else(site: Site, tmp_path: Path) -> None:
    here = context(tmp_path)
    offline = replace(here, offline=True)
    assert "--offline" in failure(site, offline).message
    crawl.fingerprint(params(site), here)
    assert "not crawled to its end" in failure(site, offline).message
    found = rows(site, here)
    asked = site.asked.total()
    assert rows(site, replace(offline, refresh=True)) == found
    assert site.asked.total() == asked


def test_a_refresh_that_fails_leaves_the_crawl_before(site: Site, tmp_path: Path) -> None:
    here = context(tmp_path)
    found, print_ = rows(site, here), crawl.fingerprint(params(site), here)
    site.special |= {f"/page/{number}": broken for number in range(2, 9)}
    again = replace(here, refresh=True, began=time.time())
    assert "pages in a row" in failure(site, again).message
    offline = replace(here, offline=True)
    assert rows(site, offline) == found
    assert crawl.fingerprint(params(site), offline) == print_
    site.special.clear()
    assert rows(site, here) == found
    assert crawl.fingerprint(params(site), here) == crawl.fingerprint(params(site), again) != print_
    site.special["/"] = broken
    later = replace(here, refresh=True, began=time.time())
    assert "cannot be had: status 503" in failure(site, later).message
    assert rows(site, here) == found


def test_the_first_page_is_fetched_to_plan_and_not_again(site: Site, tmp_path: Path) -> None:
    before = crawl.fingerprint(params(site), context(tmp_path))
    assert site.asked == {"/robots.txt": 1, "/": 1}
    rows(site, context(tmp_path))
    assert site.asked["/"] == 1
    assert crawl.fingerprint(params(site), context(tmp_path)) == before
    origins = crawl.origins(params(site), context(tmp_path))
    assert {origin.location for origin in origins} >= site.expected()
    assert all(origin.sha256 and origin.bytes for origin in origins)


# --- bounds ------------------------------------------------------------------------------------------------------


def test_depth_and_pages_are_bounded(site: Site, tmp_path: Path) -> None:
    assert set(rows(site, context(tmp_path / "1"), depth=0)) == {"/"}
    told: list[str] = []
    found = rows(site, replace(context(tmp_path / "2"), warn=told.append), max_pages=5)
    assert list(found) == ["/", "/page/1", "/page/2", "/page/3", "/page/4"]
    assert "stopped at max_pages: 5" in told[-1]


def test_a_trap_of_endless_links_ends_at_the_limits(tmp_path: Path) -> None:
    trap = {f"/t/{n}": article(n, *(f"/t/{each}" for each in range(n * 3 + 1, n * 3 + 4))) for n in range(200)}
    with serve(small({"/": article(0, "/t/0"), **trap})) as site:
        assert len(rows(site, context(tmp_path / "1"), max_pages=30, depth=50)) == 30
        assert len(rows(site, context(tmp_path / "2"), depth=4)) == 1 + 1 + 3 + 9 + 27


def test_only_some_paths(tmp_path: Path) -> None:
    special = {"/": article(0, "/news/1", "/blog/1", "/news/deep/2"), "/news/1": article(1), "/news/deep/2": article(2)}
    with serve(small(special)) as site:
        assert set(rows(site, context(tmp_path), only=("/news/*",))) == {"/", "/news/1", "/news/deep/2"}
        assert "/blog/1" not in site.asked


def test_other_hosts_are_left_alone_unless_named(tmp_path: Path) -> None:
    with serve(small({"/": article(1), "/a": article(2)})) as other:
        elsewhere = other.url.replace("127.0.0.1", "localhost")
        with serve(small({"/": article(0, f"{elsewhere}/a", f"{other.url}/a")})) as site:
            assert len(rows(site, context(tmp_path / "1"))) == 1
            assert not other.asked
            port = other.url.rpartition(":")[2]
            found = rows(site, context(tmp_path / "2"), domains=("127.0.0.1", f"localhost:{port}"))
            assert set(found) == {"/", f"{elsewhere}/a"}
            assert other.asked == {"/robots.txt": 1, "/a": 1}


def test_addresses_have_one_form(tmp_path: Path) -> None:
    links = [
        "/a?x=1&y=2",
        "/a?y=2&x=1",
        "/a?x=1&y=2#top",
        "/b/../a?x=1&y=2",
        "/%61?x=1&y=2",
        "A",
        "/caf%c3%a9",
        "/café",
    ]
    special = {"/": article(0, *links)}
    special |= {path: article(n) for n, path in enumerate(("/a?x=1&y=2", "/a?y=2&x=1", "/a", "/A", "/caf%C3%A9"), 1)}
    with serve(small(special)) as site:
        kept = rows(site, context(tmp_path / "keep"))
        assert set(kept) == {"/", "/a?x=1&y=2", "/a?y=2&x=1", "/A", "/caf%C3%A9"}
        assert "/a?y=2&x=1" not in rows(site, context(tmp_path / "sort"), query="sort")
        assert "/a" in rows(site, context(tmp_path / "drop"), query="drop")


def test_the_proper_form_of_a_page_stands_for_it(tmp_path: Path) -> None:
    head = "<link rel='canonical' href='/proper#x'>"
    gone = "<link rel=canonical href=/gone>"
    away = "<link rel=canonical href=https://elsewhere.example.org/>"
    special = {
        "/": article(0, "/a?session=1", "/a?session=2", "/b", "/c"),
        "/a?session=1": article(1, head=head),
        "/a?session=2": article(1, head=head),
        "/proper": article(1, head=head),
        "/b": article(2, head=gone),
        "/c": article(3, head=away),
    }
    with serve(small(special)) as site:
        assert set(rows(site, context(tmp_path))) == {"/", "/proper", "/b", "/c"}


def test_what_a_page_asks_of_crawlers_is_done(tmp_path: Path) -> None:
    special = {
        "/": article(0, "/a", "/b", "/c' rel='nofollow"),
        "/a": article(1, "/d", head="<meta name=robots content='NOINDEX'>"),
        "/b": article(2, "/e", head="<meta name=robots content='nofollow'>"),
        "/d": article(4),
    }
    with serve(small(special)) as site:
        assert set(rows(site, context(tmp_path))) == {"/", "/b", "/d"}
        assert not {"/c", "/e"} & set(site.asked)


def test_what_the_header_of_a_page_asks_of_crawlers_is_done(tmp_path: Path) -> None:
    asked = {
        "/a": "noindex",
        "/b": "otherbot: noindex, nofollow",
        "/c": "max-snippet: 20, nofollow",
        "/d": "otherbot: index, aiaas: none",
    }
    special = {"/": article(0, *asked), **{f"{path}/x": article(n) for n, path in enumerate(asked, 5)}}
    for number, (path, rules) in enumerate(asked.items(), 1):
        body = page(number * 20, [f"{path}/x"])[1]
        special[path] = lambda said, body=body, rules=rules: (200, {**HTML, "X-Robots-Tag": rules}, body)
    with serve(small(special)) as site:
        assert set(rows(site, context(tmp_path))) == {"/", "/a/x", "/b", "/b/x", "/c"}
        assert not {"/c/x", "/d/x"} & set(site.asked)


def test_a_beginning_that_is_not_to_be_indexed_still_leads_somewhere(tmp_path: Path) -> None:
    head = "<meta name=robots content='noindex, follow'><link rel=canonical href=/elsewhere>"
    special = {"/": article(0, "/a/1", head=head), "/a/1": article(1), "/elsewhere": article(2)}
    with serve(small(special)) as site:
        assert set(rows(site, context(tmp_path), only=("/a/*",))) == {"/a/1"}
        assert "/elsewhere" not in site.asked


# --- robots.txt --------------------------------------------------------------------------------------------------


def test_the_group_for_our_name_goes_before_that_for_all(tmp_path: Path) -> None:
    robots = "User-agent: *\nDisallow: /\n\nUser-agent: aiaas\nDisallow: /a\nAllow: /a/b$\n"
    special = {"/": article(0, "/a/c", "/a/b"), "/a/b": article(1)}
    with serve(small(special, robots)) as site:
        assert set(rows(site, context(tmp_path))) == {"/", "/a/b"}
        error = failure(site, context(tmp_path / "other"), user_agent="other/1.0")
        assert isinstance(error, RemoteError)
        assert "forbidden by robots.txt" in error.message
        assert error.where == f"crawl:{site.url}/"


@pytest.mark.parametrize("packed", [False, True])
def test_a_robots_txt_of_ten_megabytes_is_cut_at_a_line(tmp_path: Path, packed: bool) -> None:
    import gzip

    filler = "# nothing to see here, and a lot of it, line by line by line by line\n"
    count = 500 * 1024 // len(filler)
    rules = (
        "User-agent: *\nDisallow: /early\n"
        + filler * (count - 1)
        + "Disallow: /late/and/cut/in/the/middle/of/a/line/that/is/long\n"
    )
    body = (rules + filler * 140_000).encode()
    assert len(body) > 9_500_000
    said: Answer = (200, {"Content-Encoding": "gzip"}, gzip.compress(body)) if packed else (200, {}, body)
    special = {"/": article(0, "/early", "/late", "/late/and/cut/in/the/middle"), "/late": article(1)}
    with serve(small(special, said)) as site:
        assert set(rows(site, context(tmp_path))) == {"/", "/late"}
        assert "/early" not in site.asked
        assert site.asked["/late/and/cut/in/the/middle"] == 1


@pytest.mark.parametrize("status", [404, 403, 401])
def test_without_a_robots_txt_all_is_allowed(tmp_path: Path, status: int) -> None:
    with serve(small({"/": article(0)}, (status, {}, b""))) as site:
        assert set(rows(site, context(tmp_path))) == {"/"}


@pytest.mark.parametrize("status", [500, 503, 429])
def test_while_robots_txt_fails_nothing_is_fetched(tmp_path: Path, status: int) -> None:
    with serve(small({"/": article(0)}, (status, {}, b""))) as site:
        error = failure(site, context(tmp_path))
        assert isinstance(error, RemoteError)
        assert "robots.txt" in error.message
        assert error.where == f"crawl:{site.url}/"
        assert set(site.asked) == {"/robots.txt"}


def test_a_robots_txt_may_be_elsewhere(tmp_path: Path) -> None:
    special = {"/": article(0, "/a"), "/rules": lambda asked: (200, {}, b"User-agent: *\nDisallow: /a\n")}
    with serve(small(special, (301, {"Location": "/rules"}, b""))) as site:
        assert set(rows(site, context(tmp_path))) == {"/"}


@pytest.mark.parametrize("rule", ["Crawl-delay: 0.3", "Request-rate: 10/3"])
def test_the_delay_that_a_site_wants_is_kept(tmp_path: Path, rule: str) -> None:
    special = {"/": article(0, "/a", "/b"), "/a": article(1), "/b": article(2)}
    with serve(small(special, f"User-agent: *\n{rule}\n")) as site:
        began = time.monotonic()
        rows(site, context(tmp_path))
        assert time.monotonic() - began >= 0.6


def test_our_own_delay_is_kept(tmp_path: Path) -> None:
    with serve(small({"/": article(0, "/a"), "/a": article(1)})) as site:
        began = time.monotonic()
        rows(site, context(tmp_path), delay=0.3)
        assert time.monotonic() - began >= 0.6


def test_a_site_that_wants_to_be_asked_once_an_hour_is_left_alone(tmp_path: Path) -> None:
    with serve(small({"/": article(0)}, "User-agent: *\nCrawl-delay: 3600\n")) as site:
        assert "wants 3,600 s between requests" in failure(site, context(tmp_path)).message
        assert "/" not in site.asked


# --- servers that fail -------------------------------------------------------------------------------------------


def once(status: int, then: Any, **headers: str) -> Any:
    """An answer that fails the first time."""
    asked: list[int] = []

    def give(said: dict[str, str]) -> Answer:
        asked.append(1)
        return (status, headers, b"") if len(asked) == 1 else then(said)

    return give


def test_busy_servers_are_asked_again_when_they_say(tmp_path: Path) -> None:
    special = {"/": article(0, "/a"), "/a": once(503, article(1), **{"Retry-After": "1"})}
    with serve(small(special)) as site:
        began = time.monotonic()
        assert set(rows(site, context(tmp_path))) == {"/", "/a"}
        assert time.monotonic() - began >= 1


def test_a_server_that_wants_us_back_tomorrow_is_left_and_gone_on_with(tmp_path: Path) -> None:
    special = {"/": article(0, "/a", "/b"), "/a": once(429, article(1), **{"Retry-After": "86400"}), "/b": article(2)}
    with serve(small(special)) as site:
        error = failure(site, context(tmp_path))
        assert "asks to wait 86,400 s" in error.message
        assert "goes on where it stopped" in str(error.hint)
        assert "/b" not in site.asked
        assert set(rows(site, context(tmp_path))) == {"/", "/a", "/b"}
        assert site.asked["/"] == 1


def test_pages_that_fail_are_passed_over_and_a_site_that_fails_is_gone_on_with(tmp_path: Path) -> None:
    failing = {f"/{n}": broken for n in range(5)}
    special = {"/": article(0, *failing, "/z"), "/z": article(1), **failing}
    with serve(small(special)) as site:
        error = failure(site, context(tmp_path))
        assert f"status 503, {_crawl_walk.SILENT} pages in a row" in error.message
        for n in range(1, 5):
            site.special[f"/{n}"] = article(n + 2)
        assert set(rows(site, context(tmp_path))) == {"/", "/z", "/1", "/2", "/3", "/4"}


def test_a_site_that_is_gone_leaves_nothing_behind(tmp_path: Path) -> None:
    with serve(small({})) as site:
        error = failure(site, context(tmp_path))
        assert "status 404" in error.message
        assert error.where == f"crawl:{site.url}/"
        site.special["/"] = article(0)
        assert set(rows(site, context(tmp_path))) == {"/"}


def test_silent_and_slow_servers(tmp_path: Path) -> None:
    def slow(asked: dict[str, str]) -> Answer:
        time.sleep(2.5)
        return 200, HTML, b"<p>late"

    with serve(small({"/": article(0, "/slow", "/a"), "/slow": slow, "/a": article(1)})) as site:
        assert set(rows(site, context(tmp_path), timeout=1.0)) == {"/", "/a"}


@pytest.mark.parametrize(
    ("target", "told"),
    [("/loop", "in circles"), ("https://elsewhere.example.org/", "another site"), ("ftp://127.0.0.1/", "another site")],
)
def test_a_beginning_that_leads_nowhere(tmp_path: Path, target: str, told: str) -> None:
    with serve(small({"/loop": lambda asked: (302, {"Location": target}, b"")})) as site:
        assert told in failure(site, context(tmp_path), "/loop").message


def test_redirects_are_followed_a_few_times(tmp_path: Path) -> None:
    special: dict[str, Any] = {
        f"/{n}": (lambda asked, n=n: (301, {"Location": f"/{n + 1}"}, b"")) for n in (*range(5), *range(10, 16))
    }
    special |= {"/": article(0, "/0", "/10"), "/5": article(5), "/16": article(6)}
    with serve(small(special)) as site:
        assert set(rows(site, context(tmp_path))) == {"/", "/5"}


# --- pages that are strange --------------------------------------------------------------------------------------


def test_encodings(tmp_path: Path) -> None:
    html = "<html><head>{0}<title>评论</title></head><body><article><p>" + text(1) + "</p></article>"
    meta = "<meta charset={0}>"
    kinds: dict[str, tuple[str, bytes]] = {
        "utf-16": ("text/html", html.format("").encode("utf-16")),
        "unknown": ("text/html; charset=klingon", html.format(meta.format("klingon")).encode("gbk")),
        "lying-meta": ("text/html", html.format(meta.format("utf-8")).encode("gbk")),
        "lying-header": ("text/html; charset=gbk", html.format(meta.format("utf-8")).encode("utf-8")),
        "utf-7": ("text/html; charset=utf-7", html.format("").encode("utf-8")),
        "xhtml": ("application/xhtml+xml", ("<?xml version='1.0' encoding='gb2312'?>" + html.format("")).encode("gbk")),
        "no-text": ("text/html; charset=rot13", html.format("").encode("gbk")),
        "escapes": ("text/html; charset=unicode_escape", html.format("").encode("utf-16")),
        "plain": ("text/plain; charset=gbk", text(1).encode("gbk")),
        "no-type": ("", html.format("").encode("gb18030")),
        "pragma": (
            "text/html",
            html.format("<meta http-equiv='Content-Type' content='text/html; charset=gb2312'>").encode("gb18030"),
        ),
    }
    special: dict[str, Any] = {"/": article(0, *(f"/{name}" for name in kinds))}
    for name, (kind, body) in kinds.items():
        special[f"/{name}"] = lambda asked, kind=kind, body=body: (200, {"Content-Type": kind} if kind else {}, body)
    with serve(small(special)) as site:
        found = rows(site, context(tmp_path))
        garbled = [name for name in kinds if text(1) not in found.get(f"/{name}", {}).get("text", "")]
        assert not garbled


def test_links_are_in_the_encoding_of_their_page(tmp_path: Path) -> None:
    body = "<a href='/search?q=酒店'>酒店</a><a href='/酒店'>酒店</a>".encode("gbk")
    special: dict[str, Any] = {"/": lambda asked: (200, {"Content-Type": "text/html; charset=gbk"}, body)}
    special |= {"/search?q=%BE%C6%B5%EA": article(1), "/%E9%85%92%E5%BA%97": article(2)}
    with serve(small(special)) as site:
        rows(site, context(tmp_path))
        assert set(special) <= set(site.asked)


STRANGE = {
    "deep": b"<div>" * 10_000 + "深".encode() * 50,
    "deep-links": b"<a href=/a>" * 10_000,
    "nul": b"<p>\0\0\0<a href=/a\0b>" + bytes(1000),
    "noise": bytes(range(256)) * 40,
    "unclosed": b"<html><body><p><table><tr><td><!-- <script>" + b"x" * 1000,
    "cut": "<p>很好".encode()[:-1],
    "wide": b"<p " + b"a=b " * 50_000 + b">",
    "entities": b"<p>&#0;&#xD800;&#1114112;&bogus;&amp" * 100,
    "base": b"<base href='http://[::1'><a href=a>" + b"<base href=//elsewhere.example.org><a href=b>",
    "refresh": b"<meta http-equiv=refresh content='0; url=http://['>",
    "meta": b"<meta name=robots><meta name><meta content=x><link rel=canonical><link href=x>",
    "svg": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
    "pdf": b"%PDF-1.7 " + b"x" * 100,
    "zip": b"PK\x03\x04" + bytes(100),
    "spaces": b" \n\t ",
}


def test_strange_pages_stop_nothing(tmp_path: Path) -> None:
    special: dict[str, Any] = {"/": article(0, *(f"/{name}" for name in STRANGE), "/z"), "/z": article(1)}
    for name, body in STRANGE.items():
        special[f"/{name}"] = lambda asked, body=body: (200, HTML, body)
    with serve(small(special)) as site:
        found = rows(site, context(tmp_path))
        assert {"/", "/z"} <= set(found)
        assert not {"/pdf", "/zip", "/spaces"} & set(found)


@pytest.mark.parametrize(
    "robots",
    [
        "<!DOCTYPE html><html><body>no such file</body></html>",
        "User-agent: *\nCrawl-delay: soon\nRequest-rate: 1/0\nRequest-rate: x\nSitemap: http://[\n",
        "\0\0\xff" * 1000,
        "Disallow: /\n",  # of no group
        "User-agent: *\nDisallow: /*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/x$\n",
    ],
)
def test_a_robots_txt_that_makes_no_sense_forbids_nothing(tmp_path: Path, robots: str) -> None:
    special = {"/": article(0, "/" + "a/" * 500), "/" + "a/" * 500: article(1)}
    with serve(small(special, robots)) as site:
        assert len(rows(site, context(tmp_path))) == 2


def test_a_server_that_gives_nothing_but_its_cookies_is_asked_without(tmp_path: Path) -> None:
    special = {"/": lambda asked: (200, {**HTML, "Set-Cookie": "id=1"}, page(0, ["/a"])[1]), "/a": article(1)}
    with serve(small(special)) as site:
        rows(site, context(tmp_path))
        assert not [each for each in site.headers if "cookie" in each]


def test_an_unasked_304_is_no_page(tmp_path: Path) -> None:
    special = {"/": article(0, "/a"), "/a": lambda asked: (304, {}, b"")}
    with serve(small(special)) as site:
        assert set(rows(site, context(tmp_path))) == {"/"}


# --- private addresses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "127.1", "[::ffff:127.0.0.1]"])
def test_a_private_address_is_not_asked_unless_the_recipe_says_so(site: Site, tmp_path: Path, host: str) -> None:
    port = site.url.rpartition(":")[2]
    source = f"crawl:http://{host}:{port}/"
    with pytest.raises(RemoteError, match="no public address") as caught:
        list(crawl.read(crawl.Params(source=source, delay=0), context(tmp_path)))
    assert caught.value.where == source
    assert "private: true" in str(caught.value.hint)
    assert not site.asked


def test_an_address_that_is_none_is_told(site: Site, tmp_path: Path) -> None:
    source = f"crawl:{site.url.replace('127.0.0.1', '0177.0.0.1')}/"
    with pytest.raises(RemoteError, match="cannot be used") as caught:
        list(crawl.read(crawl.Params(source=source), context(tmp_path)))
    assert caught.value.where == source
    assert not site.asked


def test_a_network_may_be_allowed(site: Site, tmp_path: Path) -> None:
    assert len(rows(site, context(tmp_path), private=("127.0.0.0/8",), depth=0)) == 1
    assert "no public address" in failure(site, context(tmp_path / "2"), private=("10.0.0.0/8",)).message
    with pytest.raises(ValidationError, match="is no network"):
        params(site, private=("10.0.0.1/8",))


class Names:
    """Name servers, as far as this process knows: `said` are the answers for a name, one a question, the last one for
    ever; `asked` counts the questions."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **said: list[str]) -> None:
        self.said = {name.replace("_", "."): answers for name, answers in said.items()}
        self.asked: Counter[str] = Counter()
        self.real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self.look_up)

    def look_up(self, host: str, *rest: Any, **more: Any) -> Any:
        if host not in self.said:
            return self.real(host, *rest, **more)
        self.asked[host] += 1
        answers = self.said[host]
        return self.real(answers.pop(0) if len(answers) > 1 else answers[0], *rest, **more)


HERE = ("127.0.0.1/32",)
"""What stands for the public internet where the rest of loopback stands for a private network."""


def test_a_redirect_or_a_link_into_a_private_network_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Names(monkeypatch, inside_test=["127.0.0.2"])
    special = {"/": article(0, "/away", "/a", "http://127.0.0.2/b", "http://[::ffff:127.0.0.2]/c"), "/a": article(1)}
    with serve(small(special)) as site:
        special["/away"] = lambda asked: (302, {"Location": f"{site.url.replace('127.0.0.1', 'inside.test')}/"}, b"")
        told: list[str] = []
        here = replace(context(tmp_path), warn=told.append)
        domains = ("127.0.0.1", "inside.test", "127.0.0.2")
        assert set(rows(site, here, private=HERE, domains=domains)) == {"/", "/a"}
        assert "2 at an address that is not public" in told[0]


def test_a_name_that_changes_its_meaning_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that was checked is the one that is connected to; the next request asks and is checked again."""
    with serve(small({"/": article(0, "/a"), "/a": article(1)})) as site:
        named = site.url.replace("127.0.0.1", "rebinding.test")
        names = Names(monkeypatch, rebinding_test=["127.0.0.1", "127.0.0.1", "127.0.0.2"])
        source = crawl.Params(source=f"crawl:{named}/", delay=0, private=HERE)
        found = [url for batch in crawl.read(source, context(tmp_path)) for url in batch["url"]]
        assert found == [f"{named}/"]
        assert site.asked == {"/robots.txt": 1, "/": 1}
        assert names.asked["rebinding.test"] == 3
        assert {each["host"] for each in site.headers} == {named.removeprefix("http://")}


def test_of_several_addresses_of_a_name_only_the_public_ones_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    both = [real(each, 80, type=socket.SOCK_STREAM)[0] for each in ("127.0.0.2", "127.0.0.1")]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest, **more: both if host == "two.test" else real(host, *rest, **more)
    )
    with serve(small({"/": article(0)})) as site:
        named = f"crawl:{site.url.replace('127.0.0.1', 'two.test')}/"
        assert len(list(crawl.read(crawl.Params(source=named, delay=0, private=HERE), context(tmp_path)))) == 1


# --- what stands in a recipe -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        {"source": "crawl:example.org"},
        {"source": "crawl:ftp://example.org/"},
        {"source": "crawl:https://me:pw@example.org/"},
        {"source": "crawl:https://example.org/", "domains": ("https://example.org",)},
        {"source": "crawl:https://example.org/", "domains": ("*.example.org",)},
        {"source": "crawl:https://example.org/", "user_agent": "1"},
        {"source": "crawl:https://example.org/", "user_agent": "a\r\nX: y"},
        {"source": "crawl:https://example.org/", "max_pages": 0},
    ],
)
def test_what_is_no_crawl_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        crawl.Params.model_validate(said)


def test_a_damaged_store_is_told_and_named(site: Site, tmp_path: Path) -> None:
    rows(site, context(tmp_path), depth=0)
    (path,) = tmp_path.rglob("*.sqlite")
    path.write_bytes(b"no database " * 100)
    error = failure(site, context(tmp_path), depth=0)
    assert isinstance(error, DataError)
    assert str(path.parent) in str(error.hint)
