"""`aiaas recipe …` as functions, and as fresh processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from aiaas.cli import recipe as verbs
from aiaas.errors import RecipeError, UsageError
from tests.recipe.conftest import TOY, Write

RECIPES = Path(__file__).parents[2] / "recipes"
HEAVY = ("sklearn", "mlflow", "datasets", "numpy", "pandas", "pyarrow", "scipy", "torch", "tensorflow", "rich.table")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    code = "from aiaas.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", [("validate",), ("show",), ("show", "--origin"), ("show", "--json"), ("schema",)])
def test_no_framework_is_imported(words: tuple[str, ...]) -> None:
    recipe = [] if words == ("schema",) else [str(RECIPES / "reviews_zh_nb.yaml")]
    code = (
        "import sys, atexit, json\n"
        f"atexit.register(lambda: print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]), file=sys.stderr))\n"
        "from aiaas.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "recipe", *words, *recipe], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stderr.splitlines()[-1]) == []


def test_validate_in_a_process(tmp_path: Path) -> None:
    good = RECIPES / "reviews_zh_nb.yaml"
    done = run("recipe", "validate", str(good))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{good}: ok (text-classification, sklearn/naive_bayes)\n"
    bad = tmp_path / "bad.yaml"
    bad.write_text(good.read_text("utf-8").replace("alpha", "alhpa").replace("seed", "sede"), "utf-8")
    done = run("recipe", "validate", str(good), str(bad))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{bad}:6:1: sede: unknown key 'sede'" in done.stderr
    assert f"{bad}:16:61: model.params.alhpa: unknown key 'alhpa'" in done.stderr
    assert "did you mean 'alpha'?" in done.stderr
    done = run("recipe", "validate", str(bad), "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["ok"], answer["error"]["code"]) == (2, False, "recipe")
    assert [fault["path"] for fault in answer["error"]["faults"]] == ["sede", "model.params.alhpa"]


def test_validate(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = write("label: pos", 'token: "${env:NOT_SET_ANYWHERE}"')
    verbs.validate([file, file])
    captured = capsys.readouterr()
    assert captured.out == "toy.yaml: ok (toy-labels, toy/bayes)\n" * 2
    assert "needs the environment variable NOT_SET_ANYWHERE" in captured.err
    verbs.validate([file], ["seed=3"], as_json=True)
    answer = json.loads(capsys.readouterr().out)
    assert answer["recipes"][0]["missing_secrets"] == ["NOT_SET_ANYWHERE"]
    with pytest.raises(RecipeError) as caught:
        verbs.validate([file, Path("none.yaml"), file], ["seed=x"])
    assert [fault.path for fault in caught.value.faults] == ["seed", "", "seed"]


def test_show(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = write()
    verbs.show(file, ["seed=3"])
    assert "\nseed: 3\n" in capsys.readouterr().out
    verbs.show(file, ["seed=3"], origin=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if line.startswith("seed")] == [["seed:", "3", "#", "--set"]]
    assert any(line.startswith("model.params.ngrams: [1, 3] ") and line.endswith("# toy.yaml:16:13") for line in lines)
    verbs.show(file, origin=True, as_json=True)
    answer = json.loads(capsys.readouterr().out)
    assert answer["recipe"]["name"] == "toy"
    assert answer["origins"]["name"] == "toy.yaml:3:7"


def test_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run("recipe", "schema")
    assert json.loads(done.stdout)["title"] == "aiaas recipe"
    done = run("recipe", "schema", "--output", str(tmp_path / "schema.json"))
    assert done.stdout == ""
    assert json.loads((tmp_path / "schema.json").read_text("utf-8"))["title"] == "aiaas recipe"
    done = run("recipe", "schema", "--output", str(tmp_path / "none" / "deeper" / "schema.json"))
    assert done.returncode in (0, 2)


def test_list(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write()
    Path("broken.yml").write_text("name: [", "utf-8")
    Path("note.txt").write_text("no recipe", "utf-8")
    Path(".aiaas").mkdir()
    Path(".aiaas/recipe.yaml").write_text(TOY, "utf-8")  # as a run keeps it
    verbs.list_recipes(Path())
    out = capsys.readouterr().out
    assert "toy.yaml  toy  toy-labels  toy/bayes\n    aiaas run toy.yaml\n    nothing to expect\n" in out
    assert "broken.yml  faults: 1\n" in out
    assert "note" not in out
    assert ".aiaas" not in out
    verbs.list_recipes(Path(), as_json=True)
    broken, toy = json.loads(capsys.readouterr().out)["recipes"]
    assert (broken["faults"], broken["name"], broken["command"]) == (1, None, None)
    assert (toy["task"], toy["model"], toy["expect"]) == ("toy-labels", "toy/bayes", "nothing to expect")
    Path("toy.yaml").write_text(TOY.split("\n", 2)[2], "utf-8")
    verbs.list_recipes(Path(), as_json=True)
    assert json.loads(capsys.readouterr().out)["recipes"][1]["command"] is None
    with pytest.raises(UsageError, match="there is no folder none"):
        verbs.list_recipes(Path("none"))


@pytest.mark.parametrize("name", ["reviews_zh_nb", "churn_logistic", "digits_cnn"])
def test_a_resolved_recipe_is_a_recipe(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it states is what the recipe left to the defaults, some of them of other formats than its own."""
    verbs.show(RECIPES / f"{name}.yaml", [])
    (tmp_path / "again.yaml").write_text(shown := capsys.readouterr().out, "utf-8")
    verbs.show(tmp_path / "again.yaml", [])
    assert capsys.readouterr().out.splitlines()[:4] == shown.splitlines()[:4]
