"""Sweeps: a grid of values, a run for each, one group, and their comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aiaas import compare, recipe
from aiaas.cli.sweep import read_points, several_need_sweep, show
from aiaas.errors import DataError, RecipeError, UsageError
from aiaas.pipeline import sweep as module
from aiaas.pipeline.stages import Work
from aiaas.pipeline.sweep import sweep
from aiaas.recipe.grid import grid, items
from aiaas.track import history
from aiaas.workspace import Workspace


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("a=1", ["1"]),
        ("a=0.1, 0.5,1.0", ["0.1", "0.5", "1.0"]),
        ("a=[1,2],[1,3]", ["[1,2]", "[1,3]"]),
        ('a="x,y",z', ['"x,y"', "z"]),
        ("a={b: [1,2], c: 'd,e'},null", ["{b: [1,2], c: 'd,e'}", "null"]),
        ("a=it's,b", ["it's", "b"]),
        ("a=>= 0.8,>= 0.9", [">= 0.8", ">= 0.9"]),
        ("a=", [""]),
        ("a", [""]),
    ],
)
def test_values_between_commas(word: str, expected: list[str]) -> None:
    assert items(word) == expected


def test_a_grid_is_every_combination() -> None:
    points = grid(["model.params.alpha=0.1,1", "seed=3", "model.params.ngrams=[1,1],[1,2]"])
    assert [each.label for each in points] == [
        f"alpha={alpha}, ngrams={ngrams}" for alpha in ("0.1", "1") for ngrams in ("[1,1]", "[1,2]")
    ]
    assert grid(["a=1,2", "b"])[0].overrides == ("a=1", "b"), "what is no PATH=VALUE is refused by whoever reads it"
    assert points[0].overrides == ("model.params.alpha=0.1", "seed=3", "model.params.ngrams=[1,1]")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to sweep"),
        (["a=1"], "nothing to sweep"),
        (["a=1,,2"], "a value is missing"),
        (["a=1,2,1"], "a value is twice"),
        (["a=" + ",".join(map(str, range(40))), "b=" + ",".join(map(str, range(40)))], "1,600 points"),
    ],
)
def test_what_is_no_grid_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        grid(words)


def test_several_values_without_a_sweep_say_so(project: Path) -> None:
    words = ["model.params.alpha=0.1,0.5", "model.params.fit_prior=3"]
    with pytest.raises(RecipeError) as error, several_need_sweep(words):
        recipe.read(project / "tiny.yaml", words)
    assert [bool(each.hint and "--sweep" in each.hint) for each in error.value.faults] == [True, False]


def test_faults_of_all_points_are_told(project: Path) -> None:
    with pytest.raises(RecipeError) as error:
        read_points(project / "tiny.yaml", ["model.params.alpha=-1,0.5,-2"])
    assert len(error.value.faults) == 2


def test_a_sweep_is_one_group_that_can_be_compared(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIAAS_TRACKING", "off")
    points = read_points(project / "tiny.yaml", ["model.params.alpha=0.1,1.0"])
    space = Workspace.open(project / ".aiaas")
    work = Work(points["alpha=0.1"], space)
    done = sweep(points, work)
    assert [each.label for each in done.runs] == ["alpha=0.1", "alpha=1.0"]
    assert len(list(space.artefacts.glob("preprocess/*"))) == 1
    assert not list(space.artefacts.glob("deploy/*")), "nothing is registered"

    again = sweep(points, work)
    assert again.group == done.group
    assert len(history.runs(space)) == 4, "runs of a group are kept, whatever was there already"
    members = compare.members(done.group, space)
    assert len(members) == 2, "of equal evaluations the newest run"
    found = compare.compare(compare.gather(members, space))
    assert [each.name for each in found.standings] == ["alpha=0.1", "alpha=1.0"]
    with pytest.raises(UsageError, match="no run of a group") as error:
        compare.members(done.group[:-1], space)
    assert error.value.hint == f"did you mean {done.group!r}?"

    show(done, json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["verb"], told["group"]) == ("run", done.group)
    assert [each["label"] for each in told["runs"]] == ["alpha=0.1", "alpha=1.0"]
    show(done, json=False)
    said = capsys.readouterr()
    assert "alpha=0.1" in said.out
    assert f"aiaas compare --group {done.group}" in said.err


def test_a_point_that_fails_stops_no_other(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = read_points(project / "tiny.yaml", ["model.params.alpha=0.1,1.0"])

    def failing(work: Work, *rest: Any, **more: Any) -> Any:
        if work.label == "alpha=0.1":
            raise DataError("no good")
        return module.Result("tiny")

    monkeypatch.setattr(module, "run", failing)
    done = sweep(points, Work(points["alpha=0.1"], Workspace.look(project / ".aiaas")))
    assert [bool(each.error) for each in done.runs] == [True, False]
    with pytest.raises(DataError) as error:
        show(done, json=True)
    assert error.value.message == "1 of 2 points failed (alpha=0.1): no good"
    assert error.value.reached["group"] == done.group
