"""TensorFlow and PyTorch in one environment: neither is imported by what the other does, nor missed where it is not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import GOOD, comments
from tests.hiding import aiaas

OF_TENSORFLOW = {"tensorflow", "keras", "tf2onnx"}
OF_TORCH = {"torch", "transformers", "accelerate", "peft"}
LSTM = "model={backend: tensorflow, architecture: lstm, params: {embedding_size: 8, units: 4, max_length: 16}}"
BERT = "model={backend: torch, architecture: bert, params: {encoder: encoder, max_length: 16}}"
MODELS = {"tensorflow": LSTM, "torch": BERT}
OPTIONS = ("--set", "train.epochs=1", "--set", "evaluate.gates={}")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small encoder, laid out by a process of its own."""
    for name in ("torch", "transformers"):
        pytest.importorskip(name)
    folder = tmp_path_factory.mktemp("made")
    code = "import sys; from pathlib import Path; from encoder_toys import make_encoder\n"
    code += "make_encoder(Path('encoder'), sys.argv[1:])"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    subprocess.run(
        [sys.executable, "-c", code, *comments(GOOD, 120, 1)], cwd=folder, env=environment, check=True, timeout=120
    )
    return folder / "encoder"


@pytest.fixture
def encoder(project: Path, made: Path) -> Path:
    shutil.copytree(made, project / "encoder")
    return project


@pytest.mark.parametrize("backend", MODELS)
def test_neither_framework_is_imported_by_what_the_other_does(backend: str, encoder: Path) -> None:
    pytest.importorskip("tensorflow")
    mine, others = (OF_TENSORFLOW, OF_TORCH) if backend == "tensorflow" else (OF_TORCH, OF_TENSORFLOW)
    model = ("--set", MODELS[backend])
    status, _, err, imported = aiaas(encoder, "plan", "tiny.yaml", *model)
    assert (status, imported & (mine | others)) == (0, set()), err
    status, _, err, imported = aiaas(encoder, "run", "tiny.yaml", *model, *OPTIONS, "--set", "deploy.runtime=native")
    assert status == 0, err
    assert backend in imported
    assert not imported & others
    status, out, err, imported = aiaas(encoder, "infer", "tiny", stdin="房间很好\n")
    assert status == 0, err
    assert json.loads(out)["label"] in {"pos", "neg"}
    assert backend in imported
    assert not imported & others


@pytest.mark.parametrize(("backend", "hide"), [("torch", "torch"), ("torch", "peft"), ("tensorflow", "tensorflow")])
def test_without_its_packages_a_recipe_ends_with_status_4_and_the_command(
    backend: str, hide: str, project: Path
) -> None:
    written = ("--set", MODELS[backend], *OPTIONS)
    (project / "encoder").mkdir()
    (project / "encoder" / "config.json").write_text("{}")
    status, _, err, imported = aiaas(project, "run", "tiny.yaml", *written, hide=hide)
    assert status == 4, err
    assert f"torch/bert needs the package {hide}" in err or backend != "torch"
    assert f"pip install 'aiaas[{backend}]'" in err
    assert "rows from" not in err, "said before anything is collected"
    assert not imported & (OF_TENSORFLOW | OF_TORCH)
    assert aiaas(project, "recipe", "validate", "tiny.yaml", *written, hide=hide)[0] == 0
    assert aiaas(project, "recipe", "schema", hide=hide)[0] == 0


@pytest.mark.parametrize("hide", ["tensorflow,keras,tf2onnx", "torch,transformers,accelerate,peft,safetensors"])
def test_each_works_where_the_other_is_not_installed(hide: str, encoder: Path) -> None:
    backend = "torch" if "tensorflow" in hide else "tensorflow"
    pytest.importorskip(backend)
    words = ("run", "tiny.yaml", "--set", MODELS[backend], *OPTIONS, "--set", "deploy.runtime=native")
    status, _, err, _ = aiaas(encoder, *words, hide=hide)
    assert status == 0, err
