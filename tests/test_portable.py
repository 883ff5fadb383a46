"""The portable form of a model: made, compared, taken or refused, and answering without the framework."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aiaas import bundle, pipeline, plugins, recipe
from aiaas.contracts import Signature
from aiaas.deploy.compare import Answers, Comparison, Speed, ask, compare
from aiaas.deploy.loss import loss
from aiaas.errors import ExportError, MissingPackageError, RecipeError, VerificationError
from aiaas.infer import infer
from aiaas.pipeline.stages import Work
from aiaas.serve.server import find
from aiaas.track import Registry
from aiaas.workspace import Workspace, keys
from tests import portable_toy
from tests.hiding import aiaas


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAAS_TRACKING", "off")
    point = EntryPoint("toy/portable", "tests.portable_toy", "aiaas.architectures")
    monkeypatch.setattr(plugins, "_registered", lambda room: {point.name: point} if room == "architectures" else {})


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / ".aiaas")


TOY = ("model={backend: toy, architecture: portable}", "evaluate.gates={}", "deploy.quantize=none")
INT8 = "deploy.quantize=int8"


def work(project: Path, *overrides: str, warnings: list[str] | None = None) -> Work:
    told = warnings if warnings is not None else []
    return Work(
        recipe.read(project / "tiny.yaml", [*TOY, *overrides]), Workspace.open(project / ".aiaas"), warn=told.append
    )


def deployed(project: Path, *overrides: str) -> tuple[bundle.Bundle, pipeline.Result, list[str]]:
    """The bundle, the result of the run, and the warnings of deploy."""
    warnings: list[str] = []
    result = pipeline.run(work(project, *overrides, warnings=warnings))
    assert result.bundle is not None
    return bundle.load(result.bundle), result, [each for each in warnings if "tracking" not in each]


# --- deploy ------------------------------------------------------------------------------------------------------


def test_a_form_that_answers_alike_is_all_that_the_bundle_holds(project: Path) -> None:
    opened, result, warnings = deployed(project)
    assert opened.runtime == "toy"
    assert [path.name for path in (opened.path / "model").iterdir()] == ["portable.json"]
    assert opened.manifest["packages"].keys() == {"pydantic"}
    assert warnings == []
    assert opened.replay() > 0
    told = result.as_dict()["runtime"]
    assert told["name"] == "toy"
    assert told["difference"] == 0
    assert told["changed"] == 0
    assert 0 < told["rows"] <= 240
    for form in ("native", "portable"):
        assert told[form]["milliseconds"] > 0
        assert told[form]["examples_per_second"] > 0
        assert told["bytes"][form] > 0


def test_the_recipe_may_keep_the_native_form(project: Path) -> None:
    opened, result, warnings = deployed(project, "deploy.runtime=native")
    assert opened.runtime == "native"
    assert [path.name for path in (opened.path / "model").iterdir()] == ["model.json"]
    assert result.as_dict()["runtime"] == {"name": "native"}
    assert warnings == []


def test_within_the_tolerance_it_is_taken_and_the_difference_is_told(project: Path) -> None:
    opened, result, _ = deployed(project, "model.params.off=0.01", "deploy.tolerance=0.02")
    assert opened.runtime == "toy"
    assert result.runtime is not None
    assert result.runtime["difference"] == pytest.approx(0.01, abs=1e-5)


def test_above_the_tolerance_the_native_form_stays_with_a_warning(project: Path) -> None:
    opened, result, warnings = deployed(project, "model.params.off=0.6")
    assert opened.runtime == "native"
    assert result.as_dict()["runtime"] == {"name": "native"}
    (said,) = warnings
    assert "a score by up to 0.6" in said
    assert "% of which get another label" in said
    assert "deploy.tolerance allows 0.001" in said
    assert said.endswith("toy itself answers")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("export", "the toy has no such form"),
        ("shape", "scores of shape (25, 3) in place of (25, 2)"),
        ("nan", "no finite numbers"),
        ("call", "the portable form fails: ValueError: no such operator"),
    ],
)
def test_a_form_that_cannot_be_made_is_refused(project: Path, fault: str, message: str) -> None:
    opened, _, warnings = deployed(project, f"model.params.fault={fault}")
    assert opened.runtime == "native"
    assert message in warnings[0]
    with pytest.raises(ExportError, match=message.replace("(", r"\(").replace(")", r"\)")) as refused:
        pipeline.run(work(project, f"model.params.fault={fault}", "deploy.runtime=portable"))
    assert refused.value.status == 7


def test_asked_for_and_different_it_fails_and_registers_nothing(project: Path) -> None:
    with pytest.raises(ExportError, match="answers differently") as refused:
        pipeline.run(work(project, "model.params.off=0.6", "deploy.runtime=portable"))
    assert refused.value.status == 7
    assert "deploy.tolerance" in str(refused.value.hint)
    assert not (project / ".aiaas" / "models" / "tiny").exists()


@pytest.mark.parametrize("needed", ["EXPORT_REQUIRES", "RUNTIME_REQUIRES"])
def test_a_missing_package_keeps_the_native_form_or_fails_with_its_command(
    project: Path, monkeypatch: pytest.MonkeyPatch, needed: str
) -> None:
    monkeypatch.setattr(portable_toy, needed, ("tf2onnx-that-is-not-here",))
    opened, _, warnings = deployed(project)
    assert opened.runtime == "native"
    assert "needs the package tf2onnx-that-is-not-here" in warnings[0]
    assert "(pip install tf2onnx-that-is-not-here)" in warnings[0]
    with pytest.raises(MissingPackageError) as refused:
        pipeline.run(work(project, "deploy.runtime=portable"))
    assert refused.value.status == 4


def test_once_the_package_is_there_deploy_runs_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(plugins, "installed", lambda names: dict.fromkeys(names))
        assert pipeline.plan(work(project), "deploy")
        inputs = pipeline.stages.STAGES["deploy"].inputs
        without = inputs(work(project), _Anything())["packages"]
    assert set(without.values()) == {None}
    assert inputs(work(project), _Anything())["packages"] != without
    assert inputs(work(project, "deploy.runtime=native"), _Anything())["packages"] == {}


class _Anything(dict[str, Any]):
    """Artefacts that are all alike."""

    def __missing__(self, name: str) -> Any:
        return type("Artefact", (), {"digest": "0"})


def test_a_recipe_cannot_ask_for_a_form_that_there_is_not(project: Path) -> None:
    with pytest.raises(RecipeError, match="sklearn/naive_bayes has no portable form") as refused:
        recipe.read(project / "tiny.yaml", ["deploy.runtime=portable"])
    assert refused.value.faults[0].path == "deploy.runtime"


# --- comparing ---------------------------------------------------------------------------------------------------


class Fixed:
    """Gives the scores it was made with, whatever it is asked; `alone` where one example comes."""

    def __init__(self, scores: list[list[float]], alone: list[float] | None = None) -> None:
        self.scores, self.alone = np.array(scores, np.float32), alone

    def predict(self, examples: Any) -> Any:
        if len(examples) == 1:
            found = self.alone or self.scores[examples[0]]
            return np.array([found], np.float32)
        return self.scores[list(examples)]

    def save(self, directory: Path) -> None: ...


def compared(native: Fixed, portable: Fixed, batches: list[list[int]], *, labelled: bool) -> Comparison:
    answers, others = ask(native, {"portable": portable}, batches)
    assert isinstance(others["portable"], Answers)
    return compare(answers, others["portable"], Signature({}, None, ("a", "b") if labelled else ()))


def test_changed_labels_are_counted() -> None:
    native, portable = Fixed([[0.9, 0.1], [0.51, 0.49]]), Fixed([[0.9, 0.1], [0.49, 0.51]])
    found = compared(native, portable, [[0, 1], [0, 1]], labelled=True)
    assert found.changed == 0.5
    assert found.rows == 4
    assert found.difference == pytest.approx(0.02, abs=1e-6)
    assert compared(native, portable, [[0, 1]], labelled=False).changed == 0


def test_values_above_one_are_compared_relative_to_their_size() -> None:
    found = compared(Fixed([[1000.0], [0.5]]), Fixed([[1001.0], [0.5]]), [[0, 1]], labelled=False)
    assert found.difference == pytest.approx(0.001)


def test_a_form_that_answers_a_single_example_otherwise_is_found() -> None:
    scores = [[0.9, 0.1], [0.2, 0.8]]
    found = compared(Fixed(scores), Fixed(scores, alone=[0.5, 0.5]), [[0, 1]], labelled=True)
    assert found.difference == pytest.approx(0.4)


def test_a_form_that_fails_leaves_the_others_their_answers() -> None:
    scores = [[0.9, 0.1], [0.2, 0.8]]
    others = {"portable": Fixed(scores), "int8": Fixed([[1.0], [2.0]]), "late": Fixed(scores[:1])}
    native, found = ask(Fixed(scores), others, [[0], [0, 1]])
    assert isinstance(found["portable"], Answers)
    assert native.scores.shape == found["portable"].scores.shape == (3, 2)
    assert isinstance(found["int8"], ExportError)
    assert "the int8 form gives scores of shape (1, 1)" in found["int8"].message
    assert isinstance(found["late"], ExportError)
    assert "the late form fails: IndexError" in found["late"].message


# --- what an int8 form loses -------------------------------------------------------------------------------------


def answers(scores: list[list[float]]) -> Answers:
    given = np.array(scores, np.float32)
    return Answers(given, given[:1], Speed(1.0, 1.0))


LABELS = plugins.task("text-classification")
PLAIN = Signature({}, None)


def test_a_drop_is_the_accuracy_that_the_model_has_and_the_form_has_not() -> None:
    native, int8 = answers([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8]]), answers([[1, 0], [1, 0], [0, 1], [0, 1]])
    lost = asdict(loss(native, int8, [0, 1, 1, 0], LABELS, PLAIN))
    assert lost == {"rows": 4, "accuracy": 0.5, "native_accuracy": 0.75, "drop": 0.25, "changed": 0.25}
    assert asdict(loss(native, int8, [0, 0, 1, 1], LABELS, PLAIN))["drop"] == -0.25


def test_vectors_are_judged_by_their_direction() -> None:
    native, int8 = answers([[3.0, 4.0], [1.0, 0.0]]), answers([[6.0, 8.0], [0.6, 0.8]])
    lost = asdict(loss(native, int8, [], plugins.task("text-generation"), PLAIN))
    assert lost == pytest.approx({"rows": 2, "least_cosine": 0.6, "mean_cosine": 0.8})


def test_numbers_are_not_judged() -> None:
    with pytest.raises(ExportError, match="labels or vectors"):
        loss(answers([[1.0]]), answers([[1.0]]), [1.0], plugins.task("tabular-regression"), PLAIN)


def test_the_int8_form_is_taken_where_it_loses_little_enough(project: Path) -> None:
    opened, result, warnings = deployed(project, "deploy.quantize=auto")
    assert [path.name for path in (opened.path / "model").iterdir()] == ["int8.json"]
    assert opened.runtime == "toy"
    assert opened.manifest["precision"] == "int8"
    assert opened.manifest["lost"]["drop"] == 0
    assert bundle.precision(opened.path) == "int8"
    assert warnings == []
    told = result.as_dict()["runtime"]
    assert told["precision"] == "int8"
    assert told["bytes"].keys() == {"native", "portable", "int8"}
    assert told["int8"]["accuracy"] == told["int8"]["native_accuracy"] > 0.5
    assert told["int8"]["milliseconds"] > 0
    assert told["int8"]["examples_per_second"] > 0
    version = Registry(Workspace.open(project / ".aiaas").models).resolve("tiny")
    assert version.metrics["deploy.int8.drop"] == 0
    assert version.metrics["deploy.int8.bytes"] == told["bytes"]["int8"]


def test_it_may_answer_differently_as_long_as_it_is_right(project: Path) -> None:
    """Scores that are off by more than `tolerance`, which is for the portable form alone."""
    opened, result, _ = deployed(project, "model.params.int8_off=0.05", "deploy.max_accuracy_drop=0.2", INT8)
    assert opened.manifest["precision"] == "int8"
    assert result.as_dict()["runtime"]["difference"] == 0


def test_one_that_loses_too_much_leaves_the_portable_form_with_a_warning(project: Path) -> None:
    opened, result, warnings = deployed(project, "model.params.int8_off=0.6", "deploy.quantize=auto")
    assert [path.name for path in (opened.path / "model").iterdir()] == ["portable.json"]
    assert opened.manifest["precision"] == "float32"
    assert "lost" not in opened.manifest
    (said,) = warnings
    assert "the int8 form is less accurate: 0." in said
    assert "deploy.max_accuracy_drop allows a drop of 0.005" in said
    assert said.endswith("the portable form answers in float32")
    told = result.as_dict()["runtime"]
    assert told["precision"] == "float32"
    assert told["int8"]["drop"] > 0.005, "what was measured is told although it was not taken"
    with pytest.raises(ExportError, match="less accurate") as refused:
        pipeline.run(work(project, "model.params.int8_off=0.6", INT8))
    assert refused.value.status == 7
    assert "deploy.max_accuracy_drop higher" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("quantize", "the toy has no int8 form"),
        ("shape", "the int8 form gives scores of shape"),
        ("nan", "no finite numbers"),
        ("call", "the int8 form fails: ValueError: no such operator"),
    ],
)
def test_an_int8_form_that_cannot_be_made_leaves_the_portable_one(project: Path, fault: str, message: str) -> None:
    opened, result, warnings = deployed(project, f"model.params.int8_fault={fault}", "deploy.quantize=auto")
    assert opened.manifest["precision"] == "float32"
    assert message in warnings[0]
    assert "int8" not in result.as_dict()["runtime"]
    with pytest.raises(ExportError, match=re.escape(message)):
        pipeline.run(work(project, f"model.params.int8_fault={fault}", INT8))


def test_where_the_portable_form_is_refused_there_is_no_int8_form_either(project: Path) -> None:
    opened, _, warnings = deployed(project, "model.params.off=0.6", "deploy.quantize=auto")
    assert opened.runtime == "native"
    assert len(warnings) == 1
    with pytest.raises(ExportError, match="the portable form answers differently"):
        pipeline.run(work(project, "model.params.off=0.6", INT8))


def test_a_package_that_quantising_needs_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable_toy, "QUANTIZE_REQUIRES", ("quantiser-that-is-not-here",))
    opened, _, warnings = deployed(project, "deploy.quantize=auto")
    assert opened.manifest["precision"] == "float32"
    assert "(pip install quantiser-that-is-not-here)" in warnings[0]
    with pytest.raises(MissingPackageError):
        pipeline.run(work(project, INT8))


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ((INT8,), "sklearn/naive_bayes has no int8 form"),
        ((*TOY[:2], INT8, "deploy.runtime=native"), "cannot be int8 where deploy.runtime is native"),
    ],
)
def test_a_recipe_cannot_ask_for_an_int8_form_that_there_is_not(
    project: Path, overrides: tuple[str, ...], said: str
) -> None:
    with pytest.raises(RecipeError, match=said) as refused:
        recipe.read(project / "tiny.yaml", list(overrides))
    assert refused.value.faults[0].path == "deploy.quantize"


# --- bundles -----------------------------------------------------------------------------------------------------


def test_infer_serve_and_models_say_which_runtime_answers(project: Path, space: Workspace) -> None:
    import io

    from aiaas.serve.app import create_app
    from aiaas.serve.calls import LOCAL

    deployed(project)
    opened = bundle.find("tiny", space)
    summary = infer(opened, io.BytesIO("房间很好\n".encode()), io.BytesIO(), format="lines")
    assert summary.as_dict()["runtime"] == "toy"
    service = create_app({name: located.load() for name, located in find(["tiny"], space).items()}).state.service
    assert service.models.find("tiny", LOCAL).described["runtime"] == "toy"
    assert bundle.runtime(opened.path) == "toy"
    assert bundle.runtime(project) is None


def test_a_bundle_of_schema_1_is_native(project: Path) -> None:
    opened, _, _ = deployed(project, "deploy.runtime=native")
    manifest = json.loads((opened.path / "bundle.json").read_text("utf-8"))
    del manifest["runtime"], manifest["digest"]
    manifest["schema"] = 1
    manifest["digest"] = keys.digest_json(manifest)
    (opened.path / "bundle.json").write_text(json.dumps(manifest), "utf-8")
    assert bundle.load(opened.path).runtime == "native"


def test_a_bundle_for_a_runtime_that_is_unknown_here_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, _, _ = deployed(project)
    monkeypatch.setattr(portable_toy, "RUNTIME", "another")
    with pytest.raises(VerificationError, match="runtime 'toy'"):
        bundle.load(opened.path)


def test_a_bundle_needs_the_runtimes_packages_and_no_others(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, _, _ = deployed(project)
    monkeypatch.setattr(portable_toy, "REQUIRES", ("no-such-framework",))
    monkeypatch.setattr(portable_toy, "EXPORT_REQUIRES", ("no-such-exporter",))
    assert bundle.load(opened.path).replay()
    monkeypatch.setattr(portable_toy, "RUNTIME_REQUIRES", ("no-such-runtime",))
    with pytest.raises(MissingPackageError, match="no-such-runtime"):
        bundle.load(opened.path)


# --- a real one, in processes that cannot import the framework ----------------------------------------------------

ROWS = """\
schema: 1
name: points
task: tabular-classification
collect:
  - {source: points.csv, columns: {label: side}}
model:
  backend: tensorflow
  architecture: mlp
  params: {hidden: [4], batch_normalization: true, activation: gelu}
train: {epochs: 2, batch_size: 16}
deploy: {runtime: portable}
"""


def lay_points(folder: Path) -> None:
    chance = np.random.default_rng(5)
    points = chance.normal(size=(160, 2))
    lines = [f"{x:.3f},{y:.3f},{'up' if x + y > 0 else 'down'}" for x, y in points]
    (folder / "points.csv").write_text("x,y,side\n" + "\n".join(lines) + "\n", "utf-8")
    (folder / "points.yaml").write_text(ROWS, "utf-8")


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a small network was trained with TensorFlow and deployed for ONNX Runtime."""
    for name in ("tensorflow", "tf2onnx", "onnx", "onnxruntime"):
        pytest.importorskip(name)
    folder = tmp_path_factory.mktemp("points")
    lay_points(folder)
    done = subprocess.run(
        [sys.executable, "-m", "aiaas", "run", "points.yaml", "--json"],
        cwd=folder,
        env={**os.environ, "AIAAS_TRACKING": "off"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["runtime"]
    assert told["name"] == "onnx"
    assert told["difference"] < 1e-5
    return folder


def test_a_bundle_for_onnx_answers_where_tensorflow_is_not_installed(points: Path) -> None:
    status, out, err, imported = aiaas(
        points,
        *("infer", "points", "--format", "jsonl"),
        hide="tensorflow,keras,tf2onnx,onnx",
        stdin='{"x": 1.5, "y": 1.0}\n',
    )
    assert status == 0, err
    assert json.loads(out)["label"] in {"up", "down"}
    assert "runtime onnx" in err
    assert imported == {"onnxruntime"}


def test_without_onnx_runtime_the_command_that_installs_it_is_said(points: Path) -> None:
    status, _, err, _ = aiaas(points, "infer", "points", hide="onnxruntime")
    assert status == 4
    assert "pip install 'aiaas[onnx]'" in err


def test_without_tensorflow_a_recipe_for_it_ends_with_status_4_and_the_command(tmp_path: Path) -> None:
    lay_points(tmp_path)
    status, _, err, imported = aiaas(tmp_path, "run", "points.yaml", hide="tensorflow,keras")
    assert status == 4
    assert "pip install 'aiaas[tensorflow]'" in err
    assert "tensorflow" not in imported
    assert aiaas(tmp_path, "recipe", "validate", "points.yaml", hide="tensorflow,keras")[0] == 0
    assert aiaas(tmp_path, "recipe", "schema", hide="tensorflow,keras")[0] == 0


def test_without_tensorflow_every_other_backend_works(project: Path) -> None:
    everything = "tensorflow,keras,tf2onnx,onnx,onnxruntime,torch"
    assert aiaas(project, "plan", "tiny.yaml", hide=everything)[0] == 0
    status, _, err, _ = aiaas(project, "run", "tiny.yaml", hide=everything)
    assert status == 0, err
    status, out, _, _ = aiaas(project, "infer", "tiny", stdin="房间很好\n", hide=everything)
    assert status == 0
    assert json.loads(out)["label"] == "pos"
