"""What a run says while it goes on: `--events`, and the same in its folder."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aiaas import environment, pipeline, recipe
from aiaas.cli.events import event_file
from aiaas.contracts import Advance, Progress
from aiaas.errors import DataError, GateError, RecipeError, UsageError
from aiaas.pipeline import events as events_
from aiaas.pipeline.events import Events
from aiaas.pipeline.stages import Work
from aiaas.track import history, spoken
from aiaas.workspace import Workspace
from tests.conftest import Aiaas

Said = list[Mapping[str, Any]]


def work(project: Path, *overrides: str, **fields: Any) -> Work:
    read = recipe.read(project / "tiny.yaml", overrides)
    return Work(read, Workspace.open(project / ".aiaas"), **fields)


def names(said: Said) -> list[str]:
    """What was said, in order; how often there was progress is a matter of time."""
    return [
        f"{each['event']} {each['stage']}" if "stage" in each else each["event"]
        for each in said
        if each["event"] not in ("progress", "step")
    ]


def test_a_run_says_each_stage_and_keeps_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAAS_TRACKING", "off")
    said: Said = []
    with pytest.raises(GateError):
        pipeline.run(work(project, "evaluate.gates.accuracy=> 1"), events=said.append)
    made = ["collect", "preprocess", "inspect", "train", "evaluate", "gate", "report"]
    stages = [f"{what} {stage}" for stage in made for what in ("stage_begins", "stage_ends")]
    assert [name for name in names(said) if name != "warning"] == ["begins", *stages, "ends"]
    assert {each["schema"] for each in said} == {1}
    assert [each["time"] for each in said] == sorted(each["time"] for each in said)
    begins, warning, ends = said[0], *said[-2:]
    judged, held = (
        next(each for each in said if (each["event"], each.get("stage")) == ("stage_ends", stage))
        for stage in ("evaluate", "gate")
    )
    assert (begins["verb"], begins["recipe"], begins["process"]) == ("run", "tiny", os.getpid())
    assert judged["metrics"]["accuracy"] > 0.5
    assert judged["told"][0].startswith("accuracy ")
    assert [each["met"] for each in held["gates"]] == [False]
    assert (ends["ok"], ends["status"], ends["error"]["code"]) == (False, 6, "gate")
    assert ends["metrics"] == judged["metrics"]
    assert {each["stage"] for each in said if each["event"] == "progress"} >= {"collect", "preprocess"}
    (past,) = history.runs(Workspace.look(project / ".aiaas"))
    assert list(spoken.read(past.folder)) == said
    assert "sending is switched off" in warning["message"]
    again: Said = []
    pipeline.run(work(project), "train", events=again.append)
    assert names(again) == ["begins", *(f"stage_ends {stage}" for stage in made[:4]), "ends"]
    assert all(each["cached"] for each in again[1:-1])
    assert again[-1]["ok"]


def test_steps_come_once_a_second_and_every_end_of_an_epoch(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(events_.time, "monotonic", lambda: clock[0])
    said: Said = []
    shown: list[Progress] = []
    told = Events([said.append])
    tell = told.overhear(work(project, training=shown.append)).training
    for step in range(1, 31):
        clock[0] += 0.125
        tell(Progress(step, 10, metrics={"loss": np.float32("nan")}, seconds_left=1.5, ended=step % 10 == 0))
    assert len(shown) == 30
    assert [each["step"] for each in said] == [1, 9, 10, 17, 20, 25, 30]
    assert [each["step"] for each in said if each["ended"]] == [10, 20, 30]
    assert (said[0]["metrics"], said[0]["seconds_left"]) == ({"loss": "nan"}, 1.5)
    json.dumps(said, allow_nan=False)


def test_progress_has_the_time_that_is_left(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(events_.time, "monotonic", lambda: clock[0])
    said: Said = []
    tell = Events([said.append]).overhear(work(project)).progress
    for rows in range(0, 500, 50):
        tell(Advance("collect", rows, rows * 10, of_bytes=10_000))
        clock[0] += 0.5
    assert [each["rows"] for each in said] == [0, 100, 200, 300, 400]
    assert [each["seconds_left"] for each in said] == [None, 9.0, 8.0, 7.0, 6.0]
    assert said[-1]["bytes_per_second"] == 1000


def test_progress_of_a_part_is_of_its_stage(project: Path) -> None:
    said: Said = []
    told = Events([said.append])
    told.stage_begins("inspect", [])
    tell = told.overhear(work(project)).progress
    tell(Advance("inspect", 5))
    tell(Advance("near duplicates", 5))
    assert [(each["stage"], each["part"]) for each in said[1:]] == [("inspect", None), ("inspect", "near duplicates")]


def test_no_secret_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_revealed", {"hunter2!": "PASSWORD"})
    said: Said = []
    heard: list[str] = []
    told = Events([said.append])
    told.overhear(work(project, warn=heard.append)).warn("sql://me:hunter2!@host is slow")
    told.failed(DataError("no answer", where="sql://me:hunter2%21@host"))
    assert "hunter2" not in json.dumps(said)
    assert said[0]["message"] == "sql://me:${env:PASSWORD}@host is slow"
    assert len(heard) == 1


def read(path: Path) -> Said:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_fault_of_the_recipe_begins_and_ends(tmp_path: Path, project: Path) -> None:
    file = tmp_path / "events.jsonl"
    for _ in range(2):  # the second time the file is made anew
        with pytest.raises(RecipeError), event_file(str(file), "run", Path("tiny.yaml"), json=True):
            work(project, "model.params.alpha=-1")
    begins, ends = read(file)
    assert (begins["event"], begins["file"], begins["recipe"]) == ("begins", "tiny.yaml", None)
    assert (ends["status"], ends["error"]["faults"][0]["path"]) == (2, "model.params.alpha")


def test_a_file_of_something_else_stays(project: Path) -> None:
    before = (project / "tiny.yaml").read_bytes()
    with (
        pytest.raises(UsageError, match="holds something else"),
        event_file("tiny.yaml", "run", Path("tiny.yaml"), json=False),
    ):
        pytest.fail("it was opened")
    assert (project / "tiny.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("to", "message"), [("-", "both want stdout"), ("nowhere/e.jsonl", "No such file"), (".", "Is a directory")]
)
def test_where_events_cannot_be_written(to: str, message: str, project: Path) -> None:
    with pytest.raises(UsageError, match=message), event_file(to, "run", Path("tiny.yaml"), json=True):
        pytest.fail("it was opened")


def test_a_reader_that_goes_away_stops_nothing(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    line: list[bytes] = []

    def head() -> None:
        with pipe.open("rb") as stream:
            line.append(stream.readline())

    reader = threading.Thread(target=head)
    reader.start()
    with event_file(str(pipe), "run", Path("r.yaml"), json=True) as write:
        assert write is not None
        told = Events([write])
        told.begins("run", "r", None)
        reader.join()
        for _ in range(3):
            told.overhear(Work(None, None)).warn("nobody hears it")  # type: ignore[arg-type]
    assert json.loads(line[0])["event"] == "begins"


def test_events_on_stdout_leave_the_rest_to_stderr(aiaas: Aiaas) -> None:
    done = aiaas("collect", "tiny.yaml", "--events", "-")
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert names(said) == ["begins", "stage_begins collect", "stage_ends collect", "ends"]
    assert said[-1]["data"]["rows"] == {"collected": 240}
    assert "collect" in done.stderr
