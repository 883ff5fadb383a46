"""Searches: spaces that are refused, trials that are lost to no kill and tried but once, what is found and written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aiaas import plugins, recipe
from aiaas.contracts import Params, Training
from aiaas.errors import Abandoned, DataError, Interrupted, MissingPackageError, RecipeError, TrainingError, UsageError
from aiaas.pipeline import tune as tuning
from aiaas.pipeline.stages import Work
from aiaas.pipeline.tune import Outcome, Trial, dimensions, study, tune
from aiaas.pipeline.tune import trial as trials
from aiaas.pipeline.tune.objectives import Objective
from aiaas.pipeline.tune.page import page
from aiaas.recipe import Dimension, Recipe
from aiaas.track import Run, history
from aiaas.track.replay import Replay
from aiaas.track.store import Store
from aiaas.workspace import Workspace

SPACE = {"model.params.alpha": {"log": [0.01, 10.0]}, "model.params.ngrams": [[1, 1], [1, 2]]}


@pytest.fixture(autouse=True)
def _untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAAS_TRACKING", "off")


def with_tune(project: Path, **said: Any) -> Path:
    """`tiny.yaml` with a search in it."""
    text = (project / "tiny.yaml").read_text("utf-8")
    file = project / "search.yaml"
    file.write_text(f"{text}tune: {json.dumps({'space': SPACE, **said})}\n", "utf-8")
    return file


def searched(project: Path, **said: Any) -> Outcome:
    work = Work(recipe.read(with_tune(project, **said)), Workspace.open(project / ".aiaas"))
    return tune(work)


# --- what may be searched ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "path", "message"),
    [
        ({"space": {"model.params.alfa": [1.0, 2.0]}}, 'space["model.params.alfa"]', "unknown key 'alfa'"),
        ({"space": {"model.params.alpha": {"log": [1, 0.1]}}}, 'space["model.params.alpha"]', "is empty: its low end"),
        ({"space": {"model.params.alpha": {"range": [1, 1]}}}, 'space["model.params.alpha"]', "is empty"),
        ({"space": {"model.params.alpha": {"log": [0, 1]}}}, 'space["model.params.alpha"]', "cannot begin at 0"),
        ({"space": {"model.params.alpha": {"rnge": [0, 1]}}}, 'space["model.params.alpha"]', "unknown key 'rnge'"),
        ({"space": {"model.params.alpha": {}}}, 'space["model.params.alpha"]', "must be a list of values"),
        ({"space": {"model.params.alpha": []}}, 'space["model.params.alpha"]', "has no value to choose from"),
        ({"space": {"model.params.alpha": [0.5]}}, 'space["model.params.alpha"]', "has 1 value"),
        ({"space": {"model.params.alpha": [0.5, 0.5]}}, 'space["model.params.alpha"]', "has a value twice"),
        ({"space": {"model.params.alpha": ["a", "b"]}}, 'space["model.params.alpha"]', "must be a number"),
        ({"space": {"model.params.alpha": {"range": [-1.0, 1.0]}}}, 'space["model.params.alpha"]', "greater than 0"),
        ({"space": {"model.params.alpha": {"log": [1, 9], "step": 1}}}, 'space["model.params.alpha"]', "goes with"),
        ({"space": {"seed": [1, 2]}}, "space.seed", "cannot be searched"),
        ({"space": {"preprocess.split.train": [0.5, 0.6]}}, 'space["preprocess.split.train"]', "cannot be searched"),
        ({"space": {"model..x": [1, 2]}}, 'space["model..x"]', "is no path"),
        (
            {"space": {"model.params.ngrams": [[1, 1], [1, 2]], "model.params.ngrams[1]": [1, 2]}},
            'space["model.params.ngrams[1]"]',
            "names the same values as model.params.ngrams",
        ),
        ({"space": {}}, "space", "at least 1"),
        ({"metric": "f2"}, "metric", "unknown metric 'f2'"),
        ({"metric": ["f1", "f2"]}, "metric[1]", "unknown metric 'f2'"),
        ({"metric": ["f1", "f1"]}, "metric", "names a metric twice"),
        ({"trials": 0}, "trials", "at least 1"),
        ({"time_limit": "soon"}, "time_limit", "must be a time"),
    ],
)
def test_what_cannot_be_searched_is_refused(project: Path, said: dict[str, Any], path: str, message: str) -> None:
    with pytest.raises(RecipeError) as error:
        recipe.read(with_tune(project, **said))
    fault = error.value.faults[0]
    assert fault.path == f"tune.{path}"
    assert message in fault.message
    assert fault.where.startswith(str(project / "search.yaml"))


def test_steps_are_those_that_are_written() -> None:
    tenths = Dimension(range=(0, 1), step=0.1)

    class Trial:
        def suggest_float(self, name: str, low: float, high: float, *, step: float, log: bool) -> float:
            return high

    assert dimensions.suggest(Trial(), "x", tenths) == 1.0, "not 0.9, where the fractions of a computer end"
    assert [dimensions.inside(tenths, value) for value in (0.3, 0.7, 0.75)] == [0.3, 0.7, None]


def test_values_that_only_go_with_others_are_taken(project: Path) -> None:
    space = {"train.momentum": {"range": [0.5, 0.95]}, "train.optimizer": ["sgd", "rmsprop"]}
    model = {"backend": "tensorflow", "architecture": "text_cnn"}
    read = Recipe.from_dict(
        {**recipe.read(project / "tiny.yaml").resolved(), "model": model, "train": {}, "tune": {"space": space}}
    )
    assert read.tune is not None
    assert Recipe.from_dict(read.resolved()) == read
    assert "tune" not in read.with_values({"train.optimizer": "sgd", "train.momentum": 0.8}).resolved()


def test_a_search_needs_validation_rows(project: Path) -> None:
    file = with_tune(project)
    with pytest.raises(RecipeError, match="needs validation rows to judge by"):
        recipe.read(file, ["preprocess.split.validation=0", "preprocess.split.train=0.7"])


def test_a_recipe_without_a_search_says_nothing_of_one(project: Path) -> None:
    plain = recipe.read(project / "tiny.yaml")
    assert "tune" not in plain.resolved()
    assert plain.written()["preprocess"]["steps"] == ["clean", "deduplicate"], "short forms stay"
    with pytest.raises(UsageError, match="nothing to search in"):
        tune(Work(plain, Workspace.look(project / ".aiaas")))


# --- a whole search ----------------------------------------------------------------------------------------------


def test_a_search_finds_writes_and_goes_on(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space = Workspace.open(project / ".aiaas")
    work = Work(recipe.read(with_tune(project, trials=3, metric="f1")), space)
    blind(space, monkeypatch)
    found = tune(work)
    assert [each.state for each in found.trials] == ["done"] * 3
    assert found.trials[0].settings == {"model.params.alpha": 0.5, "model.params.ngrams": [1, 2]}, "as it stood"
    assert found.first is found.trials[0]
    assert found.best
    assert found.best.values[0] == max(each.values[0] for each in found.trials) == found.best.metrics["f1"]
    assert len(list(space.artefacts.glob("preprocess/*"))) == 1, "what no trial changes is made once"

    tuned = recipe.read(project / "search_tuned.yaml")
    assert tuned == work.recipe.with_values(found.best.settings)
    head = (project / "search_tuned.yaml").read_text("utf-8").splitlines()[:3]
    assert head[0] == "# aiaas run " + str(project / "search_tuned.yaml")
    assert head[1].startswith("# f1 ")
    assert head[2] == "schema: 1"
    assert found.page
    assert found.page.read_text("utf-8").count("<svg") == 3
    kept = json.loads((found.page.parent / "tune.json").read_text("utf-8"))
    assert kept["best"]["number"] == found.best.number

    runs = history.runs(space)
    tags = [history.details(each)["tags"] for each in runs if each.verb == "tune"]
    assert sorted(each["aiaas.label"] for each in tags) == ["search", *(f"trial {number}" for number in range(3))]
    assert {each["aiaas.group"] for each in tags} == {found.group}

    again = tune(Work(recipe.read(with_tune(project, trials=4, metric="f1")), space))
    assert (again.group, again.here) == (found.group, 1), "more trials are the same search"
    assert again.trials[:3] == found.trials
    assert again.trials[0].metrics["accuracy"] > 0.5, "all that was measured is kept"


def blind(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the rows are divided, make those of the test unreadable, as long as they are."""
    carried = tuning._rows

    def then(*given: Any) -> Any:
        found = carried(*given)
        for path in space.artefacts.glob("preprocess/*/test.arrow"):
            path.write_bytes(b"?" * path.stat().st_size)
        return found

    monkeypatch.setattr(tuning, "_rows", then)


def test_what_is_there_already_is_not_written_over(project: Path) -> None:
    (project / "search_tuned.yaml").write_text("mine: yes\n", "utf-8")
    with pytest.raises(UsageError, match="something else already"):
        searched(project, trials=1)
    file = with_tune(project, trials=1)
    (project / "elsewhere").mkdir()
    work = Work(recipe.read(file), Workspace.open(project / ".aiaas"))
    with pytest.raises(UsageError, match="must be there as well"):
        tune(work, out=project / "elsewhere" / "best.yaml")


def test_what_a_search_needs_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "installed", lambda requires: dict.fromkeys(requires))
    with pytest.raises(MissingPackageError, match="a search needs the package optuna") as error:
        searched(project)
    assert error.value.hint == "pip install 'aiaas[tune]'"


def test_every_trial_failing_is_a_failure(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: Any) -> Any:
        raise TrainingError("it diverged")

    monkeypatch.setattr(trials, "reach", fail)
    with pytest.raises(TrainingError, match="all 2 trials failed; the last: it diverged") as error:
        searched(project, trials=2)
    assert error.value.status == 5
    assert error.value.reached["counts"]["failed"] == 2
    assert not (project / "search_tuned.yaml").exists()


def test_other_rows_to_judge_by_are_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = tuning._rows
    monkeypatch.setattr(tuning, "_rows", lambda *given: (real(*given)[0] + 1, "another"))
    told: list[str] = []
    space = Workspace.open(project / ".aiaas")
    tune(Work(recipe.read(with_tune(project, trials=1)), space, warn=told.append))
    assert [each.partition(" is judged")[0] for each in told if "do not compare" in each] == ["trial 0"]


def test_a_full_disk_fails_no_trial(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: Any) -> Any:
        raise DataError("the disk is full") from OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(trials, "reach", full)
        with pytest.raises(DataError, match="the disk is full") as error:
            searched(project, trials=1)
    assert error.value.reached["counts"] == {"done": 0, "pruned": 0, "failed": 0, "running": 1}
    assert searched(project, trials=1).trials[0].state == "done"


# --- interrupted, killed, shared ---------------------------------------------------------------------------------


def test_interrupted_is_as_never_interrupted(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, stops = trials.reach, iter([False, True, False, True, False, False, False])

    def stopping(work: Work, stage: Any, *rest: Any) -> Any:
        if stage.name == "train" and next(stops, False):
            raise Interrupted("stopped")
        return real(work, stage, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(trials, "reach", stopping)
        for _ in range(2):
            with pytest.raises(Interrupted):
                searched(project, trials=4)
        broken = searched(project, trials=4)
    space = Workspace.open(tmp_path_factory.mktemp("whole") / ".aiaas")
    whole = tune(Work(recipe.read(project / "search.yaml"), space))
    assert [(each.number, each.settings, each.values) for each in broken.trials] == [
        (each.number, each.settings, each.values) for each in whole.trials
    ]


def search_of(space: Workspace, base: Recipe, name: str = "s") -> study.Search:
    return study.Search.open(space, name, base, [Objective("f1", "higher")])


@pytest.fixture
def shared(project: Path) -> Iterator[tuple[study.Search, study.Search]]:
    """Two that take part in one search of three trials."""
    space, base = Workspace.open(project / ".aiaas"), recipe.read(with_tune(project, trials=3, metric="f1"))
    two = search_of(space, base), search_of(space, base)
    yield two
    for each in two:
        each.close()


def test_two_share_the_trials(shared: tuple[study.Search, study.Search]) -> None:
    one, other = shared
    held = [one.next(), other.next(), one.next()]
    assert [each.number for each in held if each] == [0, 1, 2]
    assert other.next() is None, "there are no more, and all are held"
    assert held[1] is not None
    held[1].leave()  # as when its process is gone
    left = one.next()
    assert left is not None
    assert (left.number, left.adopted, left.values) == (1, True, held[1].values)
    left.done([0.5], {"f1": 0.5}, "key")
    left.leave()
    assert [each.state.name for each in one.tried()] == ["RUNNING", "COMPLETE", "RUNNING"]
    for each in held:
        assert each is not None
        each.leave()


def test_what_is_finished_just_now_is_not_adopted(
    shared: tuple[study.Search, study.Search], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = shared
    begun, real = one.next(), other._hold
    assert begun is not None

    def hold(number: int) -> Any:
        if number == begun.number:  # between the look and the lock
            begun.done([0.5], {"f1": 0.5}, "key")
            begun.leave()
        return real(number)

    monkeypatch.setattr(other, "_hold", hold)
    found = other.next()
    assert found is not None
    assert (found.number, found.adopted) == (1, False)
    found.leave()


def test_a_report_is_judged_once(shared: tuple[study.Search, study.Search]) -> None:
    begun = shared[0].next()
    assert begun is not None
    assert not begun.report(1, 0.5)
    begun.leave()
    again = shared[1].next()
    assert again is not None
    assert again.adopted
    assert not again.report(1, 0.1), "said by the fit that goes on, and known"
    assert not again.report(2, 0.1)
    again.pruned()
    again.leave()
    assert shared[0].tried()[0].intermediate_values == {1: 0.5, 2: 0.1}


@pytest.mark.parametrize(
    ("spans", "expected"), [([], 0.0), ([(0, 5), (3, 7), (20, 21)], 8.0), ([(0, 10), (2, 3)], 10.0)]
)
def test_time_is_counted_once_however_many_search(spans: Sequence[tuple[float, float]], expected: float) -> None:
    class Kept:
        def __init__(self, span: tuple[float, float]) -> None:
            self.user_attrs = {"spent": span}

    assert study.spent([Kept(each) for each in spans]) == expected


def test_no_trial_is_begun_when_time_is_up(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "spent", lambda there: 2.0 * len(there))
    found = searched(project, trials=9, time_limit="4s")
    assert len(found.trials) == 2


# --- in MLflow ---------------------------------------------------------------------------------------------------


class Client:
    """As much of MLflow's client as sending a run needs; remembers the runs and what became of them."""

    def __init__(self) -> None:
        self.tags: dict[str, dict[str, str]] = {}
        self.ended: dict[str, str] = {}

    def get_experiment_by_name(self, name: str) -> Any:
        return SimpleNamespace(experiment_id="1", lifecycle_stage="active")

    def search_runs(self, *given: Any, **more: Any) -> list[Any]:
        return []

    def create_run(self, experiment: str, *, start_time: int, run_name: str, tags: dict[str, str]) -> Any:
        self.tags[run_name] = tags
        return SimpleNamespace(info=SimpleNamespace(run_id=f"remote-{run_name}"), data=SimpleNamespace(params={}))

    def set_terminated(self, run_id: str, status: str, *when: Any) -> None:
        self.ended[run_id.removeprefix("remote-")] = status

    def log_batch(self, *given: Any, **more: Any) -> None: ...


@pytest.mark.filterwarnings("ignore:::mlflow", "ignore:::google", "ignore:::pydantic")
def test_trials_are_sent_with_their_search(project: Path) -> None:
    space = Workspace.open(project / ".aiaas")
    search = Run.start(space, "tiny", verb="tune", send=False)
    done = Run.start(space, "tiny", verb="tune", parent=search.id)
    done.metrics({"validation.f1": 0.5})
    done.end("FINISHED")
    search.child(done)
    lost = Run.start(space, "tiny", verb="tune", parent=search.id)
    lost.flush()
    client: Any = Client()
    store = Store.of(space)
    replay = Replay(search.folder, space, store)
    replay.catch_up(client)
    assert client.ended == {done.id: "FINISHED"}
    assert client.tags[done.id]["mlflow.parentRunId"] == f"remote-{search.id}"
    search.end("FINISHED")
    replay.catch_up(client)
    assert client.ended == {done.id: "FINISHED", search.id: "FINISHED"}
    Replay(lost.folder, space, store).close(client, "KILLED")  # what `runs sync` does
    assert client.ended[lost.id] == "KILLED"
    assert client.tags[lost.id]["mlflow.parentRunId"] == f"remote-{search.id}"
    assert list(client.tags) == [search.id, done.id, lost.id], "none twice"
    lost.end("KILLED")


# --- given up halfway --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "better", "reported", "expected"),
    [
        ("accuracy", "higher", {"validation_accuracy": 0.7, "validation_loss": 2.0}, 0.7),
        ("f1", "higher", {"validation_accuracy": 0.7}, 0.7),
        ("f1", "higher", {"validation_loss": 2.0}, -2.0),
        ("mae", "lower", {"validation_mae": 3.0}, 3.0),
        ("log_loss", "lower", {"validation_accuracy": 0.7}, -0.7),
        ("size_mb", "lower", {"validation_loss": 2.0}, None),
        ("f1", "higher", {"loss": 2.0}, None),
    ],
)
def test_what_a_fit_reports_goes_the_way_of_the_objective(
    name: str, better: Any, reported: Mapping[str, float], expected: float | None
) -> None:
    assert Objective(name, better).halfway(reported) == expected


def test_a_fit_of_which_there_is_enough_is_given_up(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aiaas.pipeline import run

    class Settings(Params):
        """None."""

    def fit(params: Any, train: Any, validation: Any, training: Training) -> Any:
        for step in range(1, 10):
            training.report(step, {"validation_loss": float(step)})
            if training.should_stop():
                raise Interrupted("stopped")
        raise AssertionError("nobody stopped it")

    module: Any = plugins.architecture("sklearn", "naive_bayes")
    monkeypatch.setattr(module, "fit", fit)
    seen: list[int] = []
    work = Work(
        recipe.read(project / "tiny.yaml"),
        Workspace.open(project / ".aiaas"),
        report=lambda step, metrics: seen.append(step),
        enough=lambda: seen[-1] >= 3,
    )
    with pytest.raises(Abandoned):
        run(work, "train")
    assert seen == [1, 2, 3]


# --- what was found ----------------------------------------------------------------------------------------------


def outcome(*values: tuple[float, ...], wanted: Sequence[Objective]) -> Outcome:
    tried = [Trial(number, "done", {"model.params.alpha": 0.1}, each, {}) for number, each in enumerate(values)]
    return Outcome("group", wanted, 10, len(values), tried)


def test_the_front_of_several_objectives() -> None:
    wanted = [Objective("f1", "higher"), Objective("latency_p95_ms", "lower")]
    found = outcome((0.8, 5.0), (0.9, 9.0), (0.7, 6.0), (0.8, 5.0), (0.6, 1.0), wanted=wanted)
    assert [each.number for each in found.front] == [1, 0, 4]
    assert found.best
    assert found.best.number == 1
    alone = outcome((0.8,), (0.9,), (0.9,), wanted=wanted[:1])
    assert [each.number for each in alone.front] == [1], "of equals the first"


def test_the_page_of_several_objectives(project: Path) -> None:
    read = recipe.read(with_tune(project, space={"model.params.alpha": {"log": [0.01, 10.0]}}))
    wanted = [Objective("f1", "higher"), Objective("latency_p95_ms", "lower")]
    found = outcome((0.8, 5.0), (0.9, 9.0), wanted=wanted)
    found.importance = {"model.params.alpha": 1.0}
    html = page(found, read)
    assert html.count("<svg") == 4
    assert "://" not in html


def test_costs_are_objectives(project: Path) -> None:
    found = searched(project, trials=1, metric=["f1", "latency_p95_ms", "size_mb", "training_seconds"])
    assert found.best
    assert all(value > 0 for value in found.best.values)


# --- the command -------------------------------------------------------------------------------------------------


def test_killed_without_mercy_no_trial_is_lost_or_repeated(project: Path) -> None:
    """SIGKILL as soon as there are some; then to the end. Two at once in the second turn."""
    with_tune(project, trials=6, metric="f1")
    words = [sys.executable, "-m", "aiaas", "tune", "search.yaml", "--json", "--quiet"]
    environment = {**os.environ, "AIAAS_TRACKING": "off", "PYTHONUTF8": "1"}
    first = subprocess.Popen(words, cwd=project, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list(project.glob(".aiaas/artefacts/train/*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    two = [
        subprocess.Popen(words, cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = [json.loads(each.communicate(timeout=100)[0]) for each in two]
    last = max(told, key=lambda each: each["counts"]["done"])
    assert last["counts"] == {"done": 6, "pruned": 0, "failed": 0, "running": 0}
    assert [each["number"] for each in last["trials"]] == list(range(6))
    assert sum(each["done_here"] for each in told) < 6, "what was done before the kill was not done again"
