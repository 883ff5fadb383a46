"""The LSTM and the convolutions over texts: what only they promise, beside what the conformance suite asks of all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aiaas import plugins
from aiaas.contracts import Training
from aiaas.errors import DataError, TrainingError

pytest.importorskip("tensorflow")

from datasets import ClassLabel, Dataset, Features, Value

from aiaas.contracts import Signature

GOOD, BAD = ["房间很干净", "服务很好很好", "非常好，干净", "很好"], ["房间很脏", "服务很差很差", "非常差，又脏", "很差"]
SMALL = {"embedding_size": 8, "min_count": 1, "max_length": 24}
NETWORKS = {
    "lstm": [{"units": 4}, {"units": 4, "bidirectional": False, "layers": 2, "pooling": ["last", "mean", "attention"]}],
    "text_cnn": [{"filters": 4}, {"filters": 4, "widths": [1, 5], "pooling": ["mean", "attention"]}],
}
CASES = [(name, params) for name, several in NETWORKS.items() for params in several]


def rows(texts: list[str | None]) -> Dataset:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["bad", "good"])})
    return Dataset.from_dict({"text": texts, "label": [n % 2 for n in range(len(texts))]}, features=features)


def texts(times: int = 8) -> list[str | None]:
    return [text for pair in zip(BAD, GOOD, strict=True) for text in pair] * times


def fitted(
    name: str,
    folder: Path,
    params: dict[str, Any],
    data: Dataset | None = None,
    files: dict[str, Path] | None = None,
    **settings: Any,
) -> tuple[Any, Training, list[str]]:
    """A model, what its training noted, and what it warned of."""
    module = plugins.architecture("tensorflow", name)
    told: list[str] = []
    training = Training(
        "text-classification",
        Signature({"text": "string"}, "label", ("bad", "good")),
        3,
        folder,
        module.Settings.model_validate({"epochs": 1, "batch_size": 8, **settings}),  # type: ignore[attr-defined]
        warn=told.append,
        files=files or {},
    )
    given = data if data is not None else rows(texts())
    made = module.fit(module.Params.model_validate({**SMALL, **params}), given, given.select([]), training)
    return made, training, told


@pytest.mark.parametrize(("name", "params"), CASES)
def test_padding_changes_no_answer(name: str, params: dict[str, Any], tmp_path: Path) -> None:
    model, _, _ = fitted(name, tmp_path, params)
    numbers = model.vocabulary.encode(["很好", "非常差，又脏"])
    short, wide = numbers.padded(np.array([0])), numbers.padded(np.array([0, 1]))
    wider = np.pad(wide, [(0, 0), (0, 16)])
    assert wider.shape[1] > short.shape[1]
    np.testing.assert_allclose(model.network(wider)[:1], model.network(short), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_texts_beyond_all_that_was_learned_are_answered(name: str, tmp_path: Path) -> None:
    model, _, _ = fitted(name, tmp_path, NETWORKS[name][0])
    odd = ["", " \n", "龘龘龘", "x", "很好" * 5000, "很好" * 12]
    scores = model.predict(odd)
    assert scores.shape == (6, 2)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(scores[4], scores[5], rtol=1e-5)  # of a text beyond the limit the beginning decides
    np.testing.assert_allclose(scores[0], scores[3], rtol=1e-5)  # an empty one is one unknown token


def test_it_learns_what_is_there_and_notes_what_it_saw(tmp_path: Path) -> None:
    model, training, told = fitted("text_cnn", tmp_path, {"filters": 16, "max_length": 5}, epochs=6, learning_rate=0.02)
    assert (model.predict(GOOD)[:, 1] > 0.5).all()
    assert (model.predict(BAD)[:, 0] > 0.5).all()
    assert training.notes["cut_texts"] == 32
    assert told == [
        "32 of 64 training texts (50.0%) are longer than 5 tokens (model.params.max_length) and were cut there"
    ]
    assert training.notes["vocabulary"] == len(model.vocabulary.tokens)


def test_rows_without_a_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 rows have no text"):
        fitted("text_cnn", tmp_path, {"filters": 2}, rows([*texts(1), None, None]))


def test_texts_without_a_token_leave_nothing_to_learn(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no token is left to learn from"):
        fitted("text_cnn", tmp_path, {"filters": 2, "min_count": 500})


# --- pretrained vectors ------------------------------------------------------------------------------------------


def pretrained(folder: Path) -> dict[str, Path]:
    """Vectors of size 8, that tell good from bad, for some of the characters."""
    random = np.random.default_rng(0)
    lines = [" ".join([token, *(f"{value:.3f}" for value in random.normal(size=8))]) for token in "好差脏干净很"]
    path = folder / "vectors.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return {"vectors.source": path}


@pytest.mark.parametrize("freeze", [True, False])
def test_an_embedding_begins_with_vectors_and_learns_on_where_it_may(freeze: bool, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    params = {"embedding_size": None, "filters": 4, "vectors": {"source": "vectors.txt", "freeze": freeze}}
    files = pretrained(tmp_path)
    model, training, _ = fitted("text_cnn", tmp_path / "checkpoints", params, files=files)
    table = model.network.network.get_layer("embedding").get_weights()[0]
    given = dict(line.split(" ", 1) for line in files["vectors.source"].read_text("utf-8").splitlines())
    number = 2 + model.vocabulary.tokens.index("好")
    same = np.allclose(table[number], np.array(given["好"].split(" "), np.float32), atol=1e-6)
    assert same is freeze
    noted = training.notes["vectors"]
    assert noted["size"] == 8
    assert noted["found"] == 6
    assert noted["of_vocabulary"] == pytest.approx(6 / len(model.vocabulary.tokens), abs=1e-4)
    assert noted["of_texts"] > noted["of_vocabulary"]
    assert noted["told"].startswith(f"vectors for {noted['of_vocabulary']:.1%} of the vocabulary, ")
    model.save(tmp_path)
    assert json.loads((tmp_path / "model.json").read_text("utf-8"))["embedding_size"] == 8
    again = plugins.architecture("tensorflow", "text_cnn").load(tmp_path)
    np.testing.assert_allclose(again.predict(GOOD), model.predict(GOOD), rtol=1e-5)


def test_another_size_than_the_vectors_have_is_an_error(tmp_path: Path) -> None:
    params = {"embedding_size": 50, "units": 4, "vectors": {"source": "vectors.txt"}}
    with pytest.raises(DataError, match=r"have 8 numbers, model\.params\.embedding_size is 50") as caught:
        fitted("lstm", tmp_path, params, files=pretrained(tmp_path))
    assert caught.value.hint == "leave embedding_size out, or say 8"
