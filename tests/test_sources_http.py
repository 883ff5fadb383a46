"""The source `http` against a real server on loopback."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from test_sources_files import context

from aiaas import plugins
from aiaas.contracts import SourceContext
from aiaas.errors import AiaasError, DataError, MissingPackageError, RemoteError
from aiaas.sources import _download, _exchange, http
from tests.fileserver import Site, serve

BODY = "".join(f"{number} 房间很干净\n" for number in range(40_000)).encode()


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(Site({"/a.txt": BODY, "/b": BODY})) as running:
        yield running


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_exchange, "BACK_OFF", 0.0)


def texts(site: Site, here: SourceContext, path: str = "/a.txt", **params: Any) -> list[str]:
    address = path if "://" in path else site.url + path
    return [text for batch in http.read(http.Params(source=address, **params), here) for text in batch["text"]]


def failure(site: Site, here: SourceContext, path: str = "/a.txt", **params: Any) -> AiaasError:
    with pytest.raises((DataError, RemoteError)) as caught:
        texts(site, here, path, **params)
    return caught.value


def test_a_file_is_downloaded_once(site: Site, tmp_path: Path) -> None:
    here = context(tmp_path)
    params = http.Params(source=f"{site.url}/a.txt")
    before = http.fingerprint(params, here)
    assert texts(site, here) == texts(site, here) == BODY.decode().splitlines()
    assert before == http.fingerprint(params, here) == {"address": f"{site.url}/a.txt", "revision": '"v1"'}
    assert len(site.asked) == 2  # the name of the version, then the file
    (origin,) = http.origins(params, here)
    assert (origin.bytes, origin.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())
    assert (origin.location, origin.revision) == (f"{site.url}/a.txt", '"v1"')


def test_offline_uses_what_is_there_and_nothing_else(site: Site, tmp_path: Path) -> None:
    here = context(tmp_path)
    offline = replace(here, offline=True)
    params = http.Params(source=f"{site.url}/a.txt")
    error = failure(site, offline)
    assert isinstance(error, RemoteError)
    assert error.where == f"{site.url}/a.txt"
    with pytest.raises(RemoteError):
        http.fingerprint(params, offline)
    texts(site, here)
    asked = len(site.asked)
    assert texts(site, offline) == BODY.decode().splitlines()
    assert http.fingerprint(params, offline) == http.fingerprint(params, here)
    assert len(site.asked) == asked


def test_refresh_asks_whether_it_changed(site: Site, tmp_path: Path) -> None:
    here = context(tmp_path)
    anew = replace(here, refresh=True)
    texts(site, here)
    assert texts(site, anew) == BODY.decode().splitlines()
    assert site.asked[-1][1] == 304
    site.files["/a.txt"], site.etag = b"new\n", '"v2"'
    assert texts(site, here) == BODY.decode().splitlines()
    assert http.fingerprint(http.Params(source=f"{site.url}/a.txt"), anew)["revision"] == '"v2"'
    assert texts(site, anew) == ["new"]
    assert texts(site, here) == ["new"]


@pytest.mark.parametrize("etag", ['"v1"', None, 'W/"weak"'], ids=["etag", "date", "weak"])
def test_a_broken_download_is_resumed(site: Site, tmp_path: Path, etag: str | None) -> None:
    site.etag, site.modified = etag, formatdate(0, usegmt=True)
    site.break_after = [300_000, 200_000]
    assert texts(site, context(tmp_path)) == BODY.decode().splitlines()
    assert [(status, asked) for _, status, asked in site.asked] == [
        (200, None),
        (206, "bytes=300000-"),
        (206, "bytes=500000-"),
    ]


def test_a_later_run_goes_on_where_this_one_stopped(site: Site, tmp_path: Path) -> None:
    site.break_after = [100_000] * 4
    error = failure(site, context(tmp_path))
    assert isinstance(error, RemoteError)
    assert "goes on where it stopped" in str(error.hint)
    assert texts(site, context(tmp_path)) == BODY.decode().splitlines()
    assert site.asked[-1][1:] == (206, "bytes=400000-")


def test_a_file_that_changed_between_two_parts_is_fetched_from_its_start(site: Site, tmp_path: Path) -> None:
    site.break_after = [100_000] * 4
    failure(site, context(tmp_path))
    site.files["/a.txt"], site.etag = b"new\n" * 100_000, '"v2"'
    assert texts(site, context(tmp_path)) == ["new"] * 100_000
    assert site.asked[-1][1:] == (200, "bytes=400000-")


def test_a_server_without_ranges_gives_the_whole_again(site: Site, tmp_path: Path) -> None:
    site.ranges, site.break_after = False, [300_000]
    assert texts(site, context(tmp_path)) == BODY.decode().splitlines()


def test_a_server_that_gives_another_range_is_not_believed(site: Site, tmp_path: Path) -> None:
    site.break_after, site.shift = [300_000], 7
    assert texts(site, context(tmp_path)) == BODY.decode().splitlines()


def test_a_body_that_ends_early_each_time_is_refused(site: Site, tmp_path: Path) -> None:
    site.ranges, site.break_after = False, [1000] * 4
    error = failure(site, context(tmp_path))
    assert isinstance(error, RemoteError)
    assert "tried 4 times" in error.message
    assert not list((tmp_path / "cache").rglob("file-*"))


def test_a_body_without_a_length_is_read_to_its_end(site: Site, tmp_path: Path) -> None:
    site.length = False
    assert texts(site, context(tmp_path)) == BODY.decode().splitlines()


def test_too_large_a_file_is_refused_by_length_and_by_bytes(site: Site, tmp_path: Path) -> None:
    for site.length in (True, False):
        error = failure(site, context(tmp_path), max_bytes="100KB")
        assert isinstance(error, DataError)
        assert "100,000 allowed" in error.message
    assert http.Params(source="https://h/x", max_bytes="500MB").max_bytes == 500_000_000
    assert http.Params(source="https://h/x", max_bytes="1.5 GiB").max_bytes == 3 * 2**29
    assert http.Params(source="https://h/x", max_bytes=7).max_bytes == 7
    for wrong in ("many", "5XB", "-1MB", 0, "0"):
        with pytest.raises(ValidationError):
            http.Params(source="https://h/x", max_bytes=wrong)


def test_a_checksum_that_differs_is_told_and_the_file_kept_aside(site: Site, tmp_path: Path) -> None:
    found = hashlib.sha256(BODY).hexdigest()
    assert texts(site, context(tmp_path), sha256=found) == BODY.decode().splitlines()
    site.files["/a.txt"], site.etag = b"other\n", '"v2"'
    error = failure(site, context(tmp_path / "other"), sha256=found)
    assert isinstance(error, DataError)
    assert found in error.message
    assert hashlib.sha256(b"other\n").hexdigest() in error.message
    (aside,) = (tmp_path / "other").rglob("refused-*")
    assert aside.read_bytes() == b"other\n"
    assert str(aside) in str(error.hint)


def test_a_new_pin_fetches_the_new_file(site: Site, tmp_path: Path) -> None:
    here = context(tmp_path)
    texts(site, here)
    site.files["/a.txt"], site.etag = b"new\n", '"v2"'
    pin = hashlib.sha256(b"new\n").hexdigest()
    assert "checksum differs" in failure(site, replace(here, offline=True), sha256=pin).message
    assert texts(site, here, sha256=pin) == ["new"]
    assert http.fingerprint(http.Params(source=f"{site.url}/a.txt", sha256=pin), here)["sha256"] == pin


def test_retry_after_is_honoured(site: Site, tmp_path: Path) -> None:
    site.refusals = [(429, {"Retry-After": "1"}), (503, {"Retry-After": formatdate(0, usegmt=True)}), (500, {})]
    began = time.monotonic()
    assert texts(site, context(tmp_path)) == BODY.decode().splitlines()
    assert time.monotonic() - began >= 1
    assert [status for _, status, _ in site.asked] == [429, 503, 500, 200]


def test_a_server_that_asks_to_wait_too_long_is_given_up(site: Site, tmp_path: Path) -> None:
    site.refusals = [(429, {"Retry-After": "86400"})]
    error = failure(site, context(tmp_path))
    assert "86400 s" in error.message
    assert len(site.asked) == 1


@pytest.mark.parametrize(("status", "told"), [(404, "no such file"), (403, "refuses access"), (418, "status 418")])
def test_refusals_are_told_at_once(site: Site, tmp_path: Path, status: int, told: str) -> None:
    site.refusals = [(status, {})]
    error = failure(site, context(tmp_path))
    assert isinstance(error, RemoteError)
    assert told in error.message
    assert len(site.asked) == 1


def test_a_silent_server_is_given_up(site: Site, tmp_path: Path) -> None:
    site.silence = 0.6
    assert isinstance(failure(site, context(tmp_path), timeout=0.1), RemoteError)


def test_a_server_that_drips_is_given_up(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It never falls silent, and would keep a command waiting for days."""
    monkeypatch.setattr(_download, "PATIENCE", 2)
    site.drip = 0.02
    began = time.monotonic()
    error = failure(site, context(tmp_path), timeout=0.2)
    assert isinstance(error, RemoteError)
    assert "bytes in" in error.message
    assert time.monotonic() - began < 10
    assert site.asked[-1][1] == 206, "what came is kept"


def test_how_far_a_download_is(site: Site, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    texts(site, replace(context(tmp_path), progress=lambda done, total: told.append((done, total))))
    fetched = told[: told.index((len(BODY), len(BODY))) + 1]
    assert len(fetched) > 1
    assert {total for _, total in fetched} == {len(BODY)}


def test_a_server_that_is_not_there(site: Site, tmp_path: Path) -> None:
    assert isinstance(failure(site, context(tmp_path), "http://127.0.0.1:9/a.txt"), RemoteError)


def test_redirects_are_followed_a_few_times(site: Site, tmp_path: Path) -> None:
    site.redirects = {"/first.txt": "/second", "/second": "/a.txt", "/loop.txt": "/loop.txt"}
    assert texts(site, context(tmp_path), "/first.txt") == BODY.decode().splitlines()
    assert "more than 5 times" in failure(site, context(tmp_path), "/loop.txt").message
    site.redirects["/away.txt"] = "ftp://127.0.0.1/a.txt"
    assert "cannot be used" in failure(site, context(tmp_path), "/away.txt").message


@pytest.mark.parametrize("inside", ["127.0.0.2", "2130706434", "127.2", "[::ffff:127.0.0.2]", "[::1]"])
def test_a_redirect_to_another_host_leads_into_no_private_network(site: Site, tmp_path: Path, inside: str) -> None:
    site.redirects["/away.txt"] = f"http://{inside}:9/a.txt"
    error = failure(site, context(tmp_path), "/away.txt")
    assert isinstance(error, RemoteError)
    assert "no public address" in error.message
    assert "private: true" in str(error.hint)
    assert error.where == f"{site.url}/away.txt"
    assert "public" not in failure(site, context(tmp_path), "/away.txt", private=True).message


def test_a_proxy_looks_names_up_and_addresses_are_checked_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(Site({"http://name.test/a.txt": BODY, "http://127.0.0.2/a.txt": BODY})) as proxy:
        proxy.redirects["http://name.test/away.txt"] = "http://127.0.0.2/a.txt"
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert texts(proxy, context(tmp_path), "http://name.test/a.txt") == BODY.decode().splitlines()
        error = failure(proxy, context(tmp_path), "http://name.test/away.txt")
        assert "no public address" in error.message
        assert texts(proxy, context(tmp_path), "http://127.0.0.2/a.txt") == BODY.decode().splitlines()
        monkeypatch.setenv("no_proxy", "name.test")
        assert "cannot be looked up" in failure(proxy, context(tmp_path / "2"), "http://name.test/a.txt").message


@pytest.mark.parametrize(
    ("proxy", "kind", "told"),
    [
        ("socks5://me:hunter2@127.0.0.1:9", MissingPackageError, "needs the package socksio"),
        ("socks://me:hunter2@127.0.0.1:9", RemoteError, "begins with http://, https:// or socks5://"),
        ("127.0.0.1:9", RemoteError, "did not give the file"),
    ],
)
def test_a_proxy_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str, kind: type[AiaasError], told: str
) -> None:
    monkeypatch.setattr(plugins, "installed", lambda names: dict.fromkeys(names))
    monkeypatch.setenv("all_proxy", proxy)
    with pytest.raises(kind, match=told) as caught:
        list(http.read(http.Params(source="http://name.test/a.txt"), context(tmp_path)))
    assert "hunter2" not in str(caught.value.as_dict())


def test_a_redirect_takes_no_login_to_another_host(site: Site, tmp_path: Path) -> None:
    with serve(Site({"/a.txt": BODY})) as other:
        site.redirects["/away.txt"] = f"{other.url}/a.txt"
        assert texts(site, context(tmp_path), site.url.replace("//", "//me:hunter2@") + "/away.txt")
        assert other.logins == [None]
        assert site.logins == ["Basic bWU6aHVudGVyMg=="]


def test_a_redirect_never_leaves_encryption() -> None:
    request = _exchange.Request("https://example.org/a.txt", "a.txt", 1000, 1.0, None)
    answer = httpx.Response(302, headers={"Location": "http://example.org/a.txt"})
    with (
        httpx.Client(transport=httpx.MockTransport(lambda call: answer)) as client,
        pytest.raises(RemoteError, match="from https to an address without"),
    ):
        _exchange.send(client, request, {})


def test_a_name_without_an_ending_needs_a_format_before_anything_is_fetched(site: Site, tmp_path: Path) -> None:
    assert "format:" in str(failure(site, context(tmp_path), "/b").hint)
    assert site.asked == []
    assert texts(site, context(tmp_path), "/b", format="lines") == BODY.decode().splitlines()


def test_secrets_of_an_address_are_neither_told_nor_kept(site: Site, tmp_path: Path) -> None:
    secret = site.url.replace("http://", "http://user:hunter2@") + "/a.txt?token=hunter3"
    params = http.Params(source=secret)
    texts(site, context(tmp_path), secret)
    told = json.dumps(
        [http.fingerprint(params, context(tmp_path)), http.origins(params, context(tmp_path))[0].location]
    )
    kept = "".join(path.name + path.read_text("utf-8") for path in (tmp_path / "cache").rglob("*") if path.is_file())
    site.refusals = [(404, {})]
    error = failure(site, context(tmp_path / "other"), secret)
    assert "hunter" not in told + kept + str(error.as_dict())


def test_half_an_address_is_refused() -> None:
    with pytest.raises(ValidationError, match="https://host/path"):
        http.Params(source="https:///a.csv")
