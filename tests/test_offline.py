"""What is offline reaches no other machine, whoever tries; what was fetched before is enough."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import aiaas as package
from aiaas import offline, pipeline
from aiaas.cli import boundary
from aiaas.cli.fetch import show
from aiaas.errors import UsageError
from aiaas.gates import champion
from aiaas.pipeline import tracking
from aiaas.pipeline.stages import Work
from aiaas.recipe.gate import Against
from aiaas.sources import _asked
from aiaas.track import Run, Version, fetch
from aiaas.track.store import Store
from aiaas.workspace import Workspace
from tests.conftest import Aiaas, answer

BLOCKED = """\
import os, socket

def refuse(*words, **more):
    with open(os.environ["ATTEMPTS"], "a") as log:
        log.write(f"{words}\\n")
    raise OSError("a test blocks sockets")

socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = refuse
socket.getaddrinfo = socket.gethostbyname = socket.create_connection = refuse
"""
"""A `sitecustomize` for every Python that is started: nothing can be reached, and who tries is written down."""


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("192.0.2.1", 80))),
        ("socket.connect", (None, ("example.org", 443))),
        ("socket.connect", (None, ("2001:db8::1", 80, 0, 0))),
        ("socket.connect", (None, ("::ffff:192.0.2.1", 80, 0, 0))),
        ("socket.connect", (None, (b"192.0.2.1", 80))),
        ("socket.sendto", (None, ("192.0.2.1", 53))),
        ("socket.sendmsg", (None, ("192.0.2.1", 53))),
        ("socket.getnameinfo", (("192.0.2.1", 80),)),
        ("socket.getaddrinfo", ("example.org", 443, 0, 0, 0)),
        ("socket.getaddrinfo", (b"example.org", 443, 0, 0, 0)),
        ("socket.gethostbyname", ("localhost.example.org",)),
        ("socket.gethostbyaddr", ("example.org",)),
    ],
)
def test_what_leads_to_another_machine_is_refused(event: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(OSError, match="--offline forbids reaching"):
        offline._refuse(event, arguments)


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("127.0.0.1", 5000))),
        ("socket.connect", (None, ("::1", 5000, 0, 0))),
        ("socket.connect", (None, ("::ffff:127.0.0.1", 5000, 0, 0))),
        ("socket.connect", (None, ("localhost", 5000))),
        ("socket.connect", (None, "/run/a.socket")),
        ("socket.connect", (None, b"\0abstract")),
        ("socket.connect", (None, (0, 0))),
        ("socket.sendmsg", (None, None)),
        ("socket.getaddrinfo", (None, 0, 0, 0, 0)),
        ("socket.getaddrinfo", ("0.0.0.0", 8000, 0, 0, 0)),
        ("socket.getaddrinfo", ("192.0.2.1", 80, 0, 0, 0)),
        ("socket.getaddrinfo", ("models.localhost", 80, 0, 0, 0)),
        ("socket.bind", (None, ("0.0.0.0", 8000))),
        ("open", ("example.org", "r", 0)),
    ],
)
def test_what_stays_on_this_machine_is_not(event: str, arguments: tuple[Any, ...]) -> None:
    offline._refuse(event, arguments)


def test_a_process_that_is_told_so_reaches_nobody_by_any_way() -> None:
    """The environment is enough, whoever opens the connection and whatever is imported first."""
    code = (
        "import socket, urllib.request, aiaas\n"
        "for reach in (lambda: socket.create_connection(('192.0.2.1', 9), 1),"
        " lambda: socket.getaddrinfo('example.org', 80),"
        " lambda: urllib.request.urlopen('http://example.org/', timeout=1)):\n"
        "    try: reach(); print('reached')\n"
        "    except OSError as error: print(error)\n"
        "with socket.create_server(('127.0.0.1', 0)) as here:\n"
        "    socket.create_connection(here.getsockname(), 5).close()\n"
        "import os; print(os.environ['HF_HUB_OFFLINE'])\n"
    )
    environment = {**os.environ, "AIAAS_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    *refused, told = done.stdout.splitlines()
    assert [line.count("--offline forbids reaching") for line in refused] == [1, 1, 1], done
    assert told == "1"


@pytest.mark.parametrize(
    ("said", "meant"), [("", 0), ("0", 0), ("No", 0), ("off ", 0), ("1", 1), ("ture", 1), ("ja", 1)]
)
def test_a_slip_of_the_pen_lets_nothing_out(said: str, meant: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAAS_OFFLINE", said)
    assert offline.asked() is bool(meant)


def test_a_run_that_is_offline_tries_nothing(project: Path) -> None:
    """With a tracking server elsewhere: the run is kept here, and neither it nor what it starts opens a connection."""
    (project / "site").mkdir()
    (project / "site" / "sitecustomize.py").write_text(BLOCKED)
    environment = {
        **os.environ,
        "PYTHONPATH": str(project / "site"),
        "PYTHONUTF8": "1",
        "ATTEMPTS": str(project / "attempts"),
        "AIAAS_TRACKING": "on",
        "MLFLOW_TRACKING_URI": "http://tracking.example.org",
    }
    command = [sys.executable, "-m", "aiaas", "run", "tiny.yaml", "--json", "--offline"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (project / "attempts").exists(), (project / "attempts").read_text()
    assert answer(done)["tracked"] is False
    assert "--offline sends nothing to a tracking server" in " ".join(done.stderr.split())
    assert len(list((project / ".aiaas" / "runs").glob("*/summary.json"))) == 1


def test_the_block_of_this_test_blocks(project: Path) -> None:
    """Else the test above could not fail."""
    (project / "sitecustomize.py").write_text(BLOCKED)
    environment = {**os.environ, "PYTHONPATH": str(project), "ATTEMPTS": str(project / "attempts")}
    code = "import socket; socket.create_connection(('127.0.0.1', 9))"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "a test blocks sockets" in done.stderr
    assert "127.0.0.1" in (project / "attempts").read_text()


def test_who_is_refused_is_told_so_and_not_that_it_is_a_fault_of_ours() -> None:
    error = boundary._of_network(offline.Forbidden("example.org"))
    assert error is not None
    assert (error.status, error.message) == (8, "--offline forbids reaching example.org")
    assert boundary._of_network(OSError(5, "something else")) is None


def test_libraries_are_told_to_report_nothing_unless_a_person_says_otherwise() -> None:
    environ = {"MLFLOW_DISABLE_TELEMETRY": "false"}
    offline.obey(environ)
    assert environ == {
        "DO_NOT_TRACK": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "MLFLOW_DISABLE_TELEMETRY": "false",
        "ORT_DISABLE_TELEMETRY": "1",
    }
    assert set(offline.TELEMETRY_OFF) <= set(os.environ)  # importing the package was enough


def test_onnx_runtime_does_not_begin_to_report(tmp_path: Path) -> None:
    """It does so as soon as it is imported, by sockets that are not Python's, and notes who reports in a cache."""
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    environment.update(HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path))
    subprocess.run([sys.executable, "-c", "import aiaas, onnxruntime"], env=environment, check=True)
    assert list(tmp_path.rglob("*onnxruntime*")) == []


@pytest.mark.parametrize(
    ("uri", "remote"),
    [
        ("sqlite:////tmp/mlflow.db", False),
        ("file:///tmp/mlruns", False),
        ("/tmp/mlruns", False),
        ("http://127.0.0.1:5000", False),
        ("http://localhost:5000", False),
        ("https://tracking.example.org", True),
        ("postgresql://host/mlflow", True),
        ("databricks", True),
    ],
)
def test_a_store_in_a_file_is_no_other_machine(uri: str, remote: bool) -> None:
    assert Store(uri, uri, None).remote is remote
    assert Store("sqlite:///a.db", uri, None).remote is remote


# --- fetched beforehand -------------------------------------------------------------------------------------------


@pytest.fixture
def work(project: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    monkeypatch.setenv("AIAAS_TRACKING", "off")
    return Work(package.Recipe.read("tiny.yaml"), Workspace.open(None))


def test_fetch_brings_the_rows_and_proves_that_they_are_enough(work: Work, project: Path) -> None:
    found = pipeline.fetch(work)
    assert (found.recipe, found.rows, found.files, found.lists, found.champion) == ("tiny", 240, {}, [], None)
    assert "scikit-learn" in found.packages
    assert json.loads(json.dumps(found.as_dict())) == found.as_dict()
    planned = pipeline.plan(replace(work, offline=True))
    assert [stage.cached for stage in planned[:2]] == [True, False]


def test_the_verb_says_what_is_here_and_what_to_do_next(aiaas: Aiaas, capsys: pytest.CaptureFixture[str]) -> None:
    done = aiaas("fetch", "tiny.yaml", "--json")
    assert (done.returncode, answer(done)["rows"], answer(done)["champion"]) == (0, 240, None)
    assert "all is here: aiaas run tiny.yaml --offline" in done.stderr
    refused = aiaas("fetch", "tiny.yaml", "--json", environment={"AIAAS_OFFLINE": "1"})
    assert (refused.returncode, answer(refused)["error"]["code"]) == (2, "usage")
    files = {"encoder": {"address": "hf:someone/encoder", "bytes": 90_000_000}}
    show(pipeline.Fetched("tiny", 240, [], files, ["words.txt"], "tiny/3", {}))
    told = capsys.readouterr().err
    assert all(each in told for each in ("90.0 MB from hf:someone/encoder", "words.txt", "tiny/3"))


def test_offline_nothing_is_fetched(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="offline nothing can be fetched"):
        pipeline.fetch(replace(work, offline=True))
    monkeypatch.setenv("AIAAS_OFFLINE", "yes")
    with pytest.raises(UsageError) as caught:
        package.fetch("tiny.yaml")
    assert caught.value.hint == "unset AIAAS_OFFLINE"


def test_what_a_database_said_of_its_rows_is_remembered(work: Work) -> None:
    context = work.data_context()
    assert _asked.said("who?", context) is None
    _asked.remember("who?", "[7]", context)
    assert _asked.said("who?", replace(context, offline=True, refresh=True)) == "[7]"
    assert _asked.said("where?", context) is None


@pytest.mark.parametrize(
    ("asked", "found"), [("champion", 3), ("3", 3), ("other@champion", None), ("tiny/3", 3), ("4", None)]
)
def test_a_champion_that_was_fetched_stays_champion_offline(
    work: Work, monkeypatch: pytest.MonkeyPatch, asked: str, found: int | None
) -> None:
    """A gate that names one is not passed for want of it."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking.example.org")
    root = work.workspace.root
    bundle = root / "downloads" / "models" / "d1"
    bundle.mkdir(parents=True)
    fetch.note(root, Version("tiny", 3, bundle, "d1", 1.0, {}, ("champion",)), "champion")

    def look() -> Version | None:
        return champion("tiny", Against(model=asked), work.workspace, fetch=False)

    if found is None:
        with pytest.raises(UsageError, match="no model is registered here"):
            look()
        return
    known = look()
    assert known is not None
    assert (known.number, known.path, known.aliases) == (3, bundle, ("champion",))
    bundle.rmdir()
    assert fetch.fetched(root, "tiny") is None


def test_no_tracking_server_is_told_of_an_offline_run(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking.example.org")
    sends = []

    def start(*words: Any, send: bool | None = None, **more: Any) -> Run:
        sends.append(send)
        return begin(*words, send=False, **more)

    begin = Run.start
    monkeypatch.setattr(tracking.Run, "start", start)
    said: list[str] = []
    for alone in (True, False):
        told = tracking.Tracking(replace(work, offline=alone, warn=said.append), "deploy")
        told.begin()
        told.finish("FINISHED")
    assert sends == [False, None]
    assert [tracking.OFFLINE in each for each in said] == [True, False]


def test_sockets_of_this_process_are_its_own_affair() -> None:
    """A program that calls `run(offline=True)` is not shut: the hook could not be taken back, and tests rely on it."""
    assert not offline._state["forbidden"]
