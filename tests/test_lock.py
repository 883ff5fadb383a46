"""Locks: what a run was made of, run again and compared, and kept to."""

from __future__ import annotations

import itertools
import json
import math
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aiaas import offline, pipeline, recipe
from aiaas.cli.lock import kept_to
from aiaas.cli.reproduce import reproduce_command
from aiaas.cores import cores
from aiaas.errors import DataError, GateError, LockError, ReproductionError, UsageError
from aiaas.pipeline import lock as locks
from aiaas.pipeline.lock import Guard, Lock, surroundings
from aiaas.pipeline.lock.differences import Difference, of_environment, of_git, of_recipe
from aiaas.pipeline.lock.guard import FREE
from aiaas.pipeline.lock.take import _file
from aiaas.pipeline.reproduce import Compared, Measured, Reproduction, enforce, recipe_of, reproduce
from aiaas.pipeline.stages import Work
from aiaas.track import Run, environment, history
from aiaas.track.registry import Registry
from aiaas.workspace import Workspace
from aiaas.workspace.gc import collect_garbage
from tests.conftest import BAD, GOOD, RECIPE, Aiaas, comments

SEARCH = "tune: {space: {model.params.alpha: {log: [0.1, 1]}}, metric: f1, trials: 2}\n"
"""Which a run does not mind."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Lock]]:
    """A folder with the recipe `tiny.yaml` that was run once, and the lock of that run."""
    folder = tmp_path_factory.mktemp("ran")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIAAS_TRACKING", "off")
        for name, words, seed in (("good.txt", GOOD, 1), ("bad.txt", BAD, 2)):
            (folder / name).write_text("\n".join(comments(words, 60, seed)) + "\n", "utf-8")
        (folder / "tiny.yaml").write_text(RECIPE + SEARCH, "utf-8")
        result = pipeline.run(work_in(folder))
        assert result.lock is not None
        yield folder, locks.read(result.lock)


@pytest.fixture(autouse=True)
def _untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAAS_TRACKING", "off")


def work_in(folder: Path, *overrides: str, **fields: Any) -> Work:
    return Work(recipe.read(folder / "tiny.yaml", overrides), Workspace.open(folder / ".aiaas"), **fields)


def altered(lock: Lock, **changes: Any) -> Lock:
    return lock.model_copy(update=changes)


def elsewhere(lock: Lock, **changes: Any) -> Lock:
    """The lock, taken in another environment."""
    return altered(lock, environment=lock.environment.model_copy(update=changes))


# --- what a lock holds -------------------------------------------------------------------------------------------


def test_a_lock_says_what_the_run_was_made_of(ran: tuple[Path, Lock]) -> None:
    folder, lock = ran
    (past,) = history.runs(Workspace.look(folder / ".aiaas"))
    assert lock.run == past.id
    assert "recipe.lock" in history.details(past)["artifacts"]
    assert [stage.name for stage in lock.stages] == list(pipeline.STAGES)
    assert lock.recipe.values == recipe.read(folder / "tiny.yaml").settled().resolved()
    assert lock.seeds == {"seed": 3}
    collected = lock.stages[0].inputs
    assert all(len(stage.digest) == len(stage.key) == 64 for stage in lock.stages)
    assert len([each for each in collected.values() if isinstance(each, dict) and "data" in each]) == 2
    assert lock.metrics["accuracy"] == past.metrics["accuracy"]
    assert "rows" not in lock.metrics
    here = lock.environment
    assert (here.python, here.machine, here.system) == (
        platform.python_version(),
        platform.machine(),
        platform.system(),
    )
    assert {"numpy", "scikit-learn"} <= set(here.packages)
    assert here.processors == cores()


def test_a_lock_reads_back_as_it_was(ran: tuple[Path, Lock], tmp_path: Path) -> None:
    lock = altered(ran[1], metrics={"good": 0.5, "none": None, "odd": "nan"})
    lock.write(tmp_path / "x.lock")
    assert locks.read(tmp_path / "x.lock") == lock


def test_a_run_whose_gate_was_not_met_has_a_lock(ran: tuple[Path, Lock]) -> None:
    work = work_in(ran[0], 'evaluate.gates={log_loss: "<= 0.000001"}')
    with pytest.raises(GateError) as failed:
        pipeline.run(work)
    lock = locks.read(Path(failed.value.reached["lock"]))
    assert lock.stages[-1].name == "report"
    assert lock.stage("deploy") is None


def test_packages_are_those_that_the_interpreter_knows() -> None:
    from importlib import metadata

    found = environment.packages()
    known = {each.metadata["Name"] for each in itertools.islice(metadata.distributions(), 20)}
    assert known <= set(found)
    assert {name: found[name] for name in known} == {name: metadata.version(name) for name in known}


def test_a_diff_is_kept_as_far_as_it_is_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    (tmp_path / "a.txt").write_bytes(b"one\r\n")
    assert surroundings.git(tmp_path) is None  # no commit yet
    git("add", "a.txt")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a")
    clean = surroundings.git(tmp_path)
    assert clean is not None
    assert (clean.dirty, clean.diff, clean.diff_sha256) == (False, None, None)
    (tmp_path / "a.txt").write_bytes(b"two\xff\r\n")
    dirty = surroundings.git(tmp_path)
    assert dirty is not None
    assert dirty.diff is not None
    assert "+two\N{REPLACEMENT CHARACTER}\r\n" in dirty.diff
    monkeypatch.setattr(surroundings, "KEPT_DIFF", 10)
    large = surroundings.git(tmp_path)
    assert large is not None
    assert (large.diff, large.diff_sha256) == (None, dirty.diff_sha256)
    assert [each.path for each in of_git(clean, large)] == ["git.diff"]
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "r.yaml").write_text("", "utf-8")
    assert _file(tmp_path / "deep" / "r.yaml") == "deep/r.yaml"


# --- what is no lock ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"numpy==2.0\n", "not JSON"),
        (b"\xff\xfe{", "not UTF-8"),
        (b"[]", "another kind"),
        (b'{"schema": 1, "verb": "run", "ok": true}', "another kind"),
        (b'{"kind": "aiaas-lock", "schema": 2}', "schema 2"),
        (b'{"kind": "aiaas-lock", "schema": 1}', "damaged lock: written"),
        (b"[" * 100 + b"]" * 100, "nested deeper"),
    ],
)
def test_a_file_that_is_no_lock_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.lock").write_bytes(content)
    with pytest.raises(LockError, match=said) as failed:
        locks.read(tmp_path / "x.lock")
    assert failed.value.where == str(tmp_path / "x.lock")
    assert failed.value.status == 2


def test_a_lock_that_is_not_there_or_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(LockError, match="no such lock"):
        locks.read(tmp_path / "x.lock")
    with pytest.raises(LockError, match="cannot be read"):
        locks.read(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"extra": 1}, "damaged lock: extra"),
        ({"stages": []}, "damaged lock: stages"),
        ({"environment": {}}, "damaged lock: environment"),
        ({"metrics": {"accuracy": [1]}}, "damaged lock: metrics.accuracy"),
        ({"metrics": {"accuracy": "high"}}, "damaged lock: metrics.accuracy"),
    ],
)
def test_a_damaged_lock_is_told(ran: tuple[Path, Lock], tmp_path: Path, change: dict[str, Any], said: str) -> None:
    (tmp_path / "x.lock").write_text(json.dumps({**json.loads(ran[1].to_json()), **change}), "utf-8")
    with pytest.raises(LockError, match=said):
        locks.read(tmp_path / "x.lock")


def test_a_recipe_altered_in_the_lock_is_told(ran: tuple[Path, Lock]) -> None:
    folder, lock = ran
    values = {**lock.recipe.values, "seed": 4}
    with pytest.raises(LockError, match="altered"):
        recipe_of(altered(lock, recipe=lock.recipe.model_copy(update={"values": values})), folder, "x.lock")


@pytest.mark.parametrize("keep", [("collect", "train"), ("gate",), ("collect", "elsewhere")])
def test_a_lock_of_stages_that_do_not_follow_is_told(ran: tuple[Path, Lock], keep: tuple[str, ...]) -> None:
    first = ran[1].stages[0]
    stages = [first.model_copy(update={"name": name}) for name in keep]
    with pytest.raises(LockError, match=r"stages that there are not|it lacks"):
        reproduce(altered(ran[1], stages=stages), work_in(ran[0]))


# --- finding one -------------------------------------------------------------------------------------------------


def test_a_lock_is_found_by_run_and_by_file(ran: tuple[Path, Lock], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, lock = ran
    space = Workspace.look(folder / ".aiaas")
    assert lock.run is not None
    by_run = locks.find(lock.run, space)
    by_file = locks.find(str(by_run.path), space)
    assert by_run.lock == by_file.lock == lock
    assert by_run.base == by_file.base == folder
    assert by_run.recipe == folder / "tiny.yaml"
    monkeypatch.chdir(folder)
    lock.write(folder / "of-a-friend.lock")
    assert locks.find("of-a-friend.lock", space).base == Path()
    assert locks.find("of-a-friend.lock", space, Path("data")).base == Path("data")


def test_where_relative_paths_start_is_asked_where_it_is_not_known(ran: tuple[Path, Lock], tmp_path: Path) -> None:
    ran[1].write(tmp_path / "x.lock")
    with pytest.raises(LockError, match=r"tiny\.yaml is not here") as failed:
        locks.find(str(tmp_path / "x.lock"), Workspace.look(tmp_path))
    assert "--base" in str(failed.value.hint)


def test_a_run_that_is_none_or_several_or_keeps_no_lock_is_told(tmp_path: Path) -> None:
    space = Workspace.open(tmp_path / "space")
    runs = [Run.start(space, "some", send=False) for _ in range(2)]
    with pytest.raises(LockError, match="still running"):
        locks.find(runs[0].id, space)
    for run in runs:
        run.end("FINISHED")
    with pytest.raises(UsageError, match="2 runs"):
        locks.find(runs[0].id[:8], space)
    with pytest.raises(LockError, match="keeps no lock"):
        locks.find(runs[0].id, space)
    with pytest.raises(UsageError, match="no run"):
        locks.find("nothing", space)
    for name in ("nothing.lock", "a/b", str(tmp_path)):
        with pytest.raises(LockError, match="no such lock"):
            locks.find(name, space)


# --- kept to -----------------------------------------------------------------------------------------------------


def test_a_run_that_keeps_to_its_lock_goes_through(ran: tuple[Path, Lock]) -> None:
    folder, lock = ran
    result = pipeline.run(work_in(folder, guard=Guard(lock, Path("x.lock"))))
    assert all(stage.cached for stage in result.stages)


@pytest.mark.parametrize(
    ("overrides", "environment", "told"),
    [
        (["model.params.alpha=0.1"], {}, ["model.params.alpha changed from 0.5 to 0.1"]),
        (["name=other", "seed=4"], {}, ["name changed from tiny to other", "seed changed from 3 to 4"]),
        ([], {"system": "Darwin", "machine": "arm64"}, ["system: Darwin in the lock", "machine: arm64 in the lock"]),
        ([], {"python": "3.9.1"}, ["python: 3.9.1 in the lock"]),
        ([], {"gpus": ["A100"]}, ["gpus: A100 in the lock, none here"]),
        ([], {"packages": {}}, ["things differ from the lock", "packages.absl-py: none in the lock", "\n  and "]),
    ],
)
def test_whatever_differs_from_the_lock_is_refused(
    ran: tuple[Path, Lock], overrides: list[str], environment: dict[str, Any], told: list[str]
) -> None:
    folder, lock = ran
    before = len(history.runs(Workspace.look(folder / ".aiaas")))
    with pytest.raises(LockError) as failed:
        pipeline.run(work_in(folder, *overrides, guard=Guard(elsewhere(lock, **environment), Path("x.lock"))))
    assert all(line in failed.value.message for line in told), failed.value.message
    assert (failed.value.status, failed.value.where) == (2, "x.lock")
    assert len(history.runs(Workspace.look(folder / ".aiaas"))) == before


def test_another_processor_and_another_installer_are_no_reason_to_refuse(ran: tuple[Path, Lock]) -> None:
    packages = {**ran[1].environment.packages, "pip": "0.1"}
    lock = elsewhere(ran[1], processor="abacus", processors=1024, release="1.0", packages=packages)
    told = Guard(lock, Path("x.lock")).begin(work_in(ran[0]).recipe)
    assert [line.partition(":")[0] for line in told] == ["release", "processor", "processors"]


def test_spellings_of_a_package_are_one(ran: tuple[Path, Lock]) -> None:
    here = ran[1].environment
    spelled = {name.replace("-", "_").upper(): version for name, version in here.packages.items()}
    assert of_environment(here, here.model_copy(update={"packages": spelled})) == []


def test_a_lock_of_another_platform_has_its_own_advice(ran: tuple[Path, Lock]) -> None:
    recipe = work_in(ran[0]).recipe
    for changes, advice in (
        ({"machine": "arm64"}, "reproduce x.lock --tolerance"),
        ({"python": "3.9.1"}, "bring back"),
    ):
        with pytest.raises(LockError) as failed:
            Guard(elsewhere(ran[1], **changes), Path("x.lock")).begin(recipe)
        assert advice in str(failed.value.hint)


def test_data_that_changed_since_the_lock_is_refused_by_name(ran: tuple[Path, Lock]) -> None:
    folder, lock = ran
    file, guard = folder / "bad.txt", Guard(lock, Path("x.lock"))
    before = file.read_bytes()
    try:
        file.write_bytes(before + "再来一条\n".encode())
        with pytest.raises(LockError, match=r"collect: the source bad\.txt changed: bad\.txt was"):
            pipeline.run(work_in(folder, guard=guard))
    finally:
        file.write_bytes(before)


def test_code_that_changed_and_stages_that_are_not_locked_are_refused(ran: tuple[Path, Lock]) -> None:
    collect = ran[1].stages[0]
    guard = Guard(altered(ran[1], stages=[collect]), Path("x.lock"))
    with pytest.raises(LockError, match="collect: aiaas itself changed"):
        guard.inputs("collect", "other", {**collect.inputs, "code": "another"})
    with pytest.raises(LockError, match="knows nothing of train: it ends with collect"):
        guard.inputs("train", "any", {})
    guard.inputs("gate", "any", {})


def test_what_came_out_otherwise_is_refused(ran: tuple[Path, Lock]) -> None:
    folder, lock = ran
    (artefact,) = Workspace.look(folder / ".aiaas").of_stage("train")
    guard = Guard(lock, Path("x.lock"))
    guard.outcome(artefact)
    with pytest.raises(ReproductionError, match="train made 0000") as failed:
        guard.outcome(replace(artefact, digest="0" * 64))
    assert failed.value.status == 6


def test_the_lock_beside_a_recipe(ran: tuple[Path, Lock], tmp_path: Path) -> None:
    file = tmp_path / "tiny.yaml"
    with pytest.raises(UsageError, match="choose one"):
        kept_to(file, lock=True, locked=True)
    with pytest.raises(LockError, match="no lock to keep to"):
        kept_to(file, lock=False, locked=True)
    (tmp_path / "uv.lock").write_text("version = 1\n", "utf-8")
    (tmp_path / "folder.lock").mkdir()
    for stem, said in (("uv", "no lock of ours"), ("folder", "a folder stands")):
        with pytest.raises(LockError, match=said):
            kept_to(tmp_path / f"{stem}.yaml", lock=True, locked=False)
    work = work_in(ran[0])
    assert kept_to(file, lock=False, locked=False).held(work).guard is None
    result = pipeline.run(work)
    assert result.lock is None  # nothing had to be made
    kept_to(file, lock=True, locked=False).keep(work, result)
    taken = locks.read(tmp_path / "tiny.lock")
    assert (taken.stages, taken.metrics, taken.run) == (ran[1].stages, ran[1].metrics, None)
    assert result.as_dict()["lock"] == str(tmp_path / "tiny.lock")
    kept_to(file, lock=True, locked=False)  # one of ours is written over
    guarded = kept_to(file, lock=False, locked=True).held(work)
    assert pipeline.run(guarded).model is not None


def test_the_command_line_takes_a_lock_or_says_why_not(project: Path, aiaas: Aiaas) -> None:
    failed = aiaas("run", "tiny.yaml", "--locked", "--json")
    error = json.loads(failed.stdout)["error"]
    assert (failed.returncode, error["code"], error["where"]) == (2, "lock", "tiny.lock")
    assert error["hint"] == "take one: aiaas run tiny.yaml --lock"


# --- made again --------------------------------------------------------------------------------------------------


def test_a_run_is_made_again_elsewhere_and_compared(ran: tuple[Path, Lock]) -> None:
    folder, lock = ran
    space = Workspace.open(folder / ".aiaas")
    before = (len(history.runs(space)), Registry(space.models).versions("tiny"), list(space))
    work = Work(recipe_of(lock, folder, "x.lock"), space)
    result = reproduce(elsewhere(lock, system="Darwin"), work)
    assert result.identical
    assert [stage.name for stage in result.stages] == [name for name in pipeline.STAGES if name not in FREE]
    assert [each.path for each in result.environment] == ["system"]
    assert result.changes == []
    assert all(each.apart == 0 for each in result.metrics)
    assert (result.workspace, list(space.reproduced.iterdir())) == (None, [])
    assert (len(history.runs(space)), Registry(space.models).versions("tiny"), list(space)) == before
    enforce(result)


def test_what_comes_out_otherwise_is_told_and_kept(ran: tuple[Path, Lock]) -> None:
    folder, whole = ran
    lock = altered(whole, stages=whole.stages[:1], metrics={})  # collecting is enough to differ
    work = Work(recipe_of(lock, folder, "x.lock"), Workspace.open(folder / ".aiaas"))
    file = folder / "bad.txt"
    before = file.read_bytes()
    try:
        file.write_bytes(before + "再来一条\n".encode())
        result = reproduce(lock, work, tolerance=0.5)
    finally:
        file.write_bytes(before)
    assert not result.reproduced  # without metrics nothing is within a tolerance
    assert len(result.changes) == 1
    assert result.changes[0].startswith("collect: the source bad.txt changed")
    with pytest.raises(ReproductionError, match="collect came out otherwise") as failed:
        enforce(result)
    assert failed.value.status == 6
    assert failed.value.reached["stages"][0]["same"] is False
    assert result.workspace is not None
    assert result.workspace.is_dir()
    again = reproduce(lock, work)  # anew, and now of the same data
    assert again.identical
    assert not result.workspace.exists()


def test_an_interrupted_reproduction_goes_on(ran: tuple[Path, Lock]) -> None:
    folder, whole = ran
    lock = altered(whole, stages=whole.stages[:2], metrics={})
    work = Work(recipe_of(lock, folder, "x.lock"), Workspace.open(folder / ".aiaas"))
    begun: list[str] = []

    class Watching:
        def stage_begins(self, name: str, why: list[str]) -> None:
            begun.append(name)
            if begun == ["collect", "preprocess"]:
                raise KeyboardInterrupt

        def stage_ends(self, stage: pipeline.StageResult) -> None: ...

    with pytest.raises(KeyboardInterrupt):
        reproduce(lock, work, listener=Watching())
    assert reproduce(lock, work, listener=Watching()).identical
    assert begun == ["collect", "preprocess", "preprocess"]
    assert list(work.workspace.reproduced.iterdir()) == []


def test_what_was_kept_goes_with_the_garbage(tmp_path: Path) -> None:
    space = Workspace.open(tmp_path / "space")
    for name in ("finished", "interrupted", "forgotten"):
        (space.reproduced / name).mkdir(parents=True)
    (space.reproduced / "finished" / "reproduced.json").write_text("{}", "utf-8")
    old = time.time() - 8 * 86_400
    os.utime(space.reproduced / "forgotten", (old, old))
    collect_garbage(space, dry_run=True)
    assert len(list(space.reproduced.iterdir())) == 3
    collect_garbage(space)
    assert [each.name for each in space.reproduced.iterdir()] == ["interrupted"]


@pytest.mark.parametrize(
    ("lock", "here", "apart"),
    [
        (0.8, 0.79, 0.01),
        (2000.0, 1980.0, 0.01),
        (-50.0, -50.5, 0.01),
        (0.0, 0.0, 0.0),
        (None, None, 0.0),
        (math.nan, math.nan, 0.0),
        (math.inf, math.inf, 0.0),
        (0.5, None, None),
        (None, 0.5, None),
        (0.5, math.nan, None),
        (0.5, math.inf, None),
    ],
)
def test_how_far_metrics_are_apart(lock: float | None, here: float | None, apart: float | None) -> None:
    found = Measured("f1", lock, here)
    assert found.apart == (None if apart is None else pytest.approx(apart))
    assert found.within(0.011) == (apart is not None)
    assert found.within(0.009) == (apart == 0)
    json.dumps(found.as_dict(), allow_nan=False)


def test_a_tolerance_decides_where_digests_differ() -> None:
    result = Reproduction("tiny", None, None, [Difference("python", "3.11", "3.12")])
    result.stages = [Compared("collect", "a", "a"), Compared("train", "a", "b")]
    result.metrics = [Measured("f1", 0.8, 0.79), Measured("roc_auc", 0.9, 0.9)]
    assert not result.reproduced
    result.tolerance = 0.02
    assert result.reproduced
    result.tolerance = 0.001
    with pytest.raises(ReproductionError, match=r"train came out otherwise; f1 not within 0\.001") as failed:
        enforce(result)
    assert "bring back" in str(failed.value.hint)


def test_a_recipe_changed_since_the_lock_is_told(ran: tuple[Path, Lock]) -> None:
    assert of_recipe(ran[1], recipe.read(ran[0] / "tiny.yaml")) == []
    (change,) = of_recipe(ran[1], recipe.read(ran[0] / "tiny.yaml", ["model.params.alpha=0.25"]))
    assert str(change) == "model.params.alpha changed from 0.5 to 0.25"


def test_the_command_runs_the_lock_and_tells_of_a_changed_recipe(
    ran: tuple[Path, Lock], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = altered(ran[1], stages=ran[1].stages[:1], metrics={})
    lock.write(tmp_path / "tiny.lock")
    for name in ("good.txt", "bad.txt"):
        (tmp_path / name).write_bytes((ran[0] / name).read_bytes())
    (tmp_path / "tiny.yaml").write_text(RECIPE.replace("seed: 3", "seed: 4"), "utf-8")
    run: Callable[..., None] = reproduce_command
    forbidden: list[bool] = []
    monkeypatch.setattr(offline, "forbid", lambda: forbidden.append(True))
    run(str(tmp_path / "tiny.lock"), json=True, workspace=tmp_path / "space", offline=True)
    assert forbidden
    out, said = capsys.readouterr()
    told = json.loads(out)
    assert (told["verb"], told["reproduced"], told["identical"]) == ("reproduce", True, True)
    assert "says otherwise than the lock" in " ".join(said.split())
    assert "seed changed from 3 to 4" in " ".join(said.split())
    assert "got no further than collect" in " ".join(said.split())
    (tmp_path / "tiny.yaml").write_text("no: recipe\n", "utf-8")
    (tmp_path / "bad.txt").unlink()
    with pytest.raises(DataError):
        run(str(tmp_path / "tiny.lock"), workspace=tmp_path / "space")
    assert "has faults now" in " ".join(capsys.readouterr().err.split())
    for words in ({"tolerance": -1.0}, {"tolerance": math.nan}, {"base": tmp_path / "none"}):
        with pytest.raises(UsageError):
            run(str(tmp_path / "tiny.lock"), workspace=tmp_path / "space", **words)
