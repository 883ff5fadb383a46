"""The pipeline: what is there is used, what changed is said, and nothing half-made is ever taken for whole."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import aiaas
from aiaas import bundle, pipeline, recipe
from aiaas.errors import GateError
from aiaas.pipeline.differences import differences, of_sources
from aiaas.pipeline.stages import STAGES, Work
from aiaas.track import Registry, history
from aiaas.workspace import Workspace


@pytest.fixture(autouse=True)
def _untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAAS_TRACKING", "off")


def work(project: Path, *overrides: str) -> Work:
    return Work(recipe.read(project / "tiny.yaml", overrides), Workspace.open(project / ".aiaas"))


def cached(result: pipeline.Result) -> list[str]:
    return [stage.name for stage in result.stages if stage.cached]


def test_a_run_makes_every_stage_once(project: Path) -> None:
    first = pipeline.run(work(project))
    assert cached(first) == []
    assert first.metrics["accuracy"] > 0.9
    assert first.gates == [{"metric": "accuracy", "gate": ">= 0.7", "value": first.metrics["accuracy"], "met": True}]
    second = pipeline.run(work(project))
    assert cached(second) == list(STAGES)
    assert second.metrics == first.metrics
    assert second.model == first.model
    assert second.run_id == first.run_id


def test_a_changed_parameter_runs_what_depends_on_it_and_plan_says_why(project: Path) -> None:
    pipeline.run(work(project))
    changed = work(project, "model.params.alpha=2.0")
    planned = {stage.name: stage for stage in pipeline.plan(changed)}
    assert [name for name, stage in planned.items() if stage.cached] == ["collect", "preprocess", "inspect"]
    assert planned["train"].why == ("model.params.alpha changed from 0.5 to 2.0",)
    assert planned["evaluate"].why == ("train runs before it",)
    assert planned["deploy"].why == ("evaluate runs before it",)
    assert cached(pipeline.run(changed)) == ["collect", "preprocess", "inspect"]


def test_plan_computes_nothing(project: Path) -> None:
    planned = pipeline.plan(work(project))
    assert [stage.cached for stage in planned] == [False] * len(STAGES)
    assert planned[0].why == ("it has not run yet in this workspace",)
    assert list(Workspace.open(project / ".aiaas")) == []


def test_a_changed_file_is_seen_by_its_content_and_not_by_its_date(project: Path) -> None:
    pipeline.run(work(project))
    (project / "good.txt").touch()
    assert all(stage.cached for stage in pipeline.plan(work(project)))
    with (project / "good.txt").open("a") as stream:
        stream.write("早餐很好，电视很好，价格很好\n")
    planned = pipeline.plan(work(project))
    assert not planned[0].cached
    (why,) = planned[0].why
    assert re.fullmatch(r"the source good.txt changed: good.txt was [0-9a-f]{12}…, is [0-9a-f]{12}…", why)


def test_a_change_that_makes_no_difference_stops_there(project: Path) -> None:
    pipeline.run(work(project))
    text = (project / "good.txt").read_text("utf-8")
    (project / "good.txt").write_text(text.replace("\n", "\r\n"), "utf-8", newline="")
    fresh = {"collect", "report"}  # a report says what file the rows came from
    assert cached(pipeline.run(work(project))) == [stage for stage in STAGES if stage not in fresh]


def test_a_gate_that_is_not_met_keeps_the_model_out_of_the_registry(project: Path) -> None:
    strict = work(project, "evaluate.gates.accuracy=>= 1.01")
    for _ in range(2):  # the second time from the cache
        with pytest.raises(GateError, match="accuracy is") as raised:
            pipeline.run(strict)
        assert raised.value.reached["metrics"]["accuracy"] > 0.9
        assert "model" not in raised.value.reached
        assert not (strict.workspace.models / "tiny").exists()


def test_stages_stop_where_they_are_told(project: Path) -> None:
    result = pipeline.run(work(project), until="preprocess")
    assert [stage.name for stage in result.stages] == ["collect", "preprocess"]
    assert result.run_id is None
    assert not (project / ".aiaas" / "runs").exists()


@pytest.mark.parametrize("stage", STAGES)
def test_a_kill_in_the_middle_of_a_stage_loses_nothing(project: Path, stage: str) -> None:
    code = (
        "import os, signal, sys; from dataclasses import replace; from pathlib import Path\n"
        "from aiaas import pipeline, recipe; from aiaas.pipeline import stages; from aiaas.workspace import Workspace\n"
        "name = sys.argv[1]; stage = stages.STAGES[name]\n"
        "def make(work, made, draft):\n"
        "    stage.make(work, made, draft); os.kill(os.getpid(), signal.SIGKILL)\n"
        "stages.STAGES[name] = replace(stage, make=make)\n"
        "pipeline.run(stages.Work(recipe.read(Path('tiny.yaml')), Workspace.open(Path('.aiaas'))))\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, stage], cwd=project, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    result = pipeline.run(work(project))
    order = list(STAGES)
    assert cached(result) == order[: order.index(stage)]
    elsewhere = pipeline.run(Work(recipe.read(project / "tiny.yaml"), Workspace.open(project / "elsewhere")))
    assert elsewhere.model_digest == result.model_digest
    assert elsewhere.model is not None
    assert result.model is not None
    assert elsewhere.model["digest"] == result.model["digest"]


def test_two_commands_at_once_make_one_model(project: Path) -> None:
    command = [sys.executable, "-m", "aiaas", "run", "tiny.yaml", "--json"]
    both = [
        subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [json.loads(process.communicate(timeout=120)[0]) for process in both]
    assert [each["ok"] for each in said] == [True, True]
    assert said[0]["model"] == said[1]["model"] == {**said[0]["model"], "version": 1}
    for stage in zip(said[0]["stages"], said[1]["stages"], strict=True):
        assert stage[0]["key"] == stage[1]["key"]


def test_an_alias_that_a_cached_run_moves_is_moved_in_mlflow_too(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(project / ".aiaas" / "models")
    for number, alpha in enumerate(("alpha=1.0", "alpha=2.0"), 1):
        model = pipeline.run(work(project, f"model.params.{alpha}")).model
        assert model
        registry.confirm("tiny", model["digest"], uri="sqlite:///there", number=number, run_id="its run")
    registry.rollback("tiny")
    registry.alias_sent("tiny", "champion", 1)
    told: list[tuple[str, str]] = []

    def sync_alias(workspace: Workspace, name: str, alias: str) -> str | None:
        told.append((name, alias))
        registry.alias_sent(name, alias, registry.resolve(name, alias=alias).number)
        return None

    monkeypatch.setattr(history, "sync_alias", sync_alias)
    again = pipeline.run(work(project, "model.params.alpha=2.0"))
    assert cached(again) == list(STAGES)
    assert again.tracked
    assert told == [("tiny", "champion")]
    assert pipeline.run(work(project, "model.params.alpha=2.0")).model == again.model
    assert len(told) == 1


def test_sigterm_ends_with_75_and_the_same_command_goes_on(project: Path) -> None:
    (project / "wait.py").write_text(
        "import sys, time; from aiaas.pipeline import stages; from dataclasses import replace\n"
        "stage = stages.STAGES['evaluate']\n"
        "def make(work, made, draft):\n"
        "    print('waiting', flush=True); time.sleep(60)\n"
        "stages.STAGES['evaluate'] = replace(stage, make=make)\n"
        "sys.argv = ['aiaas', 'run', 'tiny.yaml', '--quiet']; from aiaas.cli import main; main()\n"
    )
    with subprocess.Popen(
        [sys.executable, "wait.py"], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 75, said
    assert "run the same command again" in said
    assert "Traceback" not in said
    assert cached(pipeline.run(work(project))) == ["collect", "preprocess", "inspect", "train"]


def test_the_python_api_does_the_same(project: Path) -> None:
    result = aiaas.run("tiny.yaml", set=["model.params.alpha=0.25"])
    assert result.model is not None
    assert result.model["version"] == 1
    model = aiaas.load("tiny@champion")
    assert model.predict(["房间很好，服务热情", {"text": "早餐很差"}])[0]["label"] == "pos"
    assert model.digest == bundle.load(result.bundle).digest if result.bundle else False
    assert aiaas.Recipe is recipe.Recipe


def test_what_changed_in_a_source_is_told_by_file() -> None:
    def inputs(data: dict[str, str], **said: str) -> dict[str, Any]:
        return {"task": "t", "collect[0]": {"source": "*.csv", **said, "data": data}, "code": "c"}

    before = inputs({f"{n}.csv": "a" * 64 for n in range(6)} | {"gone.csv": "x"})
    after = inputs({f"{n}.csv": "b" * 64 for n in range(6)} | {"new.csv": "y"})
    assert of_sources(before, after) == [
        "the source *.csv changed: "
        + "".join(f"{n}.csv was {'a' * 12}…, is {'b' * 12}…; " for n in range(3))
        + "3 more are not what they were; new: new.csv; gone: gone.csv"
    ]
    assert of_sources(before, before) == []
    said = of_sources(before, inputs(before["collect[0]"]["data"], label="x"))
    assert said == ["collect[0].label is new: x"]
    other = {**before, "collect[0]": {"source": "b.csv", "data": {"b.csv": "z"}}}
    assert of_sources(before, other) == ["collect[0].source changed from *.csv to b.csv"]


def test_differences_name_every_leaf() -> None:
    before = {"a": {"b": 1, "c": [1, 2]}, "gone": "x"}
    after = {"a": {"b": 2, "c": [1, 3]}, "new": True}
    assert [str(change) for change in differences(before, after)] == [
        "a.b changed from 1 to 2",
        "a.c[1] changed from 2 to 3",
        "gone is gone, was x",
        "new is new: true",
    ]


def test_nobody_needs_a_home_folder(project: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "aiaas", "run", "tiny.yaml", "--json"],
        cwd=project,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AIAAS_TRACKING": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
