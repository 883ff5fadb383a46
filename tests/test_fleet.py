"""Workers that share a port: none lost when they end, others in the place of those that die, versions in one step."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from aiaas import audit
from aiaas.track import Registry
from aiaas.workspace import Workspace
from tests import fleet_toy
from tests.fleet import PATIENCE, Clients, Service, kill, served, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for workers in /proc")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Workspace.open(tmp_path / "ws")


@pytest.fixture
def two(workspace: Workspace) -> Iterator[Service]:
    """Version 1, by two workers."""
    fleet_toy.register(workspace, "toy", seconds=0.002)
    with served(workspace, "--workers", "2") as service:
        yield service


def sockets(pid: int) -> int:
    links = Path(f"/proc/{pid}/fd").iterdir()
    return sum(str(each.readlink()).startswith("socket:") for each in links if each.is_symlink())


def test_connections_are_shared_out(two: Service) -> None:
    before = {pid: sockets(pid) for pid in two.workers()}
    assert len(before) == 2
    assert [each["version"] for each in two.about] == ["1"]
    clients = [httpx.Client(base_url=two.url, trust_env=False) for _ in range(24)]
    for client in clients:
        assert client.get("/health/ready").json() == {"status": "ready"}
    held = [sockets(pid) - count for pid, count in before.items()]
    assert sum(held) == 24
    assert min(held) >= 10, "the one with fewer takes the next"
    for client in clients:
        client.close()


@pytest.mark.parametrize("kept", [True, False], ids=["kept-alive", "a connection each"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_no_request_is_lost_when_it_ends(two: Service, number: signal.Signals, kept: bool) -> None:
    clients = Clients(two.url, key=two.key, kept=kept)
    clients.start()
    until(lambda: len(clients.answers) > 100)
    two.process.send_signal(number)
    for thread in clients.threads:  # the door is closed: each of them sees it
        thread.join(PATIENCE)
    assert two.process.wait(PATIENCE) == 0
    assert (clients.lost, clients.refused, clients.wrong) == ([], {}, [])
    assert "Traceback" not in two.said


def test_another_worker_takes_the_place_of_one_that_dies(two: Service) -> None:
    clients = Clients(two.url, key=two.key)
    clients.start()
    until(lambda: len(clients.answers) > 50)
    (victim, survivor) = two.workers()
    kill(victim)
    until(lambda: len(two.workers()) == 2 and victim not in two.workers() and two.status() == "ready")
    answered = len(clients.answers)
    until(lambda: len(clients.answers) > answered + 100)
    clients.end()
    assert survivor in two.workers()
    assert len(clients.lost) <= 8, "no more than were in it: one a client"
    assert (clients.refused, clients.wrong) == ({}, [])
    assert f"worker {victim} was ended by SIGKILL; another takes its place" in two.said


def test_clients_find_the_worker_that_came_later(two: Service) -> None:
    own = max(map(sockets, two.workers()))
    clients = Clients(two.url, key=two.key, count=24)
    clients.start()
    until(lambda: len(clients.answers) > 100)
    kill(two.workers()[0])
    until(lambda: len(two.workers()) == 2 and two.status() == "ready")
    until(lambda: all(sockets(pid) - own >= 6 for pid in two.workers()))
    clients.end()
    assert len(clients.lost) <= 24
    assert (clients.refused, clients.wrong) == ({}, [])


def test_readiness_tells_of_a_missing_worker(workspace: Workspace) -> None:
    fleet_toy.register(workspace, "toy", loading=1.0)
    with served(workspace, "--workers", "2") as service:
        kill(service.workers()[0])
        until(lambda: service.status() == "degraded")
        until(lambda: service.status() == "ready")


@pytest.mark.parametrize("whom", ["a worker", "all"])
def test_workers_are_renewed_without_losing_a_request(two: Service, whom: str) -> None:
    clients = Clients(two.url, key=two.key)
    clients.start()
    until(lambda: len(clients.answers) > 50)
    before = two.workers()
    if whom == "all":
        two.process.send_signal(signal.SIGHUP)
        until(lambda: len(two.workers()) == 2 and not set(before) & set(two.workers()))
    else:
        kill(before[0], signal.SIGTERM)
        until(lambda: len(two.workers()) == 2 and before[0] not in two.workers())
    answered = len(clients.answers)
    until(lambda: len(clients.answers) > answered + 50)
    clients.end()
    assert (clients.lost, clients.refused, clients.wrong) == ([], {}, [])


def test_workers_do_not_outlive_their_supervisor(two: Service) -> None:
    workers = two.workers()
    two.process.kill()
    two.process.wait()
    until(lambda: not any(Path(f"/proc/{pid}/fd").is_dir() and _lives(pid) for pid in workers))


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_who_says_it_twice_does_not_wait_for_what_is_computed(workspace: Workspace) -> None:
    fleet_toy.register(workspace, "toy")

    def ask(service: Service) -> None:
        with suppress(httpx.HTTPError):  # it breaks, or is told so
            assert service.predict("5 hang").status_code >= 500

    with served(workspace) as service, ThreadPoolExecutor(1) as asking:
        asked = asking.submit(ask, service)
        time.sleep(0.5)
        began = time.monotonic()
        service.process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        service.process.send_signal(signal.SIGINT)
        assert service.process.wait(PATIENCE) == 0
        assert time.monotonic() - began < 15
        asked.result(PATIENCE)


def test_what_is_seen_of_all_workers_is_one(workspace: Workspace) -> None:
    fleet_toy.register(workspace, "toy")
    asked = 0

    def shown(service: Service) -> dict[str, float]:
        time.sleep(0.3)  # numbers reach the others a moment later
        lines = httpx.get(service.url + "/metrics", headers=service.headers, trust_env=False).text.splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}

    def ask(service: Service, count: int) -> float:
        nonlocal asked
        asked += count
        assert all(service.predict("5").status_code == 200 for _ in range(count))
        found = shown(service)
        return sum(value for name, value in found.items() if name.startswith("aiaas_tenant_rows_total"))

    with served(workspace, "--workers", "2") as service:
        assert ask(service, 10) == asked
        kill(service.workers()[0])
        until(lambda: "another takes its place" in service.said and service.status() == "ready")
        assert ask(service, 10) == asked
        before = set(service.workers())
        service.process.send_signal(signal.SIGHUP)
        until(lambda: len(service.workers()) == 2 and not before & set(service.workers()))
        assert ask(service, 10) == asked
        found = shown(service)
        assert found['aiaas_worker_deaths_total{how="SIGKILL"}'] == 1
        assert found['aiaas_models_loaded{model="toy",version="1"}'] == found["aiaas_workers_wanted"] == 2
        assert sum(name.startswith("aiaas_worker_start_time_seconds") for name in found) == 2
        service.process.terminate()
        assert service.process.wait(PATIENCE) == 0
    audit.verify(workspace.audit)
    entries = [each for each in audit.entries(workspace.audit) if each.get("model")]
    logs = "".join(path.read_text("utf-8") for path in workspace.logs.glob("access-*.jsonl"))
    lines = [json.loads(line) for line in logs.splitlines()]
    assert len({each["id"] for each in entries}) == asked
    assert {each["id"] for each in lines if each.get("model")} == {each["id"] for each in entries}


def test_a_version_takes_the_place_of_another_in_one_step(workspace: Workspace, two: Service) -> None:
    clients = Clients(two.url, key=two.key)
    clients.start()
    until(lambda: len(clients.answers) > 50)
    for number in (2, 3):
        assert fleet_toy.register(workspace, "toy", turn=number).number == number
        until(lambda expected=str(number): any(each.version == expected for each in clients.answers))  # type: ignore[misc]
    answered = len(clients.answers)
    until(lambda: len(clients.answers) > answered + 50)
    clients.end()
    assert (clients.lost, clients.refused, clients.wrong) == ([], {}, [])
    for version in ("2", "3"):
        first = min(each.given for each in clients.answers if each.version == version)
        late = [each for each in clients.answers if each.asked > first and each.version < version]
        assert late == [], "whoever saw the new version is never shown the old one again, by any worker"
    assert "toy version 3 answers in place of version 2" in two.said


def test_workers_that_begin_after_a_switch_have_the_new_version(workspace: Workspace, two: Service) -> None:
    fleet_toy.register(workspace, "toy", turn=2)
    until(lambda: two.version() == "2")
    (victim, _) = two.workers()
    kill(victim)
    until(lambda: len(two.workers()) == 2 and victim not in two.workers() and two.status() == "ready")
    assert {two.version() for _ in range(20)} == {"2"}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"lying": True}, "example request 1 is answered differently"),
        ({"deadly": True, "bytes": "no number"}, "invalid literal"),
    ],
    ids=["answers otherwise", "cannot be loaded"],
)
def test_a_version_that_is_no_good_is_not_switched_to(
    workspace: Workspace, two: Service, told: dict[str, object], why: str
) -> None:
    fleet_toy.register(workspace, "toy", **told)
    until(lambda: "does not take the place of version 1" in two.said)
    assert why in two.said
    time.sleep(1.5)  # it looks once more
    assert two.said.count("does not take the place") == 1
    assert {two.version() for _ in range(10)} == {"1"}
    fleet_toy.register(workspace, "toy", turn=3)
    until(lambda: two.version() == "3")


def test_a_version_that_errs_goes_back(workspace: Workspace, two: Service) -> None:
    fleet_toy.register(workspace, "toy", faulty=True)
    until(lambda: two.version() == "2")
    statuses = []
    while two.version() == "2":
        statuses.append(two.predict("7 bad").status_code)
        assert len(statuses) < 200
    assert statuses[:3] == [500, 500, 500], "of fewer nothing is concluded"
    assert {two.version() for _ in range(20)} == {"1"}
    assert "toy version 2 gave way to version 1 again: it failed" in two.said
    assert two.predict("7 bad").status_code == 200
    time.sleep(1.5)
    assert two.version() == "1", "it is not tried again while the alias stands there"
    Registry(workspace.models).set_alias("toy", "champion", 1)
    time.sleep(1.5)
    Registry(workspace.models).set_alias("toy", "champion", 2)
    until(lambda: two.version() == "2")


def test_what_fails_any_version_is_no_reason_to_go_back(workspace: Workspace) -> None:
    fleet_toy.register(workspace, "toy", faulty=True)
    with served(workspace) as service:
        for _ in range(10):
            assert service.predict("7 bad").status_code == 500
        fleet_toy.register(workspace, "toy", faulty=True, turn=2)
        # Not asked meanwhile: what it answers rightly until then would lessen the share that the version before failed.
        until(lambda: "version 2 answers in place of version 1" in service.said)
        for _ in range(10):
            assert service.predict("7 bad").status_code == 500
        time.sleep(1.0)
        assert service.version() == "2"


def test_a_version_that_workers_die_of_goes_back(workspace: Workspace, two: Service) -> None:
    fleet_toy.register(workspace, "toy", deadly=True)
    until(lambda: two.version() == "2")
    for _ in range(2):
        with pytest.raises(httpx.HTTPError):
            two.predict("7 die")
        until(lambda: two.status() == "ready")
    until(lambda: two.version() == "1")
    assert "gave way to version 1 again: 2 workers died" in two.said
    assert two.predict("7 die").status_code == 200


def test_an_administrator_loads_and_unloads_while_others_ask(workspace: Workspace, two: Service) -> None:
    """In all workers in one step, also in one that comes later; the alias of what was loaded is followed."""
    fleet_toy.register(workspace, "more", seconds=0.02)
    path = two.url + "/v1/admin/models"

    def load() -> httpx.Response:
        return httpx.post(path, json={"model": "more"}, headers=two.headers, trust_env=False, timeout=PATIENCE)

    clients = Clients(two.url, key=two.key)
    clients.start()
    assert two.predict("1", model="more").status_code == 404
    assert (load().status_code, load().status_code) == (201, 409)
    assert {two.predict("1", model="more").status_code for _ in range(20)} == {200}
    fleet_toy.register(workspace, "more", turn=2)
    until(lambda: two.version("more") == "2")
    (victim, _) = two.workers()
    kill(victim)
    until(lambda: len(two.workers()) == 2 and victim not in two.workers() and two.status() == "ready")
    assert {two.version("more") for _ in range(20)} == {"2"}
    gone = httpx.delete(f"{path}/more", headers=two.headers, trust_env=False, timeout=PATIENCE)
    assert gone.json() == {"unloaded": "more"}
    assert {two.predict("1", model="more").status_code for _ in range(20)} == {404}
    assert load().status_code == 201
    assert {two.version("more") for _ in range(10)} == {"2"}
    clients.end()
    assert (len(clients.lost) <= 8, clients.refused, clients.wrong) == (True, {}, [])


def test_a_model_that_cannot_be_loaded_changes_nothing(workspace: Workspace, two: Service) -> None:
    fleet_toy.register(workspace, "bad", bytes="no number")
    asked = {"json": {"model": "bad"}, "headers": two.headers, "trust_env": False, "timeout": PATIENCE}
    refused = httpx.post(two.url + "/v1/admin/models", **asked)  # type: ignore[arg-type]
    assert (refused.status_code, refused.json()["error"]["message"]) == (409, "the model cannot be loaded")
    assert "bad cannot be loaded: " in two.said
    assert two.predict("1", model="bad").status_code == 404
    assert two.predict("1").status_code == 200


def test_a_version_that_was_named_stays(workspace: Workspace) -> None:
    fleet_toy.register(workspace, "toy")
    with served(workspace, models=("toy/1",)) as service:
        fleet_toy.register(workspace, "toy", turn=2)
        time.sleep(1.5)
        assert service.version() == "1"


def test_a_model_that_cannot_be_loaded_ends_the_service(workspace: Workspace) -> None:
    version = fleet_toy.register(workspace, "toy")
    (version.path / "model" / "told.json").write_text('{"other": 1}')
    with served(workspace, "--workers", "2") as service:
        assert service.process.wait(PATIENCE) == 7
        assert "told.json was altered" in service.said
        assert "Traceback" not in service.said


def test_a_worker_that_dies_while_it_begins_ends_the_service(workspace: Workspace) -> None:
    fleet_toy.register(workspace, "toy", loading=30)
    with served_later(workspace) as service:
        kill(until(service.workers)[0])
        assert service.process.wait(PATIENCE) == 1
        assert "was ended by SIGKILL while it began" in service.said


def served_later(workspace: Workspace):  # type: ignore[no-untyped-def]
    """A service that is not waited for."""
    import subprocess
    from contextlib import contextmanager

    @contextmanager
    def start() -> Iterator[Service]:
        stderr = workspace.root / "stderr.txt"
        with stderr.open("w") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "aiaas", "serve", "toy", "--port", "0", "--workspace", str(workspace.root)],
                stderr=stream,
                text=True,
                env={**os.environ, "PYTHONPATH": fleet_toy.site(workspace.root / "site")},
            )
        try:
            yield Service(process, "", stderr, [])
        finally:
            process.kill()
            process.wait()

    return start()


def test_ended_while_it_begins(workspace: Workspace) -> None:
    fleet_toy.register(workspace, "toy", loading=30)
    with served_later(workspace) as service:
        workers = until(service.workers)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(PATIENCE) == 0
        assert not any(_lives(pid) for pid in workers)


def test_models_leave_memory_and_come_back(workspace: Workspace) -> None:
    fleet_toy.register(workspace, "toy", bytes=60_000_000)
    fleet_toy.register(workspace, "other", bytes=60_000_000)
    with served(workspace, "--idle", "1", models=("toy", "other")) as service:
        (worker,) = service.workers()
        full = resident(worker)
        until(lambda: resident(worker) < full - 100_000_000)
        listed = httpx.get(service.url + "/v1/models", headers=service.headers, trust_env=False).json()["models"]
        assert [each["name"] for each in listed] == ["toy", "other"]
        assert service.predict("250 a").json()["outputs"][0]["scores"]["high"] == 0.25
        assert full - 90_000_000 < resident(worker) < full - 30_000_000
        impatient = httpx.post(
            service.url + "/v1/models/other/predict",
            json={"inputs": ["1"]},
            headers={"x-request-timeout": "0.001", **service.headers},
            trust_env=False,
        )
        assert impatient.status_code == 504
        assert service.version("other") == "1"


def test_models_stay_within_memory(workspace: Workspace) -> None:
    for name in ("toy", "second", "third"):
        fleet_toy.register(workspace, name, bytes=50_000_000, of=name)
    with served(workspace, "--memory", "120MB", models=("toy", "second", "third")) as service:
        (worker,) = service.workers()
        full = resident(worker)
        for name in ("third", "toy", "second", "third", "second", "toy") * 2:
            assert service.version(name) == "1"
            assert resident(worker) < full + 30_000_000, "one leaves before another comes"


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_the_cores_are_shared_out(two: Service) -> None:
    from aiaas.cores import cores

    variables = dict(
        each.split("=", 1) for each in Path(f"/proc/{two.workers()[0]}/environ").read_text().split("\0") if "=" in each
    )
    assert variables["OMP_NUM_THREADS"] == os.environ.get("OMP_NUM_THREADS", str(max(1, cores() // 2)))
    assert variables["AIAAS_THREADS"] == os.environ.get("AIAAS_THREADS", str(max(1, cores() // 2)))


@pytest.mark.parametrize(("size", "expected"), [("800MB", 800_000_000), ("1.5g", 1_500_000_000), ("7", 7)])
def test_sizes_of_memory(size: str, expected: int) -> None:
    from aiaas.cli.serve import _bytes

    assert _bytes(size) == expected


@pytest.mark.parametrize("size", ["", "much", "-1", "0", "5 elephants"])
def test_what_is_no_size(size: str) -> None:
    from aiaas.cli.serve import _bytes
    from aiaas.errors import UsageError

    with pytest.raises(UsageError, match="no size of memory"):
        _bytes(size)


def test_limits_are_those_of_the_command_line(workspace: Workspace) -> None:
    fleet_toy.register(workspace, "toy")
    with served(workspace, "--limit", "rows=2", "--limit", "seconds=30") as service:
        assert service.predict("1", "2").status_code == 200
        assert service.predict("1", "2", "3").status_code == 413


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("second=3", "did you mean 'seconds'"),
        ("elephants=3", "there are body, rows"),
        ("rows", "'' is not a whole number"),
        ("rows=2.5", "not a whole number"),
        ("seconds=0", "not a number above 0"),
        ("seconds=nan", "not a number above 0"),
        ("body=-1", "not a whole number above 0"),
    ],
)
def test_what_is_no_limit(word: str, told: str) -> None:
    from aiaas.errors import UsageError
    from aiaas.serve import Limits

    with pytest.raises(UsageError) as caught:
        Limits.parse([word])
    assert told in f"{caught.value.message} {caught.value.hint}"


def test_json_is_one_object(two: Service) -> None:
    two.process.send_signal(signal.SIGTERM)
    rest, _ = two.process.communicate(timeout=PATIENCE)
    assert rest == ""
    assert json.dumps(two.about).count("digest") == 1
