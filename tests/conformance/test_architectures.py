"""What every architecture promises, tried on each of them with each of its tasks."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotated_types import Ge, Gt, Le, Lt
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from aiaas import plugins
from aiaas.contracts import Generative, Generator, Portable, Quantizable
from aiaas.errors import ExampleError, Interrupted, MissingPackageError, VerificationError
from aiaas.pictures import to_png
from aiaas.workspace import keys
from conformance.another import Another
from conformance.conftest import ROOT, Fitted, outputs_of, targets_of, texts

FRAMEWORKS = {
    "numpy", "scipy", "sklearn", "skops", "pandas", "pyarrow", "datasets", "mlflow", "fastapi", "nltk", "jieba",
    "torch", "tensorflow", "keras", "transformers",
}  # fmt: skip
SHOWN = 40


def run(code: str, *arguments: str, **environment: str) -> Any:
    """What a fresh Python process prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# --- answers -----------------------------------------------------------------------------------------------------


def test_scores_have_the_shape_and_kind_that_the_contract_says(fitted: Fitted) -> None:
    scores = fitted.model.predict(fitted.examples)
    assert scores.shape == (len(fitted.examples), outputs_of(fitted.case.task, fitted.signature))
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    if fitted.signature.labels:
        assert scores.min() >= 0
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_it_learns(fitted: Fitted) -> None:
    scores = fitted.model.predict(fitted.examples)
    rows, signature, _ = fitted.case.data()
    targets = targets_of(rows, signature)
    if fitted.case.task == "text-embedding":  # nothing is learned: what an encoder drawn by lot sees is alike lies near
        labels = np.array(texts()["label"])
        told = plugins.task(fitted.case.task).measure(labels, scores, signature)
        assert told["neighbour_accuracy"] > np.bincount(labels).max() / len(labels)
        assert told["mean_cosine"] < 1
    elif signature.target is None:
        counts = np.array([*Counter("".join(fitted.examples)).values()])
        alone = -(counts * np.log2(counts / counts.sum())).sum() / counts.sum()
        told = plugins.task(fitted.case.task).measure(targets, scores, signature)
        assert told["bits_per_character"] < alone, "no better than to know how frequent each character is"
    elif signature.labels:
        commonest = np.bincount(targets).max() / len(targets)
        assert (scores.argmax(axis=1) == targets).mean() > commonest
    else:
        assert np.square(scores[:, 0] - targets).mean() < targets.var()


def test_order_of_examples_is_kept(fitted: Fitted) -> None:
    scores = fitted.model.predict(fitted.examples)
    order = np.random.default_rng(3).permutation(len(fitted.examples))
    shuffled = fitted.model.predict([fitted.examples[place] for place in order])
    np.testing.assert_allclose(shuffled, scores[order], rtol=1e-5, atol=1e-6)


def test_one_example_is_answered_as_in_a_batch(fitted: Fitted) -> None:
    shown = fitted.examples[:SHOWN]
    alone = np.concatenate([fitted.model.predict([example]) for example in shown])
    np.testing.assert_allclose(alone, fitted.model.predict(shown), rtol=1e-5, atol=1e-6)


def test_no_examples_give_no_scores(fitted: Fitted) -> None:
    assert fitted.model.predict([]).shape == (0, outputs_of(fitted.case.task, fitted.signature))


def test_odd_examples_are_answered(fitted: Fitted) -> None:
    """What a request may hold although no training row did: an empty text, a row of nothing, an unknown word."""
    texts = ["", " ", "😀", "\u0301", "龘" * 5000]
    if list(fitted.signature.features) == ["text"]:
        odd: list[Any] = texts
    elif list(fitted.signature.features) == ["text", "text_pair"]:
        odd = [*zip(texts, texts, strict=True), *zip(texts, reversed(texts), strict=True)]
    elif fitted.signature.file:
        shapes = [(1, 1), (1, 300), (300, 1), (64, 48, 3), (9, 9, 1)]
        odd = [to_png(np.zeros(shape, np.uint8)) for shape in shapes]
    else:
        nothing = dict.fromkeys(fitted.signature.features)
        words = {name: "never seen" for name, kind in fitted.signature.features.items() if kind == "string"}
        odd = [nothing, {**nothing, **words}]
    scores = fitted.model.predict(odd)
    assert scores.shape == (len(odd), outputs_of(fitted.case.task, fitted.signature))
    assert np.isfinite(scores).all()


def test_a_file_at_fault_is_named_by_its_place_among_many(fitted: Fitted) -> None:
    if fitted.signature.file is None:
        pytest.skip("no example is a file")
    for place in (0, 700):
        many = [fitted.examples[0]] * 701
        many[place] = many[place][: len(many[place]) // 2]
        with pytest.raises(ExampleError) as caught:
            fitted.model.predict(many)
        assert caught.value.index == place


def test_a_generator_writes_the_same_text_again(fitted: Fitted) -> None:
    task = plugins.task(fitted.case.task)
    if not isinstance(task, Generative):
        pytest.skip("no text is written")
    assert isinstance(fitted.model, Generator)
    again = fitted.case.module.load(fitted.folder)
    for prompt in ("", "房间", "😀", "\n", "龘" * 300):
        options = task.Options.model_validate({"max_length": 40, "min_length": 40, "seed": 5})
        pieces = list(fitted.model.generate(prompt, options))
        assert sum(map(bool, pieces)) == 40, "a piece a token; those between them that are empty give time to stop"
        assert "".join(again.generate(prompt, options)) == "".join(pieces)
        others = {"".join(again.generate(prompt, options.model_copy(update={"seed": seed}))) for seed in range(3)}
        assert len(others) > 1


# --- files -------------------------------------------------------------------------------------------------------


def test_another_process_answers_alike_and_learns_alike(fitted: Fitted, another: Another, tmp_path: Path) -> None:
    case = fitted.case
    for name in ("checkpoints", "model"):
        (tmp_path / name).mkdir()
    told = [case.name, case.task, case.params, case.number]
    again = another.asked(case=told, saved=str(fitted.folder), fresh=str(tmp_path))
    np.testing.assert_allclose(again["scores"], fitted.model.predict(fitted.examples), rtol=1e-5, atol=1e-6)
    assert again["files"] == keys.digest_files(fitted.folder)


def test_what_was_loaded_saves_the_same_bytes(fitted: Fitted, tmp_path: Path) -> None:
    fitted.case.module.load(fitted.folder).save(tmp_path)
    assert keys.digest_files(tmp_path) == keys.digest_files(fitted.folder)


def spoil(file: Path, damage: str) -> None:
    content = file.read_bytes()
    match damage:
        case "removed":
            file.unlink()
        case "emptied":
            file.write_bytes(b"")
        case "cut":
            file.write_bytes(content[: len(content) // 2])
        case "replaced":
            file.write_bytes(b'{"surprise": true}')


@pytest.mark.parametrize("damage", ["removed", "emptied", "cut", "replaced"])
def test_a_damaged_file_is_refused(fitted: Fitted, damage: str, tmp_path: Path) -> None:
    for file in sorted(path for path in fitted.folder.rglob("*") if path.is_file()):
        copy = tmp_path / file.name
        shutil.copytree(fitted.folder, copy)
        spoil(copy / file.relative_to(fitted.folder), damage)
        with pytest.raises(VerificationError) as caught:
            fitted.case.module.load(copy)
        assert caught.value.where


# --- the portable form -------------------------------------------------------------------------------------------

PORTABLE = """
import json, sys
from pathlib import Path
from conformance.conftest import Case
name, task, params, number, exported = json.loads(sys.argv[1])
case = Case(name, task, params, number)
examples = case.data()[2]
before = set(sys.modules)
scores = case.module.load_portable(Path(exported)).predict(examples)
imported = {module.partition(".")[0] for module in set(sys.modules) - before}
print(json.dumps({"scores": scores.tolist(), "imported": sorted(imported)}))
"""


@pytest.fixture(scope="session")
def exported(fitted: Fitted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    module = fitted.case.module
    if not hasattr(module, "export"):
        pytest.skip(f"{fitted.case.name} has no portable form")
    assert isinstance(module, Portable)
    try:
        plugins.require([*module.EXPORT_REQUIRES, *module.RUNTIME_REQUIRES], fitted.case.name)
    except MissingPackageError as error:
        pytest.skip(error.message)
    out = tmp_path_factory.mktemp("portable")
    module.export(fitted.folder, out)
    return out


@pytest.fixture(scope="session")
def quantised(fitted: Fitted, exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    module = fitted.case.module
    if not hasattr(module, "quantize"):
        pytest.skip(f"{fitted.case.name} has no int8 form")
    assert isinstance(module, Quantizable)
    out = tmp_path_factory.mktemp("int8")
    module.quantize(exported, out)
    return out


def test_the_portable_form_answers_alike_without_the_framework(fitted: Fitted, exported: Path) -> None:
    case = fitted.case
    told = json.dumps([case.name, case.task, case.params, case.number, str(exported)])
    again = run(PORTABLE, told, PYTHONPATH=str(ROOT / "tests"))
    np.testing.assert_allclose(again["scores"], fitted.model.predict(fitted.examples), rtol=1e-4, atol=1e-4)
    assert {"tensorflow", "keras", "torch", "transformers"}.isdisjoint(again["imported"])


def test_the_portable_form_saves_what_it_was_loaded_from(fitted: Fitted, exported: Path, tmp_path: Path) -> None:
    fitted.case.module.load_portable(exported).save(tmp_path)
    assert keys.digest_files(tmp_path) == keys.digest_files(exported)


@pytest.mark.parametrize("damage", ["removed", "emptied", "cut", "replaced"])
def test_a_damaged_file_of_the_portable_form_is_refused(
    fitted: Fitted, exported: Path, damage: str, tmp_path: Path
) -> None:
    for file in sorted(path for path in exported.rglob("*") if path.is_file()):
        copy = tmp_path / file.name
        shutil.copytree(exported, copy)
        spoil(copy / file.relative_to(exported), damage)
        with pytest.raises(VerificationError) as caught:
            fitted.case.module.load_portable(copy)
        assert caught.value.where


def test_equal_models_have_equal_portable_forms(fitted: Fitted, exported: Path, tmp_path: Path) -> None:
    fitted.case.module.export(fitted.folder, tmp_path)
    assert keys.digest_files(tmp_path) == keys.digest_files(exported)


def test_the_int8_form_answers_nearly_alike_without_the_framework(fitted: Fitted, quantised: Path) -> None:
    case = fitted.case
    told = json.dumps([case.name, case.task, case.params, case.number, str(quantised)])
    again = run(PORTABLE, told, PYTHONPATH=str(ROOT / "tests"))
    # Of a tiny encoder one score may be far off: it is the direction of all that counts.
    scores, expected = np.asarray(again["scores"]), fitted.model.predict(fitted.examples)
    lengths = np.linalg.norm(scores, axis=1) * np.linalg.norm(expected, axis=1)
    assert ((scores * expected).sum(axis=1) / lengths).mean() > 0.95
    assert {"tensorflow", "keras", "torch", "transformers", "onnx"}.isdisjoint(again["imported"])


def test_the_int8_form_is_smaller_and_the_same_each_time(
    fitted: Fitted, exported: Path, quantised: Path, tmp_path: Path
) -> None:
    module = fitted.case.module
    for name in ("again", "saved"):
        (tmp_path / name).mkdir()
    module.quantize(exported, tmp_path / "again")
    module.load_portable(quantised).save(tmp_path / "saved")
    expected = keys.digest_files(quantised)
    assert keys.digest_files(tmp_path / "again") == keys.digest_files(tmp_path / "saved") == expected
    weights = {folder: max(path.stat().st_size for path in folder.glob("*.data")) for folder in (exported, quantised)}
    assert weights[quantised] < weights[exported] / 2


# --- stopping ----------------------------------------------------------------------------------------------------


def test_interrupted_and_begun_again_is_never_interrupted(fitted: Fitted, tmp_path: Path) -> None:
    """Several times, the first time at once and the last time at the end; what was done is not done again."""
    case, asked = fitted.case, fitted.asked
    assert asked > 1
    for folder in ("checkpoints", "out"):
        (tmp_path / folder).mkdir()
    done = 0
    for place in (1, asked // 2 + 1, asked) if case.number == 0 else (asked // 2 + 1,):
        calls = itertools.count(done + 1)
        with pytest.raises(Interrupted):
            case.fit(tmp_path / "checkpoints", lambda calls=calls, place=place: next(calls) >= place)
        done = place
    again: list[tuple[int, dict[str, float]]] = []
    case.fit(tmp_path / "checkpoints", history=again).save(tmp_path / "out")
    assert keys.digest_files(tmp_path / "out") == keys.digest_files(fitted.folder)
    assert again == fitted.history


# --- the module --------------------------------------------------------------------------------------------------


def test_importing_it_imports_no_framework(architecture: str) -> None:
    code = (
        "import json, sys; from aiaas import plugins; plugins.architecture(*sys.argv[1].split('/'));"
        "print(json.dumps([name for name in sys.modules if '.' not in name]))"
    )
    assert FRAMEWORKS.isdisjoint(run(code, architecture))


def test_it_says_what_it_needs_and_what_it_learns(architecture: str) -> None:
    module = plugins.architecture(*architecture.split("/"))
    assert module.REQUIRES
    assert module.TASKS
    assert set(module.TASKS) <= set(plugins.names("tasks"))
    assert sys.modules[module.__name__].__doc__  # type: ignore[attr-defined]


def test_every_parameter_is_described_and_ranged(architecture: str) -> None:
    params = plugins.architecture(*architecture.split("/")).Params
    assert params.model_config["extra"] == "forbid"
    assert params.model_config["frozen"]
    for name, field in params.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
        if field.annotation in {int, float, int | None, float | None}:
            assert ranged(field), f"{name} has no range"


def ranged(field: FieldInfo) -> bool:
    low = any(isinstance(each, Ge | Gt) for each in field.metadata)
    return low and any(isinstance(each, Le | Lt) for each in field.metadata)


def test_an_unknown_parameter_is_refused(architecture: str) -> None:
    params = plugins.architecture(*architecture.split("/")).Params
    params()
    with pytest.raises(ValidationError, match="no_such_parameter"):
        params.model_validate({"no_such_parameter": 1})
