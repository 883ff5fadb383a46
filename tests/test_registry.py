"""The local registry: numbers, aliases, roll back, and staying in step with MLflow."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from aiaas.cli import models
from aiaas.errors import UsageError
from aiaas.track import Registry, parse_reference
from aiaas.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Workspace.open(tmp_path / "ws")


@pytest.fixture
def registry(workspace: Workspace) -> Registry:
    return Registry(workspace.models)


def add(registry: Registry, digest: str, alias: str | None = "champion", name: str = "reviews") -> int:
    bundle = registry.root / "artefacts" / "deploy" / digest / "bundle"
    bundle.mkdir(parents=True, exist_ok=True)
    return registry.register(name, bundle=bundle, digest=digest, alias=alias, metrics={"accuracy": 0.8}).number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("reviews", ("reviews", None, None)),
        ("reviews-zh-nb@challenger", ("reviews-zh-nb", "challenger", None)),
        ("reviews/12", ("reviews", None, 12)),
    ],
)
def test_a_reference_is_a_name_with_an_alias_or_a_version(text: str, expected: tuple[object, ...]) -> None:
    assert parse_reference(text) == expected


@pytest.mark.parametrize("text", ["", "a/b", "a/0", "a@", "a/1@b", "../x", "a b", "/x", "models:/a/1"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="NAME@ALIAS"):
        parse_reference(text)


def test_versions_count_up_and_the_alias_follows(registry: Registry) -> None:
    assert [add(registry, "a"), add(registry, "b")] == [1, 2]
    champion = registry.resolve("reviews")
    assert (champion.number, champion.digest, champion.aliases) == (2, "b", ("champion",))
    assert registry.resolve("reviews", version=1).aliases == ()
    assert registry.resolve("reviews", version=1).metrics == {"accuracy": 0.8}
    assert registry.names() == ["reviews"]


def test_the_same_bundle_again_is_the_same_version(registry: Registry) -> None:
    add(registry, "a")
    add(registry, "b")
    assert add(registry, "a", "challenger") == 1
    assert [each.number for each in registry.versions("reviews")] == [1, 2]
    assert registry.aliases("reviews") == {"champion": 2, "challenger": 1}


def test_a_workspace_may_be_moved(registry: Registry, tmp_path: Path) -> None:
    add(registry, "a")
    shutil.move(registry.root, tmp_path / "elsewhere")
    moved = Registry(tmp_path / "elsewhere" / "models").resolve("reviews")
    assert moved.path.is_dir()
    assert moved.path.is_relative_to(tmp_path / "elsewhere")


def test_what_is_not_there_names_what_is(registry: Registry) -> None:
    add(registry, "a", "staging")
    with pytest.raises(UsageError, match="models: reviews") as fault:
        registry.resolve("revews")
    assert fault.value.hint == "did you mean 'reviews'?"
    with pytest.raises(UsageError, match="aliases: staging@1"):
        registry.resolve("reviews")
    with pytest.raises(UsageError, match="versions: 1"):
        registry.resolve("reviews", version=7)


@pytest.mark.parametrize("alias", ["v1", "V22", "latest", "a b", "", "é"])
def test_an_alias_that_mlflow_would_refuse_is_refused(registry: Registry, alias: str) -> None:
    add(registry, "a")
    with pytest.raises(UsageError, match="an alias cannot be called"):
        registry.set_alias("reviews", alias, 1)


def test_roll_back_goes_one_further_each_time(registry: Registry) -> None:
    for digest in "abc":
        add(registry, digest)
    assert registry.rollback("reviews").number == 2
    assert registry.rollback("reviews").number == 1
    with pytest.raises(UsageError, match="no version before 1"):
        registry.rollback("reviews")
    assert add(registry, "d") == 4
    assert registry.rollback("reviews").number == 1


def test_roll_back_is_of_one_alias(registry: Registry) -> None:
    add(registry, "a")
    add(registry, "b", "challenger")
    registry.set_alias("reviews", "challenger", 1)
    assert registry.rollback("reviews", "challenger").number == 2
    assert registry.aliases("reviews") == {"champion": 1, "challenger": 2}


def test_another_number_in_mlflow_becomes_the_number_here(registry: Registry) -> None:
    for digest in "abc":
        add(registry, digest)
    registry.confirm("reviews", "a", uri="http://server", number=3, run_id="r")
    assert {each.digest: each.number for each in registry.versions("reviews")} == {"a": 3, "b": 2, "c": 4}
    assert registry.resolve("reviews").digest == "c"
    assert registry.rollback("reviews").digest == "b"
    assert registry.rollback("reviews").digest == "a"
    assert registry.resolve("reviews", version=3).remote == {"uri": "http://server", "version": 3}


def test_alias_moves_wait_until_mlflow_has_seen_them(registry: Registry) -> None:
    add(registry, "a")
    add(registry, "b")
    assert registry.unsent_aliases("reviews") == {"champion": 2}
    registry.alias_sent("reviews", "champion", 1)  # moved on meanwhile: still to be sent
    assert registry.unsent_aliases("reviews") == {"champion": 2}
    registry.alias_sent("reviews", "champion", 2)
    assert registry.unsent_aliases("reviews") == {}


def test_many_at_once_get_a_number_each(registry: Registry) -> None:
    threads = [threading.Thread(target=add, args=(registry, f"digest{index}")) for index in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.number for each in registry.versions("reviews")] == list(range(1, 13))


def test_a_registry_of_a_newer_aiaas_is_not_touched(registry: Registry) -> None:
    add(registry, "a")
    path = registry.models / "reviews" / "registry.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 2}))
    before = path.read_bytes()
    with pytest.raises(UsageError, match="newer"):
        add(registry, "b")
    assert path.read_bytes() == before


def test_numbers_that_json_does_not_have_are_words(registry: Registry, tmp_path: Path) -> None:
    registry.register("reviews", bundle=tmp_path, digest="a", alias="champion", metrics={"auc": float("nan")})
    assert registry.resolve("reviews").metrics == {"auc": "nan"}


def test_the_verbs_move_an_alias_and_say_where_it_stands(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    add(registry, "a")
    add(registry, "b")
    models.alias("reviews/1", "champion", json=True, workspace=registry.root)
    moved = json.loads(capsys.readouterr().out)
    assert (moved["verb"], moved["version"], moved["synced"]) == ("models alias", 1, False)
    models.rollback("reviews", workspace=registry.root)
    said = capsys.readouterr()
    assert said.out == "reviews@champion is version 2\n"
    assert "not in MLflow yet" in said.err
    with pytest.raises(UsageError, match="names no version"):
        models.alias("reviews", "champion", workspace=registry.root)


def test_the_verbs_show_what_is_registered(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    add(registry, "a")
    add(registry, "b", "challenger")
    models.list_(json=True, workspace=registry.root)
    (model,) = json.loads(capsys.readouterr().out)["models"]
    assert (model["name"], model["aliases"], model["newest"]["version"]) == (
        "reviews",
        {"champion": 1, "challenger": 2},
        2,
    )
    models.show("reviews@challenger", json=True, workspace=registry.root)
    shown = json.loads(capsys.readouterr().out)
    assert [version["digest"] for version in shown["versions"]] == ["b"]
    models.list_(workspace=registry.root)
    models.show("reviews", workspace=registry.root)
    out = capsys.readouterr().out
    assert "challenger: 2" in out
    assert "reviews/1  champion" in out


def test_resolving_imports_nothing_heavy() -> None:
    code = "import sys, aiaas.track; print([m for m in ('mlflow', 'numpy', 'pandas', 'datasets') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
