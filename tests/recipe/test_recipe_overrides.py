"""`--set` and the environment: what wins, how values are typed, what is refused."""

from __future__ import annotations

import pytest

from aiaas.recipe import paths, read
from tests.recipe.conftest import Faults, Write


@pytest.mark.parametrize(
    ("override", "name", "value"),
    [
        ("model.params.alpha=2", "model.params.alpha", 2.0),
        ("model.params.alpha=1e-3", "model.params.alpha", 0.001),
        ("model.params.ngrams=[2,4]", "model.params.ngrams", [2, 4]),
        ("model.params.stop=[1, true]", "model.params.stop", ["1", "true"]),
        ("model.params.stop=12", "model.params.stop", 12),
        ("model.params.prefix=1.0", "model.params.prefix", "1.0"),
        ("model.params.prefix=", "model.params.prefix", ""),
        ("model.params.prefix=''", "model.params.prefix", ""),
        ("model.params.prefix=a=b", "model.params.prefix", "a=b"),
        ("model.params.prefix=#", "model.params.prefix", "#"),
        ("model.params.prefix=*", "model.params.prefix", "*"),
        ("model.params.prefix='[a'", "model.params.prefix", "[a"),
        ("name=2024", "name", "2024"),
        ("seed=0123", "seed", 123),
        ("collect[0].source=toy:a=b: c", "collect.0.source", "toy:a=b: c"),
        ("collect[0].label=1", "collect.0.label", "1"),
        ("collect.1.label=true", "collect.1.label", "true"),
        ("collect[0].label=null", "collect.0.label", None),
        ("collect[0].columns={text: review, label: 5}", "collect.0.columns.label", "5"),
        ("collect[0].columns[\"text\"]=a.b", "collect.0.columns.text", "a.b"),
        ("collect[2]={source: 'toy:three'}", "collect.2.source", "toy:three"),
        ("collect[2].source=toy:three", "collect.2.source", "toy:three"),
        ("preprocess.steps.toy_clean.html=false", "preprocess.steps.toy_clean.html", False),
        ("preprocess.steps[0].html=false", "preprocess.steps.toy_clean.html", False),
        ("preprocess.steps.0.toy_clean.html=false", "preprocess.steps.toy_clean.html", False),
        ("preprocess.steps=[toy_drop]", "preprocess.steps", ["toy_drop"]),
        ("preprocess.split.stratify=false", "preprocess.split.stratify", False),
        ("evaluate.gates.f1=> 0.5", "evaluate.gates.f1", "> 0.5"),
        ("deploy.alias=challenger", "deploy.alias", "challenger"),
    ],
)  # fmt: skip
def test_set(write: Write, override: str, name: str, value: object) -> None:
    recipe = read(write(), [override], {})
    assert recipe.flat()[name] == value
    assert type(recipe.flat()[name]) is type(value)
    assert recipe.origins()[name] == "--set"


@pytest.mark.parametrize(
    ("override", "where", "path", "message"),
    [
        ("model.params.alpha", "--set model.params.alpha", "", "must be PATH=VALUE"),
        ("=3", "--set =…", "", "is not a path"),
        ("a..b=3", "--set a..b=…", "", "is not a path"),
        ("a[x]=3", "--set a[x]=…", "", "is not a path"),
        ("modle.params.alpha=1", "--set modle.params.alpha=…", "modle", "unknown key 'modle'"),
        ("model.params.alpah=1", "--set model.params.alpah=…", "model.params.alpah", "unknown key 'alpah'"),
        ("model.params.alpha=x", "--set model.params.alpha=…", "model.params.alpha", "must be a number, found text"),
        ("model.params.alpha=-1", "--set model.params.alpha=…", "model.params.alpha", "greater than 0, found -1"),
        ("model.params.alpha.x=1", "--set model.params.alpha.x=…", "model.params.alpha", "is a single value"),
        ("model.params.ngrams=[1,", "--set model.params.ngrams=…", "model.params.ngrams", "not valid YAML"),
        ("model.params.ngrams=[1, 'a']", "--set model.params.ngrams=…", "model.params.ngrams[1]", "a whole number"),
        ("collect.x.source=a", "--set collect.x.source=…", "collect.x", "a list is addressed by index"),
        ("collect[7].source=a", "--set collect[7].source=…", "collect[7]", "no such item; the list has 2"),
        ("preprocess.steps.toy_cleen.html=1", "--set preprocess.steps.toy_cleen.html=…", "preprocess.steps.toy_cleen",
         "the recipe has no such step; it has: toy_clean, toy_drop"),
        ("preprocess.steps.toy_clean.htm=1", "--set preprocess.steps.toy_clean.htm=…",
         "preprocess.steps[0].toy_clean.htm", "unknown key 'htm'"),
        ("seed=${env:A}", "--set seed=…", "seed", "must be a whole number, found text"),
        ("name=__import__('os')", "--set name=…", "name", "must match"),
        ("task=toy-numbers", "--set task=…", "", ""),
    ],
)  # fmt: skip
def test_faults_of_set(faults: Faults, override: str, where: str, path: str, message: str) -> None:
    found = faults(overrides=[override])
    if override.startswith("task="):
        assert {fault.path for fault in found} == {"model.architecture", "evaluate.gates.accuracy"}
        return
    (fault,) = found
    assert (fault.where, fault.path) == (where, path)
    assert message in fault.message


def test_what_wins(write: Write) -> None:
    file = write()
    environ = {"AIAAS__MODEL__PARAMS__ALPHA": "0.2", "aiaas__preprocess__STEPS__toy_clean__HTML": "false"}
    assert read(file, environ={}).flat()["model.params.alpha"] == 0.5
    assert read(file, environ=environ).flat()["model.params.alpha"] == 0.2
    assert read(file, environ=environ).flat()["preprocess.steps.toy_clean.html"] is False
    assert read(file, ["model.params.alpha=0.1"], environ).flat()["model.params.alpha"] == 0.1
    assert read(file, ["model.params.alpha=0.1", "model.params.alpha=0.3"], environ).flat()["model.params.alpha"] == 0.3


def test_the_environment_finds_keys_whatever_their_case(write: Write) -> None:
    file = write("label: pos", "columns: {Text: a}")
    flat = read(file, environ={"AIAAS__COLLECT__0__COLUMNS__TEXT": "b", "AIAAS__COLLECT__1__LABEL": "0"}).flat()
    assert flat["collect.0.columns.Text"] == "b"
    assert flat["collect.1.label"] == "0"


def test_the_environment_is_read_when_nothing_else_is_given(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAAS__SEED", "11")
    assert read(write()).seed == 11


def test_faults_of_the_environment(faults: Faults) -> None:
    (fault,) = faults(AIAAS__MODEL__PARAMS__ALPHA="s3cret")
    assert fault.where == "environment AIAAS__MODEL__PARAMS__ALPHA"
    assert "must be a number, found text" in fault.message
    (fault,) = faults(AIAAS__MODEL__PARAMS__EVEN="7771")
    assert "7771" not in fault.message
    (fault,) = faults(AIAAS__SEED____X="1")
    assert "a key is missing" in fault.message
    (fault,) = faults(AIAAS__NAME="a\udcffb")
    assert "holds a character that is no text" in fault.message


def test_the_file_is_not_loose(faults: Faults) -> None:
    (fault,) = faults("label: pos", "label: true")
    assert fault.message == "must be text, found true or false"


def test_a_bare_recipe_can_be_built_up(write: Write) -> None:
    file = write(text="name: a\n")
    overrides = ["task=toy-labels", "collect.0.source=toy:x", "model.backend=toy", "model.architecture=bayes"]
    recipe = read(file, [*overrides, "preprocess.steps.0=toy_clean", "model.params.stop.0=a"], {})
    assert recipe.flat()["model.params.stop"] == ["a"]
    assert recipe.preprocess.steps[0].name == "toy_clean"


@pytest.mark.parametrize("text", ["a", "a.b", "a[0].b", 'a["x.y"].c', 'a["\\u001b"]', 'a["0"]'])
def test_paths_print_as_they_are_written(text: str) -> None:
    assert paths.render(paths.parse(text)) == text


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a[", "a[]", "[0]", 'a["x]', "a b", "a[0]b"])
def test_texts_that_are_no_path(text: str) -> None:
    with pytest.raises(ValueError, match=r"^.*$"):
        paths.parse(text)
