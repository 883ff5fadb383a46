"""Recipes of older schemas: the mechanism, with schemas of the tests' own, for there is one so far."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aiaas import recipe
from aiaas.cli import recipe as cli
from aiaas.errors import RecipeError
from aiaas.recipe import check
from aiaas.recipe import migrate as migration
from aiaas.recipe.diff import differences
from aiaas.recipe.edit import Draft
from aiaas.recipe.migrate import CHAIN, Migration, migrate
from tests.conftest import RECIPE

OLD = """\
# how it began
name: tiny   # kept
learner: {kind: bayes, alpha: 0.5}
"""


def to_sections(draft: Draft) -> None:
    draft.rename("learner", "model")
    if draft.has("model.kind"):
        draft.replace("model.kind", "naive_bayes")


def to_params(draft: Draft) -> None:
    draft.add("model.params", {"alpha": draft.get("model.alpha")})
    draft.remove("model.alpha")


FAKE = (
    Migration(1, "learner is called model", to_sections),
    Migration(2, "alpha stands under model.params", to_params),
)


def test_each_migration_is_made_in_turn_and_comments_stay() -> None:
    done = migrate(OLD.encode(), "r.yaml", FAKE, newest=3)
    assert (done.before, done.after) == (1, 3)
    assert done.changes == ("learner is called model", "alpha stands under model.params")
    assert done.text == (
        "# how it began\nname: tiny   # kept\nmodel: {kind: naive_bayes, params: {alpha: 0.5}}\nschema: 3\n"
    )


def test_a_recipe_begins_where_it_stands() -> None:
    second = "schema: 2 # said\nmodel: {alpha: 1}\n"
    done = migrate(second.encode(), "r.yaml", FAKE, newest=3)
    assert done.text == "schema: 3 # said\nmodel: {params: {alpha: 1}}\n"
    newest = migrate(done.text.encode(), "r.yaml", FAKE, newest=3)
    assert (newest.text, newest.changes) == (done.text, ())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schema: 4\n", "is 4; this aiaas reads schema 3"),
        ("schema: one\n", "must be a whole number"),
        ("schema: 0\n", "must be a whole number from 1"),
        ("- a\n", "a mapping"),
        ("a: [\n", "not valid YAML"),
    ],
)
def test_what_cannot_be_brought_up_to_date(text: str, told: str) -> None:
    with pytest.raises(RecipeError, match=told) as raised:
        migrate(text.encode(), "r.yaml", FAKE, newest=3)
    assert str(raised.value.where).startswith("r.yaml")


def test_the_chain_of_the_project_has_no_gap() -> None:
    assert [each.before for each in CHAIN] == list(range(check.FIRST, check.SCHEMA))


def test_an_older_recipe_is_told_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny.yaml").write_text(RECIPE, "utf-8")
    monkeypatch.setattr(check, "SCHEMA", 2)
    with pytest.raises(RecipeError, match="is 1; this aiaas reads schema 2") as raised:
        recipe.read(tmp_path / "tiny.yaml", environ={})
    assert str(raised.value.hint).endswith(f"aiaas recipe migrate {tmp_path / 'tiny.yaml'}")


@pytest.mark.parametrize(
    ("text", "change", "after"),
    [
        ("a: 1\nb: 2 # c\nd: 3\n", lambda d: d.remove("b"), "a: 1\nd: 3\n"),
        ("a:\n  b: 1 # b\n\ne: 3\n", lambda d: d.add("a.d", [1]), "a:\n  b: 1 # b\n  d: [1]\n\ne: 3\n"),
        ("a:\n  b: 1\n# end\nc: 2\n", lambda d: d.remove("a.b"), "a:\n  {}\n# end\nc: 2\n"),
        ("a: {b: 1, c: 2}\n", lambda d: d.remove("a.b"), "a: {c: 2}\n"),
        ("a: {b: 1, c: 2}\n", lambda d: d.remove("a.c"), "a: {b: 1}\n"),
        ("a: {b: 1}\n", lambda d: d.remove("a.b"), "a: {}\n"),
        ("a:\nb: 1\n", lambda d: d.add("a.c.d", 1), "a: {c: {d: 1}}\nb: 1\n"),
        ("b: 1", lambda d: d.add("a.c", "x: y"), "b: 1\na: {c: 'x: y'}\n"),
        ("a:\n  - x: 1\n    y: 2\n", lambda d: d.remove("a.0.x"), "a:\n  - y: 2\n"),
        ("a:\n  - x: 1\n    y: 2\n", lambda d: d.rename("a[0].y", "z"), "a:\n  - x: 1\n    z: 2\n"),
        ("a:\n  b:\n    c: 1\n  d: 2\n", lambda d: d.replace("a.b", 5), "a:\n  b: 5\n  d: 2\n"),
        ('a: "one" # two\n', lambda d: d.replace("a", "three"), "a: three # two\n"),
    ],
)  # fmt: skip
def test_a_change_touches_nothing_else(text: str, change: object, after: str) -> None:
    draft = Draft(text)
    assert callable(change)
    change(draft)
    assert draft.text == after


def test_what_is_not_there_is_told() -> None:
    draft = Draft("a: {b: 1}\n")
    assert not draft.has("a.c")
    for change in (lambda: draft.rename("a.c", "d"), lambda: draft.replace("c", 1), lambda: draft.remove("x.y")):
        with pytest.raises(KeyError):
            change()


def test_the_command_has_nothing_to_do_yet(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.migrate([Path("tiny.yaml")], as_json=True)
    said = capsys.readouterr()
    assert json.loads(said.out)["recipes"] == [{"file": "tiny.yaml", "before": 1, "after": 1, "changes": []}]
    assert "schema 1 is the newest" in said.err
    assert (project / "tiny.yaml").read_text("utf-8") == RECIPE


def test_the_command_writes_what_is_a_good_recipe_and_nothing_else(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a second schema that is the first but for its number, and a name that every recipe gets."""
    older = Migration(1, "it is called new", lambda draft: draft.replace("name", "new"))
    monkeypatch.setattr(migration, "migrate", lambda old, source: migrate(old, source, [older], newest=2))
    monkeypatch.setattr(check, "check", lambda document: None)
    cli.migrate([Path("tiny.yaml")], dry_run=True)
    assert "+schema: 2\n+name: new" in capsys.readouterr().out
    assert (project / "tiny.yaml").read_text("utf-8") == RECIPE
    cli.migrate([Path("tiny.yaml")])
    changed = RECIPE.replace("name: tiny", "name: new").replace("schema: 1", "schema: 2")
    assert (project / "tiny.yaml").read_text("utf-8") == changed
    monkeypatch.undo()
    with pytest.raises(RecipeError, match="this aiaas reads schema 1"):
        cli.migrate([project / "tiny.yaml"])
    assert (project / "tiny.yaml").read_text("utf-8") == changed


# --- diff ---------------------------------------------------------------------------------------------------------


def test_what_differs_between_two_recipes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = RECIPE.replace("seed: 3", "seed: 4").replace("[clean, deduplicate]", "[clean, deduplicate, lowercase]")
    (project / "other.yaml").write_text(other.replace("alias: champion", "alias: champion # as by default"), "utf-8")
    found = differences(recipe.read("tiny.yaml", environ={}), recipe.read("other.yaml", environ={}))
    assert [each.path for each in found if "lowercase" not in each.path] == ["seed", "preprocess.steps"]
    cli.diff(Path("tiny.yaml"), Path("other.yaml"), as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert not said["same"]
    assert said["differences"][0] == {"path": "seed", "before": 3, "after": 4}
    cli.diff(Path("tiny.yaml"), Path("other.yaml"))
    assert capsys.readouterr().out.startswith("- seed: 3\n+ seed: 4\n- preprocess.steps: ")
    assert not differences(recipe.read("tiny.yaml", environ={}), recipe.read("tiny.yaml", environ={}))
