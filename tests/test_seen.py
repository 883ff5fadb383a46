"""What is seen of the service: metrics over all workers, the access log, the audit, traces; and that none holds what
callers sent."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.datastructures import Headers

from aiaas import audit
from aiaas.contracts import Params
from aiaas.errors import MissingPackageError, UsageError
from aiaas.serve.access import Access
from aiaas.serve.app import create_app
from aiaas.serve.calls import Caller
from aiaas.serve.errors import RequestError
from aiaas.serve.seen import AccessLogs, Places, forget_worker, metrics_folder, open_watchers, traces
from aiaas.serve.seen.leading import Leading
from aiaas.serve.seen.lines import Files
from aiaas.serve.seen.metrics import Metrics
from aiaas.serve.seen.numbers import MOMENT, MOST, Counters, Histograms, Store, text
from aiaas.serve.seen.record import trace_id
from aiaas.serve.watching import All, Ended, Watcher
from aiaas.workspace import Workspace
from tests.conftest import Aiaas, answer
from tests.echo import Echo

PREDICT = "/v1/models/echo/predict"
ADMIN = {"authorization": "Bearer root"}
SECRET = "zhang.san@example.com 13812345678"


class NoKeyError(RequestError):
    http = 401
    code = "no-key"


class Keys:
    """Two tenants with a key each, and an administrator."""

    def caller(self, headers: Headers) -> Caller:
        match headers.get("authorization"):
            case "Bearer root":
                return Caller("key-root", "ops", frozenset({"infer", "admin"}))
            case "Bearer a" | "Bearer b" as given:
                return Caller(f"key-{given[-1]}", f"tenant-{given[-1]}", frozenset({"infer"}))
        raise NoKeyError("there is no valid key")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "metrics").mkdir()
    return Places(tmp_path / "metrics", tmp_path / "audit", tmp_path / "logs")


def asked(
    places: Places,
    requests: Sequence[dict[str, Any]],
    worker: int = 0,
    model: Any = None,
    access: Access | None = None,
) -> list[httpx.Response]:
    """The responses to requests that are sent one after another to a worker, which then ends."""

    async def run() -> list[httpx.Response]:
        with open_watchers(places, worker) as watchers:
            bundle: Any = model or Echo()
            app = create_app({"echo": bundle}, access=access or Keys(), watchers=watchers)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                responses = []
                for each in requests:
                    responses.append(await client.request(**{"method": "POST", "url": PREDICT, **each}))
                    await asyncio.sleep(0)  # a turn of the event loop, as there is between any two of a real client
                return responses

    return asyncio.run(run())


def request(key: str, *inputs: Any, **more: Any) -> dict[str, Any]:
    return {"headers": {"authorization": f"Bearer {key}", **more}, "json": {"inputs": list(inputs)}}


def numbers(shown: str) -> dict[str, float]:
    """Each sample by its name and labels as one string."""
    return {
        sample.name + "".join(f" {name}={value}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(shown)
        for sample in family.samples
    }


def shown(places: Places) -> dict[str, float]:
    return numbers(text(places.metrics, "")[0].decode())


def logged(places: Places, name: str = "access-0") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (places.logs / f"{name}.jsonl").read_text("utf-8").splitlines()]


def everything_written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


# --- metrics -----------------------------------------------------------------------------------------------------


def test_metrics_tell_what_was_asked_answered_and_refused(places: Places) -> None:
    responses = asked(
        places,
        [
            request("a", "good", "better"),
            request("b", "refuse"),
            request("nobody", "x"),
            {"url": "/v1/models/none/predict", **request("a", "x")},
            {"url": "/metrics", "method": "GET", "headers": ADMIN},
        ],
    )
    assert [each.status_code for each in responses] == [200, 422, 401, 404, 200]
    assert responses[-1].headers["content-type"].startswith("text/plain; version=")
    found = numbers(responses[-1].text)
    route = "route=/v1/models/{name}/predict"
    assert found[f"aiaas_requests_total model=echo {route} status=200 version=3"] == 1
    assert found[f"aiaas_requests_total model=echo {route} status=422 version=3"] == 1
    assert found[f"aiaas_requests_total model= {route} status=404 version="] == 1
    assert found["aiaas_rejects_total model=echo reason=data version=3"] == 1
    assert found["aiaas_rejects_total model= reason=no-key version="] == 1
    assert found["aiaas_rejects_total model= reason=not-found version="] == 1
    assert found["aiaas_rows_total model=echo version=3"] == 3
    assert found["aiaas_tokens_total model=echo version=3"] == len("good" + "better")
    assert found["aiaas_request_seconds_count model=echo version=3"] == 2
    assert found["aiaas_queue_seconds_count model=echo version=3"] == 1
    assert found["aiaas_batch_rows_sum model=echo version=3"] == 2
    assert found["aiaas_batch_rows_bucket le=1.0 model=echo version=3"] == 0
    assert found["aiaas_batch_rows_bucket le=2.0 model=echo version=3"] == 1
    assert found["aiaas_batch_fill_ratio_sum model=echo version=3"] == pytest.approx(2 / 256)
    assert found["aiaas_queue_rows model=echo version=3"] == 0
    assert found["aiaas_tenant_requests_total status=200 tenant=tenant-a"] == 1
    assert found["aiaas_tenant_requests_total status=422 tenant=tenant-b"] == 1
    assert found["aiaas_tenant_tokens_total tenant=tenant-a"] == 10
    assert found["aiaas_tenant_compute_seconds_total tenant=tenant-a"] > 0
    assert found["aiaas_requests_active"] == 1, "the one that asks"
    assert found["aiaas_worker_resident_bytes worker=0"] > 1 << 20


def test_metrics_are_for_administrators(places: Places) -> None:
    for key, status, code in (("a", 403, "forbidden"), ("x", 401, "no-key")):
        (response,) = asked(
            places, [{"url": "/metrics", "method": "GET", "headers": {"authorization": f"Bearer {key}"}}]
        )
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def test_a_scraper_may_ask_for_openmetrics(places: Places) -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    (response,) = asked(places, [{"url": "/metrics", "method": "GET", "headers": {**ADMIN, "accept": accept}}])
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")


def test_workers_are_added_up_and_a_replaced_one_counts_on(places: Places) -> None:
    asked(places, [request("a", "one")], worker=0)
    asked(places, [request("a", "two"), request("a", "three")], worker=1)
    asked(places, [request("a", "four")], worker=0)
    found = shown(places)
    assert found["aiaas_rows_total model=echo version=3"] == 4
    assert found["aiaas_request_seconds_count model=echo version=3"] == 4
    assert found["aiaas_request_seconds_bucket le=+Inf model=echo version=3"] == 4
    assert not any(name.startswith("aiaas_worker") for name in found), "none is there any more"
    assert len(list(places.metrics.iterdir())) == 4


def test_what_is_true_of_a_worker_while_it_lives_is_forgotten_when_it_is_gone(places: Places) -> None:
    def alive() -> tuple[float, set[str]]:
        found = shown(places)
        names = {name for name in found if name.startswith("aiaas_worker_resident_bytes")}
        return found.get(f"aiaas_workers version={version('aiaas')}", 0), names

    async def work() -> None:
        with open_watchers(places, 0), open_watchers(places, 1):
            await asyncio.sleep(2 * MOMENT)
            both = {f"aiaas_worker_resident_bytes worker={number}" for number in (0, 1)}
            assert alive() == (2, both)
            forget_worker(places, 1)
            assert alive() == (1, {"aiaas_worker_resident_bytes worker=0"})

    asyncio.run(work())
    assert alive() == (0, set())


def test_what_was_under_way_in_a_killed_worker_is_forgotten_and_what_it_counted_is_not(places: Places) -> None:
    lost = Metrics(places.metrics)

    async def work() -> None:
        lost.began()
        lost.ended(Ended("x", "GET", "/v1/models", 200, 0.1))
        lost.began()
        await asyncio.sleep(2 * MOMENT)

    asyncio.run(work())
    assert shown(places)["aiaas_requests_active"] == 1
    again = Metrics(places.metrics)  # the one in its place: the files are as a killed process leaves them
    found = shown(places)
    again.close()
    lost.close()
    assert found["aiaas_requests_active"] == 0
    assert found["aiaas_requests_total model= route=/v1/models status=200 version="] == 1


def test_numbers_have_their_room_on_the_disk_before_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, 0)
    numbers_ = Counters(store, "c", "told", ("label",))

    def fill() -> None:
        for number in range(MOST - 10):
            numbers_.of("x" * 200 + str(number)).add()

    numbers_.of("first").add()
    store.flush()
    file = tmp_path / "counter_0.db"
    assert file.stat().st_blocks * 512 >= file.stat().st_size, "a page without room ends the process that writes it"

    def full(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            fill()
    assert file.stat().st_size == 1 << 16
    fill()
    numbers_.of("last").add()
    store.close()
    found = numbers(text(tmp_path, "")[0].decode())
    assert (found["c_total label=first"], found["c_total label=last"]) == (1, 1)
    assert file.stat().st_blocks * 512 >= file.stat().st_size > 1 << 16


@pytest.mark.skipif(sys.platform != "linux", reason="needs files that are on no disk")
def test_a_worker_whose_numbers_have_no_room_begins_all_the_same(
    places: Places, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if self.parent == places.metrics:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    assert [each.status_code for each in asked(places, [request("a", "good")])] == [200]
    assert "the metrics of this worker are not shown: No space left on device" in caplog.text
    assert shown(places) == {}


def test_an_audit_that_has_no_room_at_first_counts_what_it_lost(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = audit.Chain.add
    broken = [True]

    def add(self: audit.Chain, *entries: str) -> None:
        if broken[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, *entries)

    monkeypatch.setattr(audit.Chain, "add", add)

    class Emptying(Echo):
        def decode(self, value: Any) -> dict[str, Any]:
            broken[0] = False
            return super().decode(value)

    assert [each.status_code for each in asked(places, [request("a", "x")], model=Emptying())] == [200]
    assert [(each["event"], each.get("count")) for each in audit.entries(places.audit)] == [
        ("lost", 1),
        ("request", None),
        ("closed", None),
    ]


def test_what_was_lost_is_told_although_nobody_asks_anything_more(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiaas.serve.seen.audit.PERIOD", 0.05)
    real = audit.Chain.add

    def full(self: audit.Chain, *entries: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def run() -> list[Any]:
        with open_watchers(places) as watchers:
            bundle: Any = Echo()
            app = create_app({"echo": bundle}, access=Keys(), watchers=watchers)
            monkeypatch.setattr(audit.Chain, "add", full)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
                await client.post(PREDICT, **request("a", "x"))
            await asyncio.sleep(0.15)
            monkeypatch.setattr(audit.Chain, "add", real)
            await asyncio.sleep(0.15)
            return [(each["event"], each.get("count")) for each in audit.entries(places.audit)]

    assert asyncio.run(run()) == [("opened", None), ("lost", 1)]


def test_versions_in_memory_and_what_becomes_of_workers_and_versions_is_shown(places: Places) -> None:
    leading = Leading(places.metrics, wanted=2)
    leading.died("SIGKILL")
    leading.switched("echo", "switched")
    leading.switched("echo", "gave way")
    about: dict[str, Any] = {"model": "echo", "version": "3", "digest": "d"}
    with open_watchers(places, 0) as first, open_watchers(places, 1) as second:
        for watchers in (first, second):
            All(watchers).placed(about, None, awake=True)
        assert shown(places)["aiaas_models_loaded model=echo version=3"] == 2
        All(second).placed(about, about, awake=False)
        assert shown(places)["aiaas_models_loaded model=echo version=3"] == 1
        All(first).placed({**about, "version": "4"}, about, awake=True)
        found = shown(places)
        leading.close()
    assert found["aiaas_models_loaded model=echo version=3"] == 0
    assert found["aiaas_models_loaded model=echo version=4"] == 1
    assert found["aiaas_workers_wanted"] == 2
    assert found["aiaas_worker_deaths_total how=SIGKILL"] == 1
    assert found["aiaas_switches_total model=echo outcome=switched"] == 1
    assert found["aiaas_switches_total model=echo outcome=gave way"] == 1


def test_labels_are_bounded(tmp_path: Path) -> None:
    store = Store(tmp_path, 0)
    counters = Counters(store, "many", "Many.", ("name",))
    histograms = Histograms(store, "wide", "Wide.", (1, 2), ("name",))
    for number in range(3 * MOST):
        counters.of(f"name-{number}").add()
        histograms.of(f"name-{number}").seen(1.5)
    store.close()
    found = numbers(text(tmp_path, "")[0].decode())
    assert sum("many_total" in name for name in found) <= MOST + 1
    assert found["many_total name=other"] == 2 * MOST
    assert found["wide_count name=other"] == 2 * MOST
    assert found["wide_bucket le=1.0 name=other"] == 0


def test_what_callers_make_up_makes_no_labels(places: Places) -> None:
    made_up = [{"url": f"/v1/models/model-{number}/predict", **request("a", "x")} for number in range(20)] + [
        {"url": f"/{number}", "method": f"METHOD{number}", "headers": ADMIN} for number in range(20)
    ]
    asked(places, made_up)
    found = shown(places)
    assert sum(name.startswith("aiaas_requests_total") for name in found) <= 3
    assert not any("model-1" in name or "METHOD1" in name for name in found)


# --- the access log ----------------------------------------------------------------------------------------------


def test_a_line_a_request(places: Places) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    responses = asked(
        places,
        [
            request("a", "good", **{"x-request-id": "mine-1", "traceparent": f"00-{trace}-b7ad6b7169203331-01"}),
            {"url": "/health/ready", "method": "GET"},
            {"url": "/nowhere", "method": "GET", "headers": ADMIN},
        ],
    )
    first, second = logged(places)
    times = [first.pop(name) for name in ("time", "seconds", "waited", "computed")]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", times[0])
    assert all(0 <= each < 5 for each in times[1:])
    assert first == {
        "id": "mine-1",
        "method": "POST",
        "route": "/v1/models/{name}/predict",
        "status": 200,
        "decision": "answered",
        "trace": trace,
        "key": "key-a",
        "tenant": "tenant-a",
        "protocol": "native",
        "model": "echo",
        "version": "3",
        "digest": "0" * 64,
        "rows": 1,
        "tokens": 4,
    }
    assert (second["id"], second["route"], second["code"]) == (responses[2].headers["x-request-id"], None, "not-found")
    assert (places.logs / "access-0.jsonl").stat().st_mode & 0o077 == 0


def test_a_flood_without_a_key_drives_no_lines_out(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiaas.serve.seen.access_log.STRANGERS", 3)
    asked(places, [*[request("nobody", "x") for _ in range(20)], request("a", "good")])
    *strangers, good, more = logged(places)
    assert good["key"] == "key-a"
    assert (more["event"], more["count"] + len(strangers)) == ("more without a key", 20)
    assert len(strangers) < 10


def test_the_access_log_may_go_to_stderr_or_nowhere(places: Places, capfd: pytest.CaptureFixture[str]) -> None:
    asked(Places(places.metrics, places.audit, places.logs, AccessLogs.STDERR), [request("a", "good")])
    assert json.loads(capfd.readouterr().err)["tenant"] == "tenant-a"
    asked(Places(places.metrics, places.audit, places.logs, AccessLogs.OFF), [request("a", "good")])
    assert capfd.readouterr().err == ""
    assert not places.logs.exists()


def test_a_log_does_not_outgrow_the_disk(tmp_path: Path) -> None:
    files = Files(tmp_path, "access-0", most=100, kept=2)
    for number in range(50):
        files.write(f"{number:09d}\n".encode())
    files.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "access-0.1.jsonl",
        "access-0.2.jsonl",
        "access-0.jsonl",
    ]
    kept = b"".join((tmp_path / f"access-0{part}.jsonl").read_bytes() for part in (".2", ".1", ""))
    assert [int(line) for line in kept.split()] == list(range(20, 50))
    again = Files(tmp_path, "access-0", most=100, kept=2)
    again.write(b"000000050\n")
    again.close()
    assert (tmp_path / "access-0.jsonl").read_bytes() == b"000000050\n"


def test_a_log_whose_next_file_cannot_be_made_keeps_its_lines_and_touches_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files(tmp_path, "access-0", most=10, kept=2)
    for number in (1, 2):
        files.write(f"{number:09d}\n".encode())
    real = os.open

    def full(path: Path, flags: int, mode: int = 0o777) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    for _ in range(5):
        monkeypatch.setattr(os, "open", full)
        with pytest.raises(OSError, match="No space"):
            files.write(b"000000003\n")
    monkeypatch.setattr(os, "open", real)
    other = os.open(tmp_path / "other", os.O_WRONLY | os.O_CREAT)  # would have the number of a file that was closed
    files.write(b"000000004\n")
    files.close()
    os.close(other)
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert kept == {
        "access-0.2.jsonl": b"000000001\n",
        "access-0.1.jsonl": b"000000002\n",
        "access-0.jsonl": b"000000004\n",
        "other": b"",
    }


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = Files(tmp_path, "access-0")
    real = os.write
    given = iter([4])

    def full(file: int, data: bytes) -> int:
        for count in given:
            return real(file, data[:count])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        files.write(b"000000001\n")
    monkeypatch.setattr(os, "write", real)
    files.write(b"000000002\n")
    files.close()
    assert (tmp_path / "access-0.jsonl").read_bytes() == b"000000002\n"


def test_what_is_removed_while_it_is_written_is_begun_anew(
    places: Places, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("aiaas.serve.seen.audit.PERIOD", 0.05)

    class Removing(Echo):
        def decode(self, value: Any) -> dict[str, Any]:
            if value == "remove":
                for folder in (places.audit, places.logs, places.metrics):
                    shutil.rmtree(folder)
                time.sleep(0.1)
            return super().decode(value)

    async def run() -> None:
        with open_watchers(places) as watchers:
            bundle: Any = Removing()
            app = create_app({"echo": bundle}, access=Keys(), watchers=watchers)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
                for value in ("before", "remove", "after"):
                    assert (await client.post(PREDICT, **request("a", value))).status_code == 200
                    await asyncio.sleep(0.1)
                assert (await client.get("/metrics", headers=ADMIN)).status_code == 200

    asyncio.run(run())
    assert "the audit was removed" in caplog.text
    events = [each["event"] for each in audit.entries(places.audit)]
    assert events == ["opened", "request", "request", "closed"], "those since then, of which /metrics is one"
    assert audit.verify(places.audit)[0].entries == 4
    assert [each["route"] for each in logged(places)][-1] == "/metrics"


def test_a_log_that_cannot_be_written_costs_lines_and_no_answer(
    places: Places, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(self: Files, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Files, "write", full)
    with caplog.at_level(logging.ERROR):
        assert [each.status_code for each in asked(places, [request("a", "good")])] == [200]
    assert [record.getMessage() for record in caplog.records] == [
        "the access log cannot be written: No space left on device; lines are lost until it can"
    ]


def test_names_that_need_quotes_are_quoted(places: Places) -> None:
    odd = 'a","tenant":"b\n甲'

    class Odd(Keys):
        def caller(self, headers: Headers) -> Caller:
            return Caller(odd, odd, frozenset({"infer"}))

    class Named(Echo):
        name = odd
        version = odd

    asked(places, [request("a", "good")], model=Named(), access=Odd())
    (line,) = logged(places)
    assert {line[name] for name in ("key", "tenant", "model", "version")} == {odd}
    entry = next(each for each in audit.entries(places.audit) if each["event"] == "request")
    assert (entry["tenant"], entry["seq"]) == (odd, 2)
    audit.verify(places.audit)
    assert "aiaas_tenant_rows_total tenant=" + odd in shown(places)


@pytest.mark.parametrize(
    "given",
    [None, "", "x", "00-" + "g" * 32 + "-" + "0" * 16 + "-00", "00-" + "0" * 32 + "-" + "0" * 16 + '-0"', SECRET],
)
def test_a_trace_that_is_none_is_not_told(given: str | None) -> None:
    assert trace_id(given) is None


class Writing(Echo):
    """Writes three pieces; of `broken` it fails at the second."""

    class options(Params):
        """None."""

    manifest: Mapping[str, Any] = {"task": "text-generation"}

    def answer(self, rows: Any, options: Any = None) -> list[dict[str, Any]]:
        return []

    def write(self, row: dict[str, Any], options: Any = None) -> Iterator[str]:
        yield "a"
        if "broken" in row["text"]:
            raise RuntimeError(row["text"])
        yield "b"

    def written(self, text: str) -> dict[str, Any]:
        return {"text": text}


def test_a_stream_that_breaks_is_told_of_although_its_status_was_sent(places: Places) -> None:
    streams = [
        {**each, "json": {**each["json"], "stream": True}} for each in (request("a", "x"), request("a", "broken"))
    ]
    whole, broken = asked(places, streams, model=Writing())
    assert (whole.status_code, broken.status_code) == (200, 200)
    assert "event: answer" in whole.text
    assert "event: error" in broken.text
    first, second = logged(places)
    assert (first["decision"], "code" in first, first["computed"] > 0) == ("answered", False, True)
    assert (second["decision"], second["code"]) == ("failed", "internal")
    assert shown(places)["aiaas_rejects_total model=echo reason=internal version=3"] == 1


# --- the audit ---------------------------------------------------------------------------------------------------


def test_an_entry_a_request_with_a_key_and_one_for_all_without(places: Places) -> None:
    asked(
        places,
        [
            request("a", "good"),
            *[request("nobody", "x") for _ in range(7)],
            {"url": "/health/live", "method": "GET"},
            request("b", "refuse"),
            {"url": "/metrics", "method": "GET", "headers": ADMIN},
        ],
    )
    (head,) = audit.verify(places.audit)
    entries = list(audit.entries(places.audit))
    assert head.entries == len(entries)
    assert [each["event"] for each in entries] == ["opened", *["request"] * 3, "refused", "closed"]
    good, refused, admin = entries[1:4]
    assert (good["key"], good["model"], good["digest"], good["decision"]) == ("key-a", "echo", "0" * 64, "answered")
    assert (good["rows"], good["tokens"], good["computed"] > 0) == (1, 4, True)
    assert (refused["tenant"], refused["decision"], refused["code"]) == ("tenant-b", "refused", "data")
    assert (admin["key"], admin["route"]) == ("key-root", "/metrics")
    assert (entries[4]["code"], entries[4]["count"]) == ("no-key", 7)


@pytest.mark.parametrize(
    ("status", "code", "decision"),
    [
        (200, None, "answered"),
        (200, "internal", "failed"),
        (200, "deadline", "late"),
        (429, "quota", "refused"),
        (503, "overloaded", "refused"),
        (504, "deadline", "late"),
        (499, None, "left"),
        (500, "internal", "failed"),
    ],
)
def test_decisions(status: int, code: str | None, decision: str) -> None:
    from aiaas.serve.seen import record

    assert record.decision(Ended("x", "POST", None, status, 0.1, None, code)) == decision


def test_a_disk_that_is_full_for_a_while_costs_entries_that_are_counted(
    places: Places, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = audit.Chain.add
    broken = [False]

    def add(self: audit.Chain, *entries: str) -> None:
        if broken[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, *entries)

    monkeypatch.setattr(audit.Chain, "add", add)

    class Filling(Echo):
        def decode(self, value: Any) -> dict[str, Any]:
            broken[0] = value == "full"
            return super().decode(value)

    with caplog.at_level(logging.ERROR):
        responses = asked(places, [request("a", text) for text in ("good", "full", "full", "good")], model=Filling())
    assert {each.status_code for each in responses} == {200}
    assert caplog.text.count("the audit cannot be written") == 1
    assert "Traceback" not in caplog.text
    events = [(each["event"], each.get("count")) for each in audit.entries(places.audit)]
    assert events == [("opened", None), ("request", None), ("lost", 2), ("request", None), ("closed", None)]
    audit.verify(places.audit)


# --- nothing personal ----------------------------------------------------------------------------------------------


def test_nothing_that_callers_send_is_written(places: Places, tmp_path: Path) -> None:
    hidden = SECRET.encode().hex()
    header = {"x-request-id": SECRET, "traceparent": SECRET, "user-agent": SECRET, "x-forwarded-for": "203.0.113.77"}
    responses = asked(
        places,
        [
            request("a", f"good {SECRET}", **header),
            request("a", f"refuse {SECRET}", **header),
            request("a", f"poison {SECRET}", **header),
            request("a", {SECRET: SECRET}, **header),
            request(f"key {SECRET}", "good", **header),
            {"url": f"/v1/models/{hidden}-13812345678/predict", **request("a", "good")},
            {"url": "/13812345678?q=zhang.san", "method": "GET", "headers": ADMIN},
            {
                "url": PREDICT,
                "headers": {**ADMIN, "content-type": "application/json"},
                "content": b"{" + SECRET.encode(),
            },
            {"method": "ZHANG.SAN", "headers": ADMIN},
        ],
    )
    assert len(responses) == 9
    written = everything_written(tmp_path)
    assert written.count(b'"event":"request"') == 8
    for part in (b"zhang", b"13812345678", b"203.0.113", b"ZHANG", hidden.encode()):
        assert part not in written


# --- a watcher that fails ------------------------------------------------------------------------------------------


class Failing:
    def began(self) -> None:
        raise RuntimeError("began")

    def ended(self, request: Ended) -> None:
        raise RuntimeError("ended")

    def computed(self, about: Any, batch: Any) -> None:
        raise RuntimeError("computed")


def test_a_watcher_that_fails_costs_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> list[int]:
        failing: Watcher = Failing()
        echo: Any = Echo()
        transport = httpx.ASGITransport(create_app({"echo": echo}, watchers=[failing]))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return [(await client.post(PREDICT, json={"inputs": ["good"]})).status_code for _ in range(5)]

    with caplog.at_level(logging.ERROR):
        assert asyncio.run(run()) == [200] * 5
    assert caplog.text.count("Failing failed; the request goes on") == 1, "a trace a request would fill the disk"


# --- traces --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
    ],
)
def test_traces_are_sent_where_the_environment_says_so(environment: dict[str, str], found: bool) -> None:
    assert traces.configured(environment) is found


@pytest.mark.parametrize(
    "environment",
    [{"OTEL_TRACES_EXPORTER": "console"}, {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}],
)
def test_another_way_to_send_traces_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        traces.configured(environment)
    assert caught.value.where in environment
    assert caught.value.hint


def test_tracing_without_its_packages_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "REQUIRES", ("opentelemetry-sdk", "opentelemetry-that-is-not"))
    with pytest.raises(MissingPackageError, match="tracing needs"):
        traces.Traces()


class Collector:
    """Takes what an exporter sends, as a collector does."""

    def __init__(self) -> None:
        from http.server import BaseHTTPRequestHandler, HTTPServer

        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments: Any) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def spans(self) -> list[Any]:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        return [
            (resource.resource, span)
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    with ThreadPoolExecutor(1) as threads:
        threads.submit(made.server.serve_forever, 0.05)
        yield made
        made.server.shutdown()
    made.server.server_close()


def test_a_span_a_request_in_the_trace_of_the_caller(
    places: Places, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "reviews")
    trace = "0af7651916cd43dd8448eb211c80319c"
    asked(
        places,
        [
            request("a", f"good {SECRET}", traceparent=f"00-{trace}-b7ad6b7169203331-01"),
            request("a", f"refuse {SECRET}"),
            {"url": "/health/live", "method": "GET"},
        ],
    )
    spans = {span.name: (resource, span) for resource, span in collector.spans() if span.trace_id.hex() == trace}
    assert set(spans) == {"POST /v1/models/{name}/predict", "queue", "compute"}
    resource, span = spans["POST /v1/models/{name}/predict"]
    service = {each.key: each.value.string_value for each in resource.attributes}
    assert (service["service.name"], service["service.instance.id"]) == ("reviews", "0")
    assert span.parent_span_id.hex() == "b7ad6b7169203331"
    told = {each.key: each.value for each in span.attributes}
    assert told["http.route"].string_value == "/v1/models/{name}/predict"
    assert told["http.response.status_code"].int_value == 200
    assert told["aiaas.model"].string_value == "echo"
    assert told["aiaas.tenant"].string_value == "tenant-a"
    queue, compute = spans["queue"][1], spans["compute"][1]
    assert queue.parent_span_id == compute.parent_span_id == span.span_id
    times = [span.start_time_unix_nano, queue.start_time_unix_nano, queue.end_time_unix_nano]
    times += [compute.start_time_unix_nano, compute.end_time_unix_nano, span.end_time_unix_nano]
    assert times == sorted(times)
    assert queue.end_time_unix_nano == compute.start_time_unix_nano
    others = [span for _, span in collector.spans() if span.trace_id.hex() != trace]
    assert len(others) == 1, "the refused one, and none for a balancer"
    assert not any(b"13812345678" in body for body in collector.bodies)


def test_a_collector_that_is_down_costs_nothing(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    (response,) = asked(places, [request("a", "good")])
    assert response.status_code == 200
    tracing = traces.Traces()
    tracing.ended(Ended("x", "GET", "/v1/models", 200, 0.1))
    began = time.monotonic()
    tracing.close()
    assert time.monotonic() - began < traces.PATIENCE + 1, "the exporter alone would go on for ten seconds"


# --- a real process ------------------------------------------------------------------------------------------------


def served(folder: Path) -> subprocess.Popen[str]:
    script = """
import sys
from pathlib import Path
from aiaas.serve.seen import Places, open_watchers
from aiaas.serve.server import listen, run
from aiaas.workspace import Workspace
from tests.conftest import Aiaas, answer
from tests.echo import Echo
root = Path(sys.argv[1])
with listen("127.0.0.1", 0) as door, open_watchers(Places(root / "metrics", root / "audit", root / "logs")) as watchers:
    run({"echo": Echo()}, door, lambda started: print(started.url, flush=True), watchers=watchers)
"""
    root = str(Path(__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": root}
    return subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_a_worker_that_is_killed_leaves_what_it_counted_and_a_chain_that_verifies(
    places: Places, tmp_path: Path
) -> None:
    for last in (False, True):
        process = served(tmp_path)
        assert process.stdout
        url = process.stdout.readline().strip()
        with httpx.Client(base_url=url, trust_env=False) as client:
            for number in range(20):
                assert client.post(PREDICT, json={"inputs": ["x" * number]}).status_code == 200
            assert client.get("/health/live").status_code == 200  # a turn of the loop after the last of them
            found = numbers(client.get("/metrics").text)
        assert found["aiaas_rows_total model=echo version=3"] == (40 if last else 20)
        process.send_signal(signal.SIGTERM if last else signal.SIGKILL)
        _, stderr = process.communicate(timeout=30)
        assert stderr == ""
    assert process.returncode == 0
    (head,) = audit.verify(places.audit)
    events = [each["event"] for each in audit.entries(places.audit)]
    assert (events.count("opened"), events.count("closed"), head.entries) == (2, 1, len(events))
    assert events.count("request") >= 41  # the killed one may not have come to write that /metrics was asked
    assert len(logged(places)) >= 21


@contextmanager
def ending(server: subprocess.Popen[str]) -> Iterator[None]:
    """Ends the server after what is done with it, also where that fails."""
    try:
        yield
    finally:
        server.terminate()
        server.communicate(timeout=30)


def test_the_command_keeps_what_it_saw_in_the_workspace(project: Path, aiaas: Aiaas) -> None:
    assert aiaas("run", "tiny.yaml").returncode == 0
    command = [sys.executable, "-m", "aiaas", "serve", "tiny", "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout
        started = json.loads(server.stdout.readline())
        headers = {"authorization": f"Bearer {started['key']}"}
        with ending(server), httpx.Client(base_url=started["url"], headers=headers, trust_env=False) as client:
            told = client.post("/v1/models/tiny/predict", json={"inputs": ["房间很好"]}).json()
            assert "aiaas_batch_rows_count" in client.get("/metrics").text
    assert server.returncode == 0
    assert len(answer(aiaas("audit", "verify", "--json"))["chains"]) == 1
    (entry,) = map(json.loads, aiaas("audit", "list", "--model", "tiny").stdout.splitlines())
    assert (entry["digest"], entry["decision"]) == (told["digest"], "answered")
    (line,) = [each for each in logged(Places(project, project, project / ".aiaas" / "logs")) if "model" in each]
    assert line["id"] == entry["id"]
    assert "房间" not in everything_written(project / ".aiaas" / "logs").decode()


def test_the_folder_of_a_service_is_its_own_and_none_is_left(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "space")
    with metrics_folder(workspace) as first, metrics_folder(workspace) as second:
        assert first != second
        assert first.exists(), "the second took nothing of the first away"
    assert list((workspace.root / "metrics").iterdir()) == []
    left = workspace.root / "metrics" / "killed"
    left.mkdir()
    (left / "counter_0.db").write_bytes(b"")
    with metrics_folder(workspace) as third:
        assert list((workspace.root / "metrics").iterdir()) == [third]
