"""Which command installs what a plug-in lacks."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from aiaas import plugins, recipe
from aiaas.backends import onnx
from aiaas.cli import recipe as recipe_cli
from aiaas.errors import MissingPackageError, PluginError, RecipeError

BERT, TEXT_CNN = ("torch/bert", "tensorflow/text_cnn")


def required(name: str, what: str) -> tuple[str, ...]:
    return tuple(getattr(plugins.architecture(*name.split("/")), what))


@pytest.mark.parametrize(
    ("requires", "missing", "command"),
    [
        (required(BERT, "EXPORT_REQUIRES"), "onnx", "'aiaas[torch]'"),
        (required(BERT, "QUANTIZE_REQUIRES"), "onnx", "'aiaas[torch]'"),
        (required(BERT, "REQUIRES"), "tokenizers", "'aiaas[torch]'"),
        (required(BERT, "RUNTIME_REQUIRES"), "tokenizers", "'aiaas[onnx]'"),
        (required(TEXT_CNN, "EXPORT_REQUIRES"), "onnx", "'aiaas[tensorflow]'"),
        (required(TEXT_CNN, "RUNTIME_REQUIRES"), "onnxruntime", "'aiaas[onnx]'"),
        (onnx.REQUIRES, "onnxruntime", "'aiaas[onnx]'"),
        (("numpy", "unheard-of"), "unheard-of", "unheard-of"),
    ],
)
def test_the_extra_is_the_one_that_brings_what_is_wanted_beside(
    requires: tuple[str, ...], missing: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "_version", lambda name: None if name == missing else "1.0")
    with pytest.raises(MissingPackageError, match=f"needs the package {missing}") as caught:
        plugins.require(requires, "this")
    assert caught.value.hint == f"pip install {command}"


def test_the_extras_are_those_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    written = project["optional-dependencies"]

    def packages(extra: str) -> set[str]:
        names: set[str] = set()
        for each in written[extra]:
            nested = re.fullmatch(r"aiaas\[(.+)\]", each)
            names |= packages(nested[1]) if nested else {re.split(r"[<>=!~\[]", each)[0]}
        return names

    assert {extra: packages(extra) for extra in plugins._EXTRAS} == plugins._EXTRAS


@pytest.mark.parametrize(("word", "meant"), [("lable", "label"), ("tabel", "table"), ("tabl", "table"), ("x", None)])
def test_the_nearest_name_is_rather_one_of_the_same_letters(word: str, meant: str | None) -> None:
    assert plugins.nearest(word, ["source", "label", "table", "labels"]) == meant


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that registers a source, a step, a task and an architecture, none of which can be imported."""
    (tmp_path / "aiaas_broken.py").write_text("import unheard_of_library\n")
    (tmp_path / "aiaas_leaves.py").write_text("raise SystemExit('I need a licence')\n")
    monkeypatch.syspath_prepend(tmp_path)
    points: dict[str, dict[str, EntryPoint]] = {
        room: {name: EntryPoint(name, module, f"aiaas.{room}")}
        for room, name, module in (
            ("sources", "acme", "aiaas_broken"),
            ("steps", "polish", "aiaas_leaves"),
            ("tasks", "acme-task", "aiaas_broken"),
            ("architectures", "acme/net", "aiaas_broken:missing"),
        )
    }
    monkeypatch.setattr(plugins, "_registered", points.__getitem__)


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        (("clean, ", "polish, "), "preprocess.steps[0]", "the step 'polish' of the package aiaas_leaves cannot be"),
        (("good.txt", "acme:one"), "collect[0].source", "No module named 'unheard_of_library'"),
        (("text-classification", "acme-task"), "task", "the task 'acme-task' of the package aiaas_broken"),
        (("sklearn\n  architecture: naive_bayes", "acme\n  architecture: net"), "model.architecture", "'acme/net'"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_named_with_its_place(
    change: tuple[str, str], path: str, message: str, project: Path, broken: None
) -> None:
    file = project / "tiny.yaml"
    file.write_text(file.read_text("utf-8").replace(*change), "utf-8")
    with pytest.raises(RecipeError) as caught:
        recipe.read(file)
    (fault,) = (fault for fault in caught.value.faults if fault.path == path)
    assert message in fault.message
    assert "pip uninstall aiaas_" in str(fault.hint)


def test_what_does_not_need_it_works(project: Path, broken: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert recipe.read(project / "tiny.yaml").name == "tiny"
    assert "https" in plugins.source("https://example.org/a.csv").SCHEMES  # asked after the broken one, by name
    with pytest.raises(PluginError, match="ModuleNotFoundError") as caught:
        plugins.source("acme:one")
    assert caught.value.status == 4
    told = dict(plugins.registered())
    assert sorted(told) == ["architectures/acme/net", "sources/acme", "steps/polish", "tasks/acme-task"]
    assert "SystemExit: I need a licence" in str(told["steps/polish"])
    recipe_cli.schema(project / "schema.json")
    assert "acme" not in (project / "schema.json").read_text("utf-8")
    assert " ".join(capsys.readouterr().err.split()).count("cannot be imported") == 4


def test_an_unknown_kind_of_source_may_be_that_of_a_broken_one(project: Path, broken: None) -> None:
    file = project / "tiny.yaml"
    file.write_text(file.read_text("utf-8").replace("good.txt", "vault:one"), "utf-8")
    with pytest.raises(RecipeError, match="unknown kind of source 'vault:'") as caught:
        recipe.read(file)
    assert "it may be that the source 'acme'" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("room", "name", "module", "told"),
    [
        ("steps", "polish", "json", "the step 'polish' of the package json lacks Params, Step"),
        ("tasks", "acme", "json", "lacks COLUMNS, METRICS, OPEN, answer, decode, example, measure, request"),
        ("sources", "acme", "json", "lacks Params, SCHEMES, fingerprint, origins, read"),
        ("architectures", "acme/net", "json", "lacks Params, REQUIRES, TASKS, fit"),
        ("steps", "clean", "aiaas.steps.clean", "never used: aiaas has one of that name"),
        ("architectures", "bayes", "aiaas.backends.sklearn.naive_bayes", "never used: it must be called BACKEND/NAME"),
        ("architectures", "acme/bayes", "aiaas.backends.sklearn.naive_bayes", ""),
    ],
)
def test_a_plugin_that_is_none_is_told_as_such(
    room: plugins.Room, name: str, module: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = EntryPoint(name, module, f"aiaas.{room}")
    monkeypatch.setattr(plugins, "_registered", lambda asked: {name: point} if asked == room else {})
    ((_, problem),) = plugins.registered()
    assert re.search(told, problem.message) if told and problem else problem is None


@pytest.mark.parametrize("room", plugins._HOLDS)
def test_ours_hold_what_is_asked_of_others(room: plugins.Room) -> None:
    assert [name for name in plugins._ours(room) if plugins._lacking(room, plugins.find(room, name))] == []
