"""`aiaas runs`: lists, logs, follows, deletes and exports, without MLflow."""

from __future__ import annotations

import json
import re
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aiaas.cli import runs, watch
from aiaas.contracts import Advance, Progress
from aiaas.errors import GateError, Interrupted, RemoteError, UsageError
from aiaas.pipeline.events import Events
from aiaas.pipeline.result import Result, StageResult
from aiaas.pipeline.stages import Work
from aiaas.track import Run, history, process, removal, sender
from aiaas.track.spoken import Spoken, follow
from aiaas.track.store import Store
from aiaas.workspace import Workspace, atomic

Capsys = pytest.CaptureFixture[str]
TRAINED = StageResult("train", "k" * 64, False, 2.0, {"backend": "b", "architecture": "a", "notes": {}})


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    return Workspace.open(tmp_path / ".aiaas")


def begun(workspace: Workspace, name: str = "reviews") -> tuple[Run, Spoken, Events]:
    run = Run.start(workspace, name, send=False)
    kept = Spoken(run.folder)
    told = Events([kept.write])
    told.begins("run", name, None)
    return run, kept, told


def work(told: Events) -> Work:
    return told.overhear(Work(None, None))  # type: ignore[arg-type]


def carried(workspace: Workspace, error: BaseException | None = None) -> Run:
    """A run that trained for an epoch and ended."""
    run, kept, told = begun(workspace)
    told.stage_begins("train", ["seed changed from 1 to 2"])
    work(told).training(Progress(1, 2, 1, 1, {"loss": 0.75}))
    work(told).training(Progress(2, 2, 1, 1, {"loss": 0.5}, ended=True))
    work(told).warn("the disk is slow")
    told.stage_ends(TRAINED)
    run.metrics({"accuracy": 0.9})
    run.text("recipe.yaml", "name: reviews\n")
    if error:
        told.failed(error)
    else:
        told.ends(Result("reviews", seconds=2.5, run_id=run.id))
    run.finish("FAILED" if error else "FINISHED")
    kept.close()
    return run


def without_clock(text: str) -> list[str]:
    return [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in text.splitlines()]


def test_logs_tell_what_a_run_said(workspace: Workspace, capsys: Capsys) -> None:
    run = carried(workspace)
    watch.logs(run.id[-6:])
    told = without_clock(capsys.readouterr().out)
    assert told == [
        " aiaas run reviews  (aiaas 0.1.0)",
        " train            …  seed changed from 1 to 2",
        " epoch 1/1     0.0 s  loss 0.5000",
        " warning: the disk is slow",
        " train         2.0 s  b/a",
        " done in 2.5 s",
    ]
    watch.logs(run.id, json=True)
    said = json.loads(capsys.readouterr().out)
    assert [each["event"] for each in said["events"]][::5] == ["begins", "stage_ends"]
    watch.logs(run.id, sender=True)
    assert capsys.readouterr().out == ""
    (run.folder / process.LOG).write_text("Traceback\n")
    watch.logs(run.id, sender=True)
    assert capsys.readouterr().out == "Traceback\n"


def test_a_run_of_an_older_version_kept_nothing(workspace: Workspace, capsys: Capsys) -> None:
    run = Run.start(workspace, "reviews", send=False)
    run.finish()
    watch.logs(run.id)
    assert capsys.readouterr() == ("", f"{run.id} kept nothing of what it said\n")


def test_a_run_is_followed_while_it_goes_on(workspace: Workspace) -> None:
    run, kept, told = begun(workspace)
    heard = follow(run.folder)

    def next_said() -> str:
        return str(next(event for event in heard if event is not None)["event"])

    assert next_said() == "begins"
    assert next(heard) is None  # it waits
    work(told).progress(Advance("collect", 5))
    assert next_said() == "progress"
    told.ends(Result("reviews"))
    assert next_said() == "ends"
    assert list(heard) == []
    run.finish()
    kept.close()


def test_watch_ends_with_the_run_and_has_its_status(workspace: Workspace, capsys: Capsys) -> None:
    run, kept, told = begun(workspace)

    def go_on() -> None:
        time.sleep(0.3)
        told.stage_ends(TRAINED)
        run.finish("FINISHED")  # what MLflow is told takes its time; the run is not over yet
        time.sleep(0.3)
        told.failed(GateError("accuracy 0.5 is not > 0.9", hint="train better"))
        kept.close()

    other = threading.Thread(target=go_on)
    other.start()
    with pytest.raises(GateError, match=r"is not > 0\.9") as caught:
        watch.watch()
    other.join()
    assert (caught.value.status, caught.value.hint) == (6, "train better")
    out, err = capsys.readouterr()
    assert "train         2.0 s  b/a" in out
    assert err == f"{run.id}  reviews\n"


def test_watch_tells_scripts_the_end_alone(workspace: Workspace, capsys: Capsys) -> None:
    run = carried(workspace)
    watch.watch(run.id, json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["ok"], said["id"], said["seconds"]) == (True, run.id, 2.5)


def test_a_run_that_was_killed_is_not_waited_for(workspace: Workspace) -> None:
    run, kept, _ = begun(workspace)
    kept.close()
    run._lock.release()
    with pytest.raises(Interrupted, match="was killed"):
        watch.watch(run.id)
    with pytest.raises(UsageError, match="nothing runs"):
        watch.watch()


def test_an_ambiguous_id_is_told(workspace: Workspace) -> None:
    both = [carried(workspace) for _ in range(2)]
    with pytest.raises(UsageError, match="is ambiguous: it fits 2 runs") as caught:
        watch.logs(both[0].id[:8])
    assert all(run.id in caught.value.message for run in both)
    assert caught.value.hint == "give more of its characters"
    with pytest.raises(UsageError, match="too short to name a run") as caught:
        watch.logs(both[0].id[-3:])
    assert caught.value.hint == "give 4 of its characters or more"


def test_runs_are_listed_by_recipe_and_status(workspace: Workspace, capsys: Capsys) -> None:
    first, second = carried(workspace), carried(workspace, KeyboardInterrupt())
    other, kept, _ = begun(workspace, "other")

    def listed(**wanted: Any) -> list[str]:
        runs.list_(json=True, workspace=workspace.root, **wanted)
        return [run["id"] for run in json.loads(capsys.readouterr().out)["runs"]]

    assert listed() == [other.id, second.id, first.id]
    assert listed(limit=1) == [other.id]
    assert listed(recipe="reviews", status="failed") == [second.id]
    assert listed(status="running") == [other.id]
    (first.folder / "summary.json").write_text("null", "utf-8")  # damaged: the others are listed nevertheless
    (first.folder / "sent.json").write_text("5", "utf-8")
    assert listed(status="killed") == [first.id]
    runs.list_(recipe="none", workspace=workspace.root)
    assert capsys.readouterr() == ("", f"no such run in {workspace.root}\n")
    other.finish()
    kept.close()


def test_what_is_deleted_is_gone_and_the_rest_stays(workspace: Workspace, capsys: Capsys) -> None:
    first, second = carried(workspace), carried(workspace)
    with pytest.raises(UsageError, match="not in MLflow") as caught:
        runs.delete([first.id])
    assert "--unsent" in str(caught.value.hint)
    with pytest.raises(UsageError, match="there is no run"):
        runs.delete([first.id, "nonesuch"], unsent=True)
    assert len(history.runs(workspace)) == 2
    runs.delete([first.id, first.id[-6:]], unsent=True)
    assert capsys.readouterr().out == f"{first.id}  deleted\n"
    assert [run.id for run in history.runs(workspace)] == [second.id]
    assert list(workspace.temporary.iterdir()) == []


def test_a_run_that_goes_on_is_not_deleted(workspace: Workspace) -> None:
    run, kept, _ = begun(workspace)
    with pytest.raises(UsageError, match="still runs"):
        runs.delete([run.id], unsent=True)
    run.finish()
    kept.close()
    assert run.folder.exists()


@pytest.fixture
def sent(workspace: Workspace) -> Run:
    """A run that MLflow has, as far as the workspace knows."""
    run = carried(workspace)
    state = {"uri": workspace.mlflow_uri, "run_id": "f" * 32, "state": "sent", "problem": None}
    atomic.write_json(run.folder / "sent.json", state)
    return run


def test_nothing_is_deleted_here_where_mlflow_does_not_take_it(
    workspace: Workspace, sent: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "send", lambda *words: [{"problem": "it does not answer"}])
    with pytest.raises(RemoteError, match="it does not answer; nothing is deleted here"):
        runs.delete([sent.id], mlflow=True)
    assert sent.folder.exists()
    monkeypatch.setattr(process, "send", lambda *words: [{"id": sent.id, "problem": None}])
    removal.delete(workspace, history.runs(workspace), mlflow=True)
    assert not sent.folder.exists()


def gone(run_id: str) -> Any:
    error = RuntimeError("no such run")
    error.error_code = "RESOURCE_DOES_NOT_EXIST"  # type: ignore[attr-defined]
    raise error


@pytest.mark.parametrize(
    ("get_run", "deleted"),
    [
        (lambda run_id: SimpleNamespace(info=SimpleNamespace(lifecycle_stage="active")), ["f" * 32]),
        (lambda run_id: SimpleNamespace(info=SimpleNamespace(lifecycle_stage="deleted")), []),
        (gone, []),
    ],
)
def test_mlflow_deletes_what_is_there(
    get_run: Callable[[str], Any],
    deleted: list[str],
    workspace: Workspace,
    sent: Run,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    there: list[str] = []
    client = SimpleNamespace(get_run=get_run, delete_run=there.append)
    monkeypatch.setattr(Store, "connect", lambda self: client)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.setenv(name, workspace.mlflow_uri)
    sender._delete(workspace, [sent.id])
    assert json.loads(capfd.readouterr().out) == {"id": sent.id, "problem": None}
    assert there == deleted
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9/elsewhere")
    sender._delete(workspace, [sent.id])
    assert "is in another MLflow" in json.loads(capfd.readouterr().out)["problem"]


def test_an_export_holds_the_run_and_nothing_of_its_sending(workspace: Workspace, sent: Run, capsys: Capsys) -> None:
    (sent.folder / process.LOG).write_text("http://me:secret@server")
    runs.export(sent.id)
    (file,) = capsys.readouterr().out.splitlines()
    with zipfile.ZipFile(file) as archive:
        names = {name.removeprefix(f"{sent.id}/") for name in archive.namelist()}
        told = json.loads(archive.read(f"{sent.id}/run.json"))
        assert archive.read(f"{sent.id}/artifacts/recipe.yaml") == b"name: reviews\n"
    assert names == {"run.json", "journal.jsonl", "events.jsonl", "summary.json", "artifacts/recipe.yaml"}
    assert (told["id"], told["metrics"], told["status"]) == (sent.id, {"accuracy": 0.9}, "FINISHED")
    for to, said in ((Path(), "it is a folder"), (Path("none/x.zip"), "no folder for this file")):
        with pytest.raises(UsageError, match=said):
            runs.export(sent.id, to)
    assert not Path("none").exists()
