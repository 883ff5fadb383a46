"""JSON APIs, read page by page from a real server on loopback."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from test_sources_files import context

from aiaas.contracts import SourceContext
from aiaas.errors import AiaasError, DataError, RemoteError
from aiaas.sources import _exchange, http
from tests.apiserver import Answer, Api, giving, serve

FIELDS = {"text": "$.body", "n": "$.id"}
WAYS: dict[str, dict[str, Any]] = {
    "page": {"by": "page"},
    "offset": {"by": "offset"},
    "cursor": {"by": "cursor", "cursor": "$.after"},
    "next": {"by": "cursor", "cursor": "$.next"},
    "link": {"by": "link"},
}


@pytest.fixture
def api() -> Iterator[Api]:
    with serve(Api()) as running:
        yield running


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_exchange, "BACK_OFF", 0.0)


def params(api: Api, path: str = "/page", more: dict[str, Any] | None = None, **said: Any) -> http.Params:
    """The recipe for a path, paginated as it is called; `said` belongs under `api`, `more` beside it."""
    way = {"pages": WAYS[path[1:]]} if path[1:] in WAYS else {}
    inside = {"rows": "$.items[*]", "per_second": 1000.0, **way, **said}
    address = path if "://" in path else api.url + path
    return http.Params.model_validate({"source": address, "api": inside, **(more or {})})


def rows(api: Api, here: SourceContext, *words: Any, **said: Any) -> list[dict[str, Any]]:
    found = []
    for batch in http.read(params(api, *words, **said), here):
        found += [dict(zip(batch, values, strict=True)) for values in zip(*batch.values(), strict=True)]
    return found


def failure(api: Api, here: SourceContext, *words: Any, **said: Any) -> AiaasError:
    with pytest.raises((DataError, RemoteError)) as caught:
        rows(api, here, *words, **said)
    return caught.value


# --- pages -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_all_pages_are_read_in_order_and_once(api: Api, tmp_path: Path, way: str) -> None:
    here = context(tmp_path)
    before = http.fingerprint(params(api, f"/{way}"), here)
    assert len(api.asked) == 1
    assert rows(api, here, f"/{way}") == api.rows
    assert len(api.asked) == 3 + (way in ("page", "offset"))  # those two end at a page without rows
    assert rows(api, here, f"/{way}", fields=FIELDS) == [{"text": row["body"], "n": row["id"]} for row in api.rows]
    assert len(api.asked) == 3 + (way in ("page", "offset"))
    assert http.fingerprint(params(api, f"/{way}"), here) == before
    (origin,) = http.origins(params(api, f"/{way}"), here)
    assert origin.location == f"{api.url}/{way}"
    assert origin.bytes > 1000
    assert origin.revision == before["reading"]


def test_an_answer_that_is_a_list_needs_no_path(api: Api, tmp_path: Path) -> None:
    api.special["/list"] = giving(api.rows)
    assert rows(api, context(tmp_path), "/list", rows="$[*]", query={"lang": "zh", "n": 5, "all": True}) == api.rows
    assert api.asked == ["/list?lang=zh&n=5&all=true"]


def test_the_total_that_a_server_tells_ends_the_pages_and_is_held_against_it(api: Api, tmp_path: Path) -> None:
    told: list[str] = []
    here = replace(context(tmp_path), warn=told.append)
    pages = {"by": "page", "total": "$.meta.total"}
    assert rows(api, here, pages=pages) == api.rows
    assert len(api.asked) == 3
    assert not told
    api.special["/page"] = lambda query: giving(
        {"items": api.rows[:10] if query["page"] == "1" else [], "meta": {"total": 25}}
    )(query)
    assert len(rows(api, replace(here, cache=tmp_path / "2"), pages=pages)) == 10
    assert "says that there are 25 rows, and gave 10" in told[0]


def test_a_server_that_gives_fewer_rows_than_asked_for_loses_none(api: Api, tmp_path: Path) -> None:
    assert rows(api, context(tmp_path), "/offset", query={"limit": 100}) == api.rows


def test_a_page_beyond_the_last_may_be_answered_by_404(api: Api, tmp_path: Path) -> None:
    real = Api(rows=api.rows)
    api.special["/page"] = lambda query: (
        (404, {}, b"") if int(query["page"]) > 3 else real.answer(f"/page?page={query['page']}", {})
    )
    assert rows(api, context(tmp_path)) == api.rows
    api.special["/page"] = giving(b"", 404)
    error = failure(api, context(tmp_path / "2"))
    assert isinstance(error, RemoteError)
    assert "status 404" in error.message


def test_pages_are_bounded_and_go_on_where_more_are_wanted(api: Api, tmp_path: Path) -> None:
    told: list[str] = []
    here = replace(context(tmp_path), warn=told.append)
    assert rows(api, here, max_pages=2) == api.rows[:20]
    assert "stopped at max_pages: 2" in told[0]
    assert len(api.asked) == 2
    assert rows(api, here, max_pages=9) == api.rows
    assert api.asked[2:] == ["/page?page=3", "/page?page=4"]
    assert rows(api, here, max_pages=1) == api.rows[:10]


@pytest.mark.parametrize("path", ["/page", "/offset"])
def test_a_parameter_that_the_server_does_not_know_is_noticed(api: Api, tmp_path: Path, path: str) -> None:
    api.special[path] = giving({"items": api.rows[:10]})
    error = failure(api, context(tmp_path), path)
    assert isinstance(error, DataError)
    assert "round in circles: page 2 holds the same rows" in error.message
    assert "pages.parameter" in str(error.hint)
    assert len(api.asked) == 2


@pytest.mark.parametrize("cursor", ["c10", "/cursor?cursor=c10"])
def test_a_cursor_that_leads_back_is_noticed(api: Api, tmp_path: Path, cursor: str) -> None:
    counted = iter(range(100))
    api.special["/cursor"] = lambda query: giving({"items": [{"n": next(counted)}], "after": cursor})(query)
    assert "leads back to a page" in failure(api, context(tmp_path), "/cursor").message
    assert len(api.asked) == 2


def test_a_link_that_leads_back_is_noticed(api: Api, tmp_path: Path) -> None:
    counted = iter(range(100))
    api.special["/link"] = lambda query: giving({"items": [{"n": next(counted)}]}, Link='<?at=1>; rel="next"')(query)
    assert "leads back to a page" in failure(api, context(tmp_path), "/link").message


def test_cursors_that_change_while_the_rows_do_not_are_noticed(api: Api, tmp_path: Path) -> None:
    counted = iter(range(100))
    api.special["/cursor"] = lambda query: giving({"items": api.rows[:2], "after": f"c{next(counted)}"})(query)
    assert "same rows" in failure(api, context(tmp_path), "/cursor").message


# --- interrupted, refreshed, offline -----------------------------------------------------------------------------

SCRIPT = """
import json, sys
from pathlib import Path
from aiaas.contracts import SourceContext
from aiaas.sources import http
source, here = sys.argv[1:]
api = {"rows": "$.items[*]", "pages": {"by": "page"}, "per_second": 50.0}
params = http.Params.model_validate({"source": source, "api": api})
for batch in http.read(params, SourceContext(Path(here), Path(here) / "cache")):
    print(*batch["id"], sep="\\n")
"""


def test_killed_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with serve(Api(rows=[{"id": n} for n in range(60)], size=2)) as api:
        command = [sys.executable, "-c", SCRIPT, f"{api.url}/page", str(tmp_path)]
        for wanted in (8, 20):
            with subprocess.Popen(command, stdout=subprocess.DEVNULL) as reader:
                while len(api.asked) < wanted and reader.poll() is None:
                    time.sleep(0.005)
                assert reader.poll() is None, "it was done before it could be killed"
                reader.send_signal(signal.SIGKILL)
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.split() == [str(n) for n in range(60)]
        assert len(api.asked) - len(set(api.asked)) <= 2  # the page that was on its way when it was killed


def test_a_server_that_fails_in_the_middle_is_gone_on_with(api: Api, tmp_path: Path) -> None:
    real = Api(rows=api.rows)
    api.special["/page"] = lambda query: (
        (500, {}, b"") if query["page"] == "3" else real.answer(f"/page?page={query['page']}", {})
    )
    error = failure(api, context(tmp_path))
    assert isinstance(error, RemoteError)
    assert "goes on where it stopped" in str(error.hint)
    del api.special["/page"]
    asked = len(api.asked)
    assert rows(api, context(tmp_path)) == api.rows
    assert api.asked[asked:] == ["/page?page=3", "/page?page=4"]


def test_refresh_reads_anew_once_a_command(api: Api, tmp_path: Path) -> None:
    here = context(tmp_path)
    before = http.fingerprint(params(api), here)
    assert rows(api, here) == api.rows
    api.rows = api.rows[:3]
    assert len(rows(api, here)) == 25
    again = replace(here, refresh=True, began=time.time())
    anew = http.fingerprint(params(api), again)
    assert anew != before
    assert rows(api, again) == api.rows
    asked = len(api.asked)
    assert rows(api, again) == api.rows
    assert http.fingerprint(params(api), again) == anew == http.fingerprint(params(api), here)
    assert len(api.asked) == asked
    assert len([path for path in tmp_path.rglob("*") if path.is_dir() and path.parent.parent.name == "api"]) == 1


def test_a_refresh_that_fails_leaves_the_reading_before(api: Api, tmp_path: Path) -> None:
    here = context(tmp_path)
    before, print_ = rows(api, here), http.fingerprint(params(api), here)
    real = Api(rows=api.rows[:21])
    for broken in ("1", "3"):
        api.special["/page"] = lambda query, broken=broken: (
            (500, {}, b"") if query["page"] == broken else real.answer(f"/page?page={query['page']}", {})
        )
        again = replace(here, refresh=True, began=time.time())
        assert "status" in failure(api, again).message or "answered 500" in failure(api, again).message
        offline = replace(here, offline=True)
        assert rows(api, offline) == before
        assert http.fingerprint(params(api), offline) == print_
        assert (http.fingerprint(params(api), here) == print_) == (broken == "1")
    del api.special["/page"]
    api.rows = real.rows
    assert rows(api, here) == real.rows


def test_a_page_that_is_gone_from_the_cache_is_fetched_again_and_a_damaged_one_named(api: Api, tmp_path: Path) -> None:
    rows(api, context(tmp_path))
    pages = sorted(path for path in tmp_path.rglob("00000*") if path.is_file())
    pages[2].unlink()
    assert "not all of its pages" in failure(api, replace(context(tmp_path), offline=True)).message
    assert rows(api, context(tmp_path)) == api.rows
    assert api.asked[4:] == ["/page?page=3", "/page?page=4"]
    pages[1].write_bytes(b"{}")
    error = failure(api, context(tmp_path))
    assert "page 2 is damaged" in error.message
    assert error.where == str(pages[1])


def test_two_commands_at_once_ask_for_each_page_once(tmp_path: Path) -> None:
    with serve(Api(rows=[{"id": n} for n in range(20)], size=2)) as api:
        command = [sys.executable, "-c", SCRIPT, f"{api.url}/page", str(tmp_path)]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        assert [each.communicate()[0].split() for each in both] == [[str(n) for n in range(20)]] * 2
        assert len(api.asked) == len(set(api.asked))


def test_offline_reads_what_is_there_and_nothing_else(api: Api, tmp_path: Path) -> None:
    here = context(tmp_path)
    offline = replace(here, offline=True)
    assert "not downloaded" in failure(api, offline).message
    http.fingerprint(params(api), here)
    assert "not all of its pages" in failure(api, offline).message
    rows(api, here)
    asked = len(api.asked)
    assert rows(api, replace(offline, refresh=True)) == api.rows
    assert len(api.asked) == asked


# --- manners -----------------------------------------------------------------------------------------------------


def test_retry_after_is_honoured_in_both_forms(api: Api, tmp_path: Path) -> None:
    api.refusals = [
        (429, {"Retry-After": "1"}),
        (503, {"Retry-After": formatdate(time.time() + 3, usegmt=True)}),
        (500, {}),
    ]
    began = time.monotonic()
    assert rows(api, context(tmp_path)) == api.rows
    assert time.monotonic() - began >= 2


def test_a_server_that_asks_to_wait_too_long_is_given_up(api: Api, tmp_path: Path) -> None:
    api.refusals = [(429, {"Retry-After": formatdate(time.time() + 86_400, usegmt=True)})]
    error = failure(api, context(tmp_path))
    assert "asks to wait 86" in error.message
    assert len(api.asked) == 1


@pytest.mark.parametrize("value", ["inf", "nan", "soon", "-5", "Thu, 99 Foo 2026 99:99:99 GMT", "1e400"])
def test_a_retry_after_that_is_none_is_passed_over(api: Api, tmp_path: Path, value: str) -> None:
    api.refusals = [(503, {"Retry-After": value})]
    assert rows(api, context(tmp_path)) == api.rows


def test_the_rate_is_kept(api: Api, tmp_path: Path) -> None:
    began = time.monotonic()
    assert rows(api, context(tmp_path), per_second=5.0) == api.rows
    assert time.monotonic() - began >= 0.6


# --- secrets -----------------------------------------------------------------------------------------------------


def written(folder: Path) -> str:
    """All that stands in a folder, names included."""
    return "".join(path.name + path.read_text("utf-8", "replace") for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("auth", [{"bearer": "hunter2-token"}, {"query": {"key": "hunter2-token"}}])
@pytest.mark.parametrize("way", ["page", "next"])
def test_secrets_are_sent_and_nowhere_else(api: Api, tmp_path: Path, auth: dict[str, Any], way: str) -> None:
    api.token = "hunter2-token"
    assert "status 401" in failure(api, context(tmp_path / "without"), f"/{way}").message
    told: list[str] = []
    here = replace(context(tmp_path), warn=told.append)
    assert rows(api, here, f"/{way}", auth=auth) == api.rows
    asked = params(api, f"/{way}", auth=auth)
    said = [dict(http.fingerprint(asked, here)), str(http.origins(asked, here)), told]
    api.refusals = [(403, {})]
    error = failure(api, context(tmp_path / "other"), f"/{way}", auth=auth)
    assert "hunter2" not in written(tmp_path) + str(said) + str(error.as_dict())


def test_another_secret_is_the_same_data(api: Api, tmp_path: Path) -> None:
    before = rows(api, context(tmp_path), auth={"bearer": "old-token"})
    asked = len(api.asked)
    assert rows(api, context(tmp_path), auth={"bearer": "new-token"}) == before
    assert len(api.asked) == asked


def test_no_other_host_is_given_a_secret(tmp_path: Path) -> None:
    """Neither by a redirect nor by a Link nor by a cursor that is an address."""
    auth = {"bearer": "hunter2-token", "headers": {"X-Api-Key": "hunter3-key"}, "query": {"key": "hunter4-key"}}
    with serve(Api()) as other, serve(Api()) as api:
        api.special["/away"] = lambda query: (307, {"Location": f"{other.url}/offset"}, b"")
        api.special["/link"] = giving({"items": api.rows[:1]}, Link=f'<{other.url}/offset?at=5>; rel="next"')
        api.special["/next"] = giving({"items": api.rows[:1], "next": f"{other.url}/offset?at=15"})
        for path in ("/away", "/link", "/next"):
            way = {"pages": WAYS["link"]} if path != "/next" else {}
            assert rows(api, context(tmp_path), path, auth=auth, **way)
        assert len(other.asked) == 3
        assert "hunter" not in f"{other.asked} {other.headers}"
        assert all("hunter2" in each["authorization"] and "hunter3" in each["x-api-key"] for each in api.headers)
        assert all("key=hunter4-key" in each for each in api.asked)


def test_a_login_in_the_address_stays_with_its_host(api: Api, tmp_path: Path) -> None:
    api.special["/a"] = lambda query: (302, {"Location": f"/page?page={query['page']}"}, b"")
    source = api.url.replace("http://", "http://me:hunter2@") + "/a"
    assert rows(api, context(tmp_path), source, pages={"by": "page", "total": "$.meta.total"})
    assert {each["authorization"] for each in api.headers} == {"Basic bWU6aHVudGVyMg=="}
    assert "hunter2" not in written(tmp_path)


# --- private addresses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "inside", ["http://127.0.0.2/", "http://2130706434/", "http://[::ffff:127.0.0.2]/", "http://0x7f000002/"]
)
def test_no_answer_leads_into_a_private_network(api: Api, tmp_path: Path, inside: str) -> None:
    api.special["/away"] = lambda query: (302, {"Location": inside}, b"")
    api.special["/link"] = giving({"items": api.rows[:1]}, Link=f'<{inside}>; rel="next"')
    for path in ("/away", "/link"):
        error = failure(api, context(tmp_path), path)
        assert isinstance(error, RemoteError)
        assert "no public address" in error.message
        assert "private:" in str(error.hint)
    allowed = failure(api, context(tmp_path), "/away", {"private": ("127.0.0.2/32",)})
    assert "public" not in allowed.message


# --- answers that are none ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<!DOCTYPE html><p>down for maintenance", "begins with '<!DOCTYPE html><p>down for maintenance'"),
        (b"", "not JSON"),
        (b'{"items": [1, 2', "not JSON"),
        (b'{"items": [NaN]}', "NaN is not JSON"),
        (b'{"items": [1e999]}', "too large"),
        (b'{"items": [' + b"9" * 5000 + b"]}", "too large"),
        (b'{"items": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested deeper than 64 levels"),
        (b'{"items": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}", "nested deeper than 64 levels"),
        (b'{"items": ' + b"[" * 100 + b"]" * 100 + b"}", "nested deeper than 64 levels"),
        (b'{"items": [{"a": "\\ud800"}]}', "surrogate"),
        (b"\xff\xfe\xfa\x00", "not JSON"),
        (b'{"items": [1, 2]}', "picks a int, which is no row; the answer holds items"),
        (b'{"items": {"a": {"b": 1}, "c": "d"}}', "picks a str"),
    ],
)
def test_what_is_no_answer_is_told(api: Api, tmp_path: Path, body: bytes, told: str) -> None:
    api.special["/x"] = giving(body, Content_Type="application/json")
    error = failure(api, context(tmp_path), "/x")
    assert isinstance(error, DataError)
    assert told in error.message
    assert error.where == f"{api.url}/x"
    api.special["/x"] = giving({"items": [{"a": 1}]})
    assert rows(api, context(tmp_path), "/x") == [{"a": 1}]  # and is not kept


def test_a_type_that_lies_is_not_believed(api: Api, tmp_path: Path) -> None:
    api.special["/html"] = giving({"items": api.rows}, Content_Type="text/html; charset=iso-8859-1")
    assert rows(api, context(tmp_path), "/html") == api.rows
    body = json.dumps({"items": api.rows}, ensure_ascii=False)
    for number, (encoding, charset) in enumerate(
        [
            ("gbk", ""),
            ("gbk", "; charset=utf-8"),
            ("gbk", "; charset=rot13"),
            ("utf-16", ""),
            ("utf-8-sig", ""),
            ("big5", "; charset=big5"),
        ]
    ):
        path = f"/{number}"
        simple = [{"id": 1, "body": "房間"}]
        content = json.dumps({"items": simple}, ensure_ascii=False) if encoding == "big5" else body
        api.special[path] = giving(content.encode(encoding), Content_Type=f"application/json{charset}")
        assert rows(api, context(tmp_path), path) == (simple if encoding == "big5" else api.rows)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"items": [{"a": 1}], "after": {"at": 5}}, "must pick one text or number"),
        ({"items": [{"a": 1}], "after": True}, "must pick one text or number"),
        ({"items": [{"a": 1}], "after": "https://["}, "cannot be looked up"),
        ({"items": [{"a": 1}], "after": "//:0/"}, "cannot be looked up"),
    ],
)
def test_a_cursor_that_leads_nowhere_is_told(api: Api, tmp_path: Path, answer: Any, told: str) -> None:
    api.special["/cursor"] = giving(answer)
    assert told in failure(api, context(tmp_path), "/cursor").message


@pytest.mark.parametrize(
    "link", ["garbage", "<", ";;;", '<javascript:alert(1)>; rel="next"', '<ftp://h/>; rel="next"', ""]
)
def test_a_link_that_is_none_leads_nowhere(api: Api, tmp_path: Path, link: str) -> None:
    api.special["/link"] = giving({"items": [{"a": 1}]}, Link=link)
    if "next" in link:
        assert isinstance(failure(api, context(tmp_path), "/link"), DataError | RemoteError)
    else:
        assert rows(api, context(tmp_path), "/link") == [{"a": 1}]


@pytest.mark.parametrize("total", ["many", None, {"a": 1}, True, 2.5])
def test_a_total_that_is_none_is_told(api: Api, tmp_path: Path, total: Any) -> None:
    api.special["/page"] = giving({"items": [{"a": 1}], "count": total})
    error = failure(api, context(tmp_path), pages={"by": "page", "total": "$.count"})
    assert "pages.total: $.count must pick one number" in error.message


@pytest.mark.parametrize("answer", ["a text", 5, None, True])
def test_an_answer_that_is_a_single_value_holds_no_rows(api: Api, tmp_path: Path, answer: Any) -> None:
    api.special["/cursor"] = giving(answer)
    assert "picks nothing of any page" in failure(api, context(tmp_path), "/cursor").message


def test_an_answer_without_content(api: Api, tmp_path: Path) -> None:
    real = Api(rows=api.rows)
    api.special["/page"] = lambda query: (
        (204, {}, b"") if query["page"] == "4" else real.answer(f"/page?page={query['page']}", {})
    )
    assert rows(api, context(tmp_path)) == api.rows
    api.special["/nothing"] = giving(b"", 204)
    assert "status 204" in failure(api, context(tmp_path), "/nothing").message


def test_pages_and_all_of_them_are_capped(api: Api, tmp_path: Path) -> None:
    assert "larger than 50 bytes" in failure(api, context(tmp_path), max_page_bytes=50).message
    error = failure(api, context(tmp_path), "/page", {"max_bytes": 1500})
    assert isinstance(error, DataError)
    assert "larger than max_bytes" in error.message


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b" " * 100_000_000, 9), gzip.compress(b'{"items": []}')[:-9], b"no gzip"],
    ids=["bomb", "cut", "none"],  # names of their own: bytes would be named by the second in which they were packed
)
def test_what_travels_as_gzip_is_unpacked_within_bounds(api: Api, tmp_path: Path, body: bytes) -> None:
    api.special["/good"] = giving(gzip.compress(b'{"items": [{"a": 1}]}'), Content_Encoding="gzip")
    assert rows(api, context(tmp_path), "/good") == [{"a": 1}]
    api.special["/bad"] = giving(body, Content_Encoding="gzip")
    assert failure(api, context(tmp_path), "/bad").message.startswith(("the page is larger", "the page cannot be read"))
    api.special["/brotli"] = giving(b"x", Content_Encoding="br")
    assert "packed as br" in failure(api, context(tmp_path), "/brotli").message


def test_a_slow_server_is_given_up(api: Api, tmp_path: Path) -> None:
    def slow(query: dict[str, str]) -> Answer:
        time.sleep(0.5)
        return 200, {}, b"{}"

    api.special["/slow"] = slow
    error = failure(api, context(tmp_path), "/slow", {"timeout": 0.1})
    assert isinstance(error, RemoteError)
    assert "tried 4 times" in error.message


def test_a_length_that_lies_is_noticed(api: Api, tmp_path: Path) -> None:
    api.special["/short"] = giving(b'{"items": []}', Content_Length="500")
    assert isinstance(failure(api, context(tmp_path), "/short"), RemoteError)


# --- fields ------------------------------------------------------------------------------------------------------


def test_fields_are_picked_by_path(api: Api, tmp_path: Path) -> None:
    api.special["/x"] = giving(
        {"data": [{"a": {"b": "one"}, "tags": ["x", "y"]}, {"a": {}, "tags": []}, {"a": {"b": None}, "tags": ["z", 1]}]}
    )
    told: list[str] = []
    here = replace(context(tmp_path), warn=told.append)
    fields = {"text": "$.a.b", "tags": "$.tags[*]", "first": "$.tags[0]", "typo": "$.b", "all": "$..b"}
    found = rows(api, here, "/x", rows="$.data[?@.tags]", fields=fields)
    assert found[0] == {"text": "one", "tags": "x\ny", "first": "x", "typo": None, "all": "one"}
    assert found[1] == {"text": None, "tags": None, "first": None, "typo": None, "all": None}
    assert found[2]["tags"] == "z\n1"
    assert told == ["api.fields.typo: $.b picks nothing of any row"]


def test_rows_may_be_plain_texts(api: Api, tmp_path: Path) -> None:
    api.special["/x"] = giving({"items": ["一", '{"a": 1}', "3"]})
    assert rows(api, context(tmp_path), "/x", fields={"text": "$"}) == [
        {"text": "一"},
        {"text": '{"a": 1}'},
        {"text": "3"},
    ]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"rows": "items[*]"}, "is no JSON path"),
        ({"rows": "$.items["}, "is no JSON path"),
        ({"fields": {"text": "$..[?"}}, "is no JSON path"),
        ({"pages": {"by": "cursor"}}, "cursor: goes with"),
        ({"pages": {"by": "page", "cursor": "$.a"}}, "cursor: goes with"),
        ({"pages": {"by": "link", "parameter": "a"}}, "does not go with link"),
        ({"pages": {"by": "cursor", "cursor": "$.a", "first": 1}}, "belongs to page and offset"),
        ({"headers": {"Authorization": "x"}}, "write it under auth"),
        ({"headers": {"X-Key": "${env:KEY}"}}, "write it under auth"),
        ({"query": {"key": "${env:KEY}"}}, "write it under auth"),
        ({"headers": {"Host": "x"}}, "cannot be set"),
        ({"headers": {"X-A": "a\r\nB: c"}}, "line break"),
        ({"auth": {"bearer": "a\n"}}, "line break"),
        ({"per_second": 0}, "greater than 0"),
    ],
)
def test_what_is_no_api_is_refused(said: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told.replace("$", r"\$")):
        http.Params.model_validate({"source": "https://example.org/a", "api": said})


def test_a_file_and_an_api_exclude_each_other() -> None:
    for said in ({"format": "csv"}, {"sha256": "0" * 64}, {"encoding": "gbk"}):
        with pytest.raises(ValidationError, match="belongs to a file"):
            http.Params.model_validate({"source": "https://example.org/a", "api": {}, **said})
    with pytest.raises(ValidationError, match=r"api\.auth\.query"):
        http.Params.model_validate({"source": "https://example.org/a?key=${env:KEY}", "api": {}})


def test_a_path_that_picks_no_row_is_told_with_what_there_is(api: Api, tmp_path: Path) -> None:
    error = failure(api, context(tmp_path), rows="$.itms[*]", fields={"text": "$.body"})
    assert error.message == "api.rows: $.itms[*] picks nothing of any page; the answer holds items, meta"
    assert error.where == f"{api.url}/page"
