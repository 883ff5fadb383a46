"""Races: the same rows for all, budgets by halving, what fails, what goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from aiaas import recipe
from aiaas.cli.race import Told, overrides_of, race_command, read_all, seconds_of, show
from aiaas.errors import AiaasError, DataError, Interrupted, RecipeError, TrainingError, UsageError
from aiaas.pipeline.race import budget as budgets
from aiaas.pipeline.race import race, runner
from aiaas.pipeline.race.budget import Budget
from aiaas.pipeline.race.entrants import entrants
from aiaas.pipeline.race.halving import better_half, rounds, share
from aiaas.pipeline.race.runner import Runner, limited
from aiaas.pipeline.race.telling import Silent
from aiaas.pipeline.stages import Work
from aiaas.recipe import Recipe
from aiaas.track import history
from aiaas.workspace import Workspace

LOGISTIC = {"model": {"backend": "sklearn", "architecture": "logistic_regression"}, "name": "second"}


@pytest.fixture(autouse=True)
def _untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAAS_TRACKING", "off")


def tiny(project: Path, *overrides: str) -> Recipe:
    return recipe.read(project / "tiny.yaml", overrides)


def like(first: Recipe, base: Path | None = None, **changes: Any) -> Recipe:
    """The recipe `first` with other sections."""
    return Recipe.from_dict({**first.resolved(), **changes}, base=base or first.base)


# --- who gets how much -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("learning", "expected"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3), (9, 4)])
def test_rounds_until_one_is_left(learning: int, expected: int) -> None:
    assert rounds(learning) == expected
    left = learning
    for _ in range(expected):
        left = len(better_half({str(number): float(number) for number in range(left)}, "higher"))
    assert left == 1


def test_shares_never_exceed_what_is_left() -> None:
    for seconds in (0.0, 0.5, 7.9, 60.0, 1234.5, -3.0):
        for learning in range(1, 12):
            given = share(seconds, learning)
            assert given >= 0
            assert given * learning * rounds(learning) <= max(0.0, seconds)
    assert share(1200, 5) == 80
    assert share(9.9, 1) == 9


@pytest.mark.parametrize(
    ("scores", "better", "expected"),
    [
        ({"a": 0.1, "b": 0.3, "c": 0.2}, "higher", ["b", "c"]),
        ({"a": 0.1, "b": 0.3, "c": 0.2}, "lower", ["a", "c"]),
        ({"a": 0.5, "b": 0.5, "c": 0.5, "d": 0.5}, "higher", ["a", "b"]),
        ({"a": None, "b": float("nan"), "c": 0.0}, "higher", ["c", "a"]),
        ({"a": None}, "lower", ["a"]),
        ({}, "lower", []),
    ],
)
def test_the_better_half_goes_on(
    scores: Mapping[str, float | None], better: Literal["higher", "lower"], expected: list[str]
) -> None:
    assert better_half(scores, better) == expected


# --- who takes part ----------------------------------------------------------------------------------------------


def test_all_have_the_data_of_the_first(project: Path) -> None:
    first = tiny(project)
    gates = {"gates": {"accuracy": ">= 0.9"}, "slices": ["length"]}
    second = like(first, **LOGISTIC, seed=8, collect=[{"source": "other.txt", "label": "x"}], evaluate=gates)
    _, entered = entrants([first, second])
    assert (entered.recipe.seed, entered.recipe.collect, entered.recipe.preprocess) == (
        3,
        first.collect,
        first.preprocess,
    )
    assert entered.recipe.model == second.model
    assert entered.recipe.evaluate.slices == (), "all are judged as the first says"
    assert str(entered.recipe.evaluate.gates["accuracy"]) == ">= 0.9", "what it must reach is its own affair"
    assert set(entered.other) == {"seed", "collect"}
    assert "has that of tiny" in str(entered.told(entrants([first, second])[0]))


def test_recipes_of_equal_data_have_nothing_to_tell(project: Path) -> None:
    first = tiny(project)
    second = like(first, **LOGISTIC, collect=[{**each, "licence": "MIT"} for each in first.resolved()["collect"]])
    assert [each.told(each) for each in entrants([first, second])] == [None, None]


def test_relative_paths_stay_those_of_each_recipe(project: Path) -> None:
    first = tiny(project)
    _, second = entrants([first, like(first, project / "elsewhere", **LOGISTIC)])
    assert second.recipe.base == project / "elsewhere"
    assert second.other == ("the folder of its files",)
    work = Work(second.recipe, Workspace.look(project / ".aiaas"), rows_base=first.base)
    assert (work.data_context().base, work.source_context().base) == (first.base, project / "elsewhere")


def test_names_tell_entrants_apart(project: Path) -> None:
    first = tiny(project)
    others = [like(first, **{**LOGISTIC, "name": "tiny", "train": {"epochs": epochs}}) for epochs in (2, 3)]
    assert [each.name for each in entrants([first, *others])] == ["tiny (1)", "tiny (2)", "tiny (3)"]


def test_what_is_no_race_is_refused(project: Path) -> None:
    first = tiny(project)
    with pytest.raises(UsageError, match="two recipes at least"):
        entrants([first])
    with pytest.raises(UsageError, match="say the same of the model"):
        entrants([first, like(first, name="copy", seed=9)])
    other = like(
        first,
        name="other",
        task="tabular-regression",
        collect=[{"source": "t.csv", "columns": {"target": "y"}}],
        preprocess={},
        train={},
        model={"backend": "sklearn", "architecture": "linear_regression"},
        evaluate={},
    )
    with pytest.raises(UsageError, match="other is for tabular-regression and tiny for text-classification"):
        entrants([first, other])


# --- budgets -----------------------------------------------------------------------------------------------------


@dataclass
class Fit:
    """What a made-up fit does: it needs `needs` seconds to its end (None: it knows no limit and takes `takes`), and is
    worth `good` times what it had of them."""

    good: float
    needs: float | None = None
    takes: float = 1.0
    fails_at: float | None = None
    runs: list[int] = field(default_factory=list)


@dataclass
class Made:
    """As much of an artefact as a race looks at."""

    seconds: float = 0.0
    summary: dict[str, Any] = field(default_factory=dict)


class Course:
    """A race of made-up fits within a budget."""

    def __init__(self, project: Path, fits: Mapping[str, Fit], seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
        first = tiny(project)
        logistic = like(first, **LOGISTIC)
        space = Workspace.open(project / ".aiaas")
        self.fits = fits
        self.runners = [
            Runner.of(name, Work(first if fit.needs is None else logistic, space, group=name))
            for name, fit in fits.items()
        ]
        monkeypatch.setattr(runner, "reach", self._reach)
        monkeypatch.setattr(runner, "judged", self._judged)
        monkeypatch.setitem(budgets.STAGES, "train", self)  # type: ignore[arg-type]
        made: Any = {"preprocess": Made(summary={"splits": {"validation": 9}})}
        self.budget = Budget(seconds, self.runners, made, Silent())

    def inputs(self, work: Work, made: Any) -> dict[str, Any]:
        return {"train": {}, "name": work.group}

    def _reach(self, work: Work, stage: Any, made: Any, tracking: None, listener: None) -> tuple[Any, None]:
        fit = self.fits[str(work.group)]
        limit = getattr(work.recipe.train, "time_limit", None)
        fit.runs.append(limit or 0)
        if fit.fails_at is not None and (limit or 0) >= fit.fails_at:
            raise TrainingError("it diverged")
        late = limit is not None and fit.needs is not None and limit < fit.needs
        took = fit.takes if fit.needs is None else min(limit or fit.needs, fit.needs) - (fit.runs[-2:-1] or [0])[0]
        return Made(took, {"notes": {"time_limit_reached": True} if late else {}}), None

    def _judged(self, work: Work, made: Any, fitted: Any) -> Mapping[str, float]:
        fit = self.fits[str(work.group)]
        return {"accuracy": fit.good * min(1.0, (fit.runs[-1] or 1) / (fit.needs or 1))}

    def spend(self) -> dict[str, list[int]]:
        self.budget.spend()
        return {name: fit.runs for name, fit in self.fits.items()}


def test_a_budget_is_shared_out_by_halving(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = {name: Fit(good, needs=1000) for name, good in (("a", 0.5), ("b", 0.9), ("c", 0.7), ("d", 0.6))}
    course = Course(project, fits, 400, monkeypatch)
    assert course.spend() == {"a": [50], "b": [50, 150], "c": [50, 150], "d": [50]}
    assert [each.on for each in course.budget.rounds] == [["b", "c"], ["b"]]
    assert sum(each.spent for each in course.runners) == 400
    assert [each.last.train.time_limit for each in course.runners] == [50, 150, 150, 50]  # type: ignore[attr-defined]
    assert not (project / ".aiaas" / "checkpoints").exists()


def test_what_a_fit_leaves_over_is_there_for_the_others(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = {"quick": Fit(0.05, needs=10), "slow": Fit(0.9, needs=1000)}
    course = Course(project, fits, 200, monkeypatch)
    assert course.spend() == {"quick": [100], "slow": [100, 190]}
    assert sum(each.spent for each in course.runners) == 200


def test_who_is_done_keeps_nobody_from_going_on(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = {
        "done": Fit(0.99, needs=10),
        "a": Fit(0.5, needs=1000),
        "b": Fit(0.9, needs=1000),
        "c": Fit(0.6, needs=1000),
    }
    course = Course(project, fits, 400, monkeypatch)
    course.spend()
    assert (course.budget.rounds[0].done, course.budget.rounds[0].on) == (["done"], ["b", "c"])


def test_a_fit_that_knows_no_limit_runs_whole_and_is_charged(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = {"whole": Fit(0.9, takes=40), "a": Fit(0.5, needs=1000), "b": Fit(0.6, needs=1000)}
    course = Course(project, fits, 140, monkeypatch)
    assert course.spend() == {"whole": [0], "a": [50], "b": [50]}
    assert [each.on for each in course.budget.rounds] == [["b"]], "it competes with nobody for time"


def test_who_got_no_time_has_failed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = {"whole": Fit(0.9, takes=500), "a": Fit(0.5, needs=1000), "b": Fit(0.6, needs=1000)}
    course = Course(project, fits, 100, monkeypatch)
    course.spend()
    assert [each.error and each.error.message for each in course.runners] == [
        None,
        *["the others took the whole budget before its turn came"] * 2,
    ]


def test_a_fit_that_fails_is_out_and_the_others_go_on(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = {"a": Fit(0.9, needs=1000, fails_at=60), "b": Fit(0.6, needs=1000), "c": Fit(0.5, needs=1000)}
    course = Course(project, fits, 300, monkeypatch)
    course.spend()
    assert [isinstance(each.error, AiaasError) for each in course.runners] == [True, False, False]
    assert fits["b"].runs[-1] > fits["c"].runs[-1]


def test_an_interruption_is_no_failure(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: Any) -> None:
        raise Interrupted("training was stopped")

    course = Course(project, {"a": Fit(0.9, needs=99), "b": Fit(0.9, needs=99)}, 300, monkeypatch)
    monkeypatch.setattr(runner, "reach", interrupted)
    with pytest.raises(Interrupted):
        course.spend()


def test_budgets_that_cannot_be_shared_out_are_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course = Course(project, {name: Fit(0.9, needs=99) for name in "abcde"}, 14, monkeypatch)
    with pytest.raises(UsageError, match="less than a second in each of 3 rounds") as caught:
        course.spend()
    assert "15 s" in str(caught.value.hint)
    course.budget.made["preprocess"].summary["splits"]["validation"] = 0  # type: ignore[index]
    with pytest.raises(DataError, match="no validation rows"):
        course.spend()


def test_a_limit_is_given_to_models_that_know_one(project: Path) -> None:
    first = tiny(project)
    assert limited(first, 9) is None
    held = like(first, **LOGISTIC, train={"stream": "never"})
    assert limited(held, 9) is None, "one that holds all rows has no epochs"
    short = limited(like(first, **LOGISTIC), 9)
    assert short is not None
    assert short.resolved()["train"]["time_limit"] == "9s"


# --- from the recipes to the table -------------------------------------------------------------------------------


@pytest.fixture
def others(project: Path) -> list[Path]:
    """A model that competes, and one that finds nothing to learn by."""
    words = (project / "tiny.yaml").read_text("utf-8").replace("naive_bayes", "logistic_regression")
    words = words.replace("params: {ngrams: [1, 2], alpha: 0.5}", "params: {}").replace(">= 0.7", ">= 1.01")
    (project / "second.yaml").write_text(words.replace("name: tiny", "name: second"), "utf-8")
    bad = words.replace("params: {}", "params: {min_count: 5000}")
    (project / "third.yaml").write_text(bad.replace("name: tiny", "name: third"), "utf-8")
    return [project / "second.yaml", project / "third.yaml"]


def test_a_race_prepares_the_data_once_ends_with_a_table_and_goes_on(
    project: Path, others: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    recipes = [tiny(project, "evaluate.intervals.samples=100"), *map(recipe.read, others)]
    space = Workspace.open(project / ".aiaas")
    work = Work(recipes[0], space)
    told = Told(None)
    outcome = race(recipes, work, budget=60, teller=told)
    kept = {each.key for each in space}
    assert sum(each.stage == "preprocess" for each in space) == 1
    assert [each.name for each in outcome.standing] == ["tiny", "second"]
    assert [each.missed for each in outcome.standing] == [[], ["accuracy"]]
    assert [each.name for each in outcome.failed] == ["third"]
    assert outcome.comparison is not None
    assert [each.name for each in outcome.comparison.standings] == ["tiny", "second"]
    assert not (project / ".aiaas" / "models").exists(), "nothing is registered"
    runs = history.runs(space)
    assert [history.details(each)["tags"]["aiaas.group"] for each in runs] == [outcome.group] * 2

    again = race(recipes, work, budget=60)
    assert {each.key for each in space} == kept, "nothing was made anew"
    assert again.group == outcome.group
    assert again.comparison == outcome.comparison

    with pytest.raises(AiaasError) as caught:
        show(outcome, json=False)
    assert caught.value.message.startswith("1 of 3 recipes failed (third): no n-gram is left")
    assert caught.value.reached["recipes"][2]["error"]["message"].startswith("no n-gram is left")
    said = capsys.readouterr()
    assert "third is out, the others go on" in said.err
    assert "second does not meet its gates for accuracy" in said.err
    assert all(len(line) <= 80 for line in said.out.splitlines())
    for each in outcome.standing:
        assert each.result is not None
        assert f"{each.result.metrics['accuracy']:.4f}" in said.out
    json.dumps(outcome.as_dict(), allow_nan=False)


@pytest.mark.parametrize("budget", ["soon", "20", "0s", "-5m"])
def test_what_is_no_budget_is_refused(budget: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        seconds_of(budget)
    assert seconds_of("1h30m") == 5400
    assert seconds_of(None) is None


def test_a_page_that_has_no_folder_is_refused_before_anything_is_trained(project: Path) -> None:
    with pytest.raises(UsageError, match="--html: there is no folder"):
        race_command([project / "tiny.yaml"], html=Path("nowhere/page.html"))
    assert not (project / ".aiaas").exists()


def test_the_faults_of_all_recipes_are_told_at_once(project: Path) -> None:
    files = [project / "tiny.yaml", project / "none.yaml"]
    with pytest.raises(RecipeError) as caught:
        read_all(files, ["tiny:model.params.alpha=-1"])
    assert [fault.where for fault in caught.value.faults] == ["--set model.params.alpha=…", str(files[1])]
    assert [each.name for each in read_all(files[:1], ["tiny:name=other"])] == ["other"]


def test_a_value_is_set_for_all_or_for_one() -> None:
    files = [Path("recipes/one.yaml"), Path("two.yaml")]
    words = ["seed=1", "one:train.epochs=2", "collect.0.source=package:x/y", "two:name=three"]
    assert overrides_of(files[0], files, words) == ["seed=1", "train.epochs=2", "collect.0.source=package:x/y"]
    assert overrides_of(files[1], files, words) == ["seed=1", "collect.0.source=package:x/y", "name=three"]
