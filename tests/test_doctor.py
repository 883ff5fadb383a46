"""What `aiaas doctor` finds, on machines that lack something."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from aiaas import plugins
from aiaas.cli import doctor
from aiaas.doctor import Check, examine, machine, network, packages
from aiaas.errors import DataError, MissingPackageError
from aiaas.workspace import Workspace


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server but those of the tests, and no proxy."""
    for name in list(os.environ):
        if name.startswith(("MLFLOW_", "AIAAS_", "HF_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.look(tmp_path / ".aiaas")


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_everything_that_is_looked_at(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*words: Any, **options: Any) -> Any:
        raise AssertionError("offline asks nobody")

    monkeypatch.setattr(socket, "create_connection", refuse)
    found = by_name(examine(workspace, offline=True))
    names = ["python", "packages", *plugins.extras(), "processor", "gpu", "memory", "disk", "workspace"]
    assert [name for name in found if name != "plug-ins"] == [*names, "tracking", "hub"]
    assert found["packages"].level == "ok"
    assert found["packages"].details["packages"]["typer"]
    assert found["memory"].details["free"] > 0
    assert found["processor"].details["cores"] >= 1
    assert "made by the first run" in found["workspace"].message
    assert not workspace.root.exists()
    assert (found["hub"].level, found["hub"].message) == ("note", "https://huggingface.co (not asked: offline)")


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """An aiaas that needs and brings other things than ours."""
    lines = [
        "typer>=0.26",
        "unheard-of>=3",
        "winonly>=1; sys_platform == 'win32'",
        "rich<2; extra == 'data'",
        "unheard-of-too>=1; extra == 'onnx'",
        "aiaas[onnx]; extra == 'torch'",
    ]
    monkeypatch.setattr(packages, "requires", lambda name: lines)


def test_what_is_missing_has_its_command(metadata: None) -> None:
    needed = packages.needed()
    assert (needed.level, needed.message) == ("failed", "not installed: unheard-of>=3")
    assert needed.hint == "pip install --upgrade aiaas"
    extras = by_name(list(packages.extras()))
    assert list(extras) == ["data", "onnx", "torch"]
    assert extras["data"].level == "warning"
    assert extras["data"].message.startswith("of another version: rich<2 (found ")
    assert extras["torch"].message == "not installed: unheard-of-too>=1"
    assert (extras["torch"].level, extras["torch"].hint) == ("note", "pip install 'aiaas[torch]'")


def test_what_is_broken_decides_the_status(
    metadata: None, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(MissingPackageError, match="unheard-of") as caught:
        doctor.doctor_command(workspace=workspace.root, offline=True)
    out = capsys.readouterr().out
    assert "failed   packages   not installed: unheard-of>=3\n" in out
    assert max(map(len, out.splitlines())) <= 80 + len(str(workspace.root))  # a path stays whole
    assert caught.value.status == 4
    assert caught.value.reached["checks"][1]["missing"] == ["unheard-of>=3"]
    with pytest.raises(MissingPackageError):
        doctor.doctor_command(workspace=workspace.root, offline=True, json=True)
    assert capsys.readouterr().out == ""  # the one object is that of the error


def test_a_plugin_that_cannot_be_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    points: dict[str, dict[str, EntryPoint]] = {room: {} for room in ("sources", "steps", "tasks", "architectures")}
    points["steps"] = {
        "good": EntryPoint("good", "aiaas.steps.clean", ""),
        "polish": EntryPoint("polish", "unheard_of", ""),
    }
    monkeypatch.setattr(plugins, "_registered", points.__getitem__)
    works, fails = packages.plugins()
    assert (works.level, works.message) == ("ok", "steps/good")
    assert (fails.level, fails.details["plugins"]) == ("warning", ["steps/polish"])
    assert "No module named 'unheard_of'" in fails.message


def test_who_does_not_answer_is_not_waited_for(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def silent(*words: Any, **options: Any) -> Any:
        over.wait(30)
        raise TimeoutError

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("HF_ENDPOINT", f"http://me:secret@127.0.0.1:{port}")
        hub = network.Asked(workspace)
        assert [check.level for check in hub.checks()] == ["ok", "ok"]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    tracking, hub_ = network.Asked(workspace).checks()
    assert (tracking.level, hub_.level) == ("warning", "warning")
    assert "refused" in tracking.message
    assert "runs sync" in str(tracking.hint)
    assert "secret" not in repr(hub_)
    monkeypatch.setattr(network.socket, "create_connection", silent)
    began = time.monotonic()
    tracking, _ = network.Asked(workspace).checks()
    assert time.monotonic() - began < 2 * network.SECONDS
    assert "no answer within" in tracking.message
    over.set()


def test_tracking_that_is_off_is_told(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAAS_TRACKING", "off")
    tracking, _ = network.Asked(workspace, offline=True).checks()
    assert (tracking.level, tracking.details["sending"]) == ("note", False)


@pytest.mark.parametrize("address", ["http://me:secret@[bad", "http://", "http://host:99999999", "nonsense"])
def test_an_address_that_is_none_is_told(address: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    tracking, hub = network.Asked(workspace).checks()
    assert tracking.level == ("ok" if address == "nonsense" else "warning")  # a name that MLflow may know
    assert hub.level == "warning"
    assert "no answer within" not in hub.message
    assert "secret" not in repr((tracking, hub))


def test_an_address_behind_a_proxy_is_reached_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example.org:3128")
    assert network._door("https://huggingface.co") == ("proxy.example.org", 3128)
    assert network._door("http://huggingface.co/") == ("huggingface.co", 80)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_workspace_that_cannot_be_written_fails(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    _, place = machine.disk(tmp_path / ".aiaas")
    assert (place.level, place.error) == ("failed", DataError)


def test_little_room_and_little_memory_are_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "available", lambda: 500_000_000)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 5, "total": 10})())
    assert machine.memory().level == "warning"
    disk, _ = machine.disk(tmp_path)
    assert (disk.level, disk.message) == ("warning", "5 bytes free of 10 bytes")


@pytest.mark.parametrize(
    ("script", "level", "told"),
    [
        ("echo 'NVIDIA A, 1024 MiB, 570.1'; echo 'NVIDIA B, 1024 MiB, 570.1'", "ok", "NVIDIA A, 1024 MiB, 570.1; NV"),
        ("echo 'driver/library version mismatch'; exit 18", "warning", "fails: driver/library version mismatch"),
        ("exec sleep 30", "warning", "does not answer: TimeoutExpired"),
    ],
)
def test_gpus_are_those_of_the_driver(
    script: str, level: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(machine, "_GPU_SECONDS", 0.3 if "sleep" in script else 20)
    found = machine.gpus()
    assert found.level == level
    assert told in found.message


def test_it_imports_no_framework_and_prints_one_object(tmp_path: Path) -> None:
    code = (
        "import sys, json, io, contextlib; sys.argv = ['aiaas', 'doctor', '--json', '--offline']\n"
        "from aiaas.cli import main; said = io.StringIO()\n"
        "with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit): main()\n"
        "print(json.dumps([json.loads(said.getvalue()), list(sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    said, modules = json.loads(done.stdout)
    assert (said["verb"], said["ok"]) == ("doctor", True)
    assert not {"torch", "tensorflow", "mlflow", "sklearn", "datasets", "numpy"} & set(modules)
