"""`${env:NAME}`: resolved when used, a reference everywhere else."""

from __future__ import annotations

import json

import pytest

from aiaas.errors import RecipeError
from aiaas.recipe import Recipe, mask, read, reveal
from tests.recipe.conftest import TOY, Faults, Write

SECRET = TOY.replace(
    "label: pos", 'token: "${env:TOY_TOKEN}"\n    login: {user: me, password: "a${env:TOY_PASSWORD}z"}'
)
VALUES = {"TOY_TOKEN": "tok/n 1", "TOY_PASSWORD": "geheim"}


@pytest.fixture
def recipe(write: Write) -> Recipe:
    return read(write(text=SECRET), environ=VALUES)


def test_it_is_resolved_only_where_it_is_used(recipe: Recipe) -> None:
    source = recipe.sources(VALUES)[0].model_dump()
    assert (source["token"], source["login"]["password"]) == ("tok/n 1", "ageheimz")
    assert recipe.sources(VALUES)[1] == recipe.collect[1]
    assert reveal(recipe.collect[0], VALUES) == recipe.sources(VALUES)[0]
    everything = json.dumps([recipe.resolved(), recipe.flat(), recipe.to_yaml(), recipe.origins(), repr(recipe)])
    assert "${env:TOY_TOKEN}" in everything
    assert "geheim" not in everything
    assert "tok/n" not in everything


def test_a_missing_variable_has_a_place(recipe: Recipe) -> None:
    assert recipe.missing_secrets({"TOY_TOKEN": "x"}) == ["TOY_PASSWORD"]
    assert recipe.missing_secrets(VALUES) == []
    with pytest.raises(RecipeError) as caught:
        recipe.sources({})
    first, second = caught.value.faults
    assert (first.where, first.path) == ("toy.yaml:7:12", "collect[0].token")
    assert (second.where, second.path) == ("toy.yaml:8:33", "collect[0].login.password")
    assert first.message == "needs the environment variable TOY_TOKEN, which is not set"


def test_reading_needs_no_secret(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOY_TOKEN", raising=False)
    assert read(write(text=SECRET)).missing_secrets() == ["TOY_PASSWORD", "TOY_TOKEN"]


def test_used_secrets_are_masked(recipe: Recipe) -> None:
    recipe.sources(VALUES)
    text = "GET https://x.org/?t=tok%2Fn%201&u=tok%2Fn+1 failed for ageheimz (tok/n 1)"
    masked = mask(text)
    assert "geheim" not in masked
    assert "tok" not in masked
    assert masked.count("${env:TOY_TOKEN}") == 3


def test_a_value_that_no_longer_fits_is_not_repeated(write: Write) -> None:
    recipe = read(write("alpha: 0.5", 'prefix: "a"'), environ={})
    params = recipe.model.params.model_copy(update={"prefix": "${env:P}"})
    assert reveal(params, {"P": "abc"}).model_dump()["prefix"] == "abc"
    with pytest.raises(RecipeError) as caught:
        reveal(params, {"P": "geheim"}, where="here")
    assert "not valid any more" in caught.value.faults[0].message
    assert "geheim" not in caught.value.message


@pytest.mark.parametrize(
    ("new", "path"),
    [
        ("token: hunter2", "collect[0].token"),
        ("login: {user: me, password: hunter2}", "collect[0].login.password"),
        ('source: "toy:postgres://me:hunter2@host/db"', "collect[0].source"),
        ('licence: "https://me:hunter2@x.org"', "collect[0].licence"),
        ("token: ${env:A-hunter2}", "collect[0].token"),
        ("token: ${ENV:hunter2}", "collect[0].token"),
    ],
)
def test_a_secret_in_plain_sight_is_refused(faults: Faults, new: str, path: str) -> None:
    text = TOY.replace("source: toy:one\n    ", "") if new.startswith("source") else TOY
    (fault,) = faults("label: pos", new, text=text)
    assert fault.path == path
    assert "hunter2" not in f"{fault}"
    if new.startswith("token: h"):
        assert fault.hint == "write ${env:TOKEN} and set that variable"


def test_no_fault_repeats_what_may_be_a_secret(faults: Faults) -> None:
    for fault in faults(
        "label: pos", "login: {user: [hunter2], password: [hunter2]}",
        overrides=["collect[1].token=hunter2", "collect[1].api_key=hunter2"], AIAAS__COLLECT__1__FORMAT="hunter2",
        AIAAS__MODEL__PARAMS__PREFIX="hunter2",
    ):  # fmt: skip
        assert "hunter2" not in f"{fault}"


def test_a_password_by_reference_is_fine(write: Write) -> None:
    recipe = read(write("toy:one", '"toy:pg://me:${env:PG}@host/db"'), environ={})
    assert recipe.sources({"PG": "pw"})[0].source == "toy:pg://me:pw@host/db"


def test_a_column_may_be_called_token(write: Write) -> None:
    assert (
        read(write("label: pos", "columns: {token: word, text: token}"), environ={}).collect[0].columns["token"]
        == "word"
    )
