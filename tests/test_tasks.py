"""Tasks: requests as rows, scores as answers, figures as scikit-learn has them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from aiaas import plugins
from aiaas.contracts import Signature
from aiaas.errors import DataError
from aiaas.tasks import tabular_classification, tabular_regression, text_classification

TEXT = Signature({"text": "string"}, "label", ("neg", "neutral", "pos"))
ROWS = Signature(
    {"city": "string", "rooms": "int64", "area": "float64", "lift": "bool", "void": "null"}, "label", ("no", "yes")
)
NUMBER = Signature({"area": "float64"}, "target")


# --- requests ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["房间很干净", "", "a\0b", "😀", " "])
def test_a_text_comes_bare_or_in_an_object(text: str) -> None:
    assert text_classification.decode(text, TEXT) == {"text": text}
    assert text_classification.decode({"text": text}, TEXT) == {"text": text}
    assert text_classification.example({"text": text}, TEXT) == text


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3, "a text is needed"),
        ({"text": 3}, "a text is needed"),
        ({"text": None}, "a text is needed"),
        ({}, "no key 'text'"),
        ({"txt": "a"}, "unknown key 'txt'"),
        ({"text": "a", "label": "pos"}, "unknown key 'label'"),
        (json.loads('"\\ud83d"'), "surrogate"),
    ],
)
def test_what_is_no_text_is_refused(value: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        text_classification.decode(value, TEXT)


def test_a_row_is_checked_column_by_column() -> None:
    row = tabular_classification.decode({"rooms": 3, "area": 70, "lift": False, "city": "北京"}, ROWS)
    assert row == {"city": "北京", "rooms": 3, "area": 70.0, "lift": False, "void": None}
    assert isinstance(row["area"], float)
    assert tabular_classification.decode({"rooms": 3.0}, ROWS)["rooms"] == 3
    assert tabular_classification.decode({"city": None}, ROWS) == dict.fromkeys(ROWS.features)
    assert tabular_classification.decode({"void": "whatever"}, ROWS)["void"] is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({}, "the row has no column; allowed: city"),
        ({"rooms": 3.5}, "'rooms' takes a whole number or null"),
        ({"rooms": True}, "'rooms' takes a whole number"),
        ({"rooms": "3"}, "'rooms' takes a whole number"),
        ({"area": "70"}, "'area' takes a number"),
        ({"area": True}, "'area' takes a number"),
        ({"area": float("nan")}, "'area' takes a number"),
        ({"area": float("inf")}, "'area' takes a number"),
        ({"area": 10**400}, "'area' takes a number"),
        ({"area": [1]}, "'area' takes a number"),
        ({"lift": 1}, "'lift' takes true or false"),
        ({"city": 1}, "'city' takes a string"),
        ({"city": "\ud83d"}, "'city' takes a string"),
        ("a row", "a row is needed: an object with the columns city, rooms, area, lift, void"),
        ([1, 2], "a row is needed"),
    ],
)
def test_what_does_not_fit_a_column_is_refused(value: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        tabular_classification.decode(value, ROWS)


def test_an_unknown_column_is_refused_with_the_nearest() -> None:
    with pytest.raises(DataError, match="there is no column 'room'") as caught:
        tabular_regression.decode({"room": 1}, ROWS)
    assert caught.value.hint == "did you mean 'rooms'?"


def test_a_long_list_of_columns_is_cut() -> None:
    many = Signature({f"c{number}": "float64" for number in range(100)}, "target")
    with pytest.raises(DataError, match="and 80 more"):
        tabular_regression.decode({"other": 1}, many)


# --- answers -----------------------------------------------------------------------------------------------------


def test_a_classifier_answers_with_six_decimals() -> None:
    answer = text_classification.answer(np.array([0.1, 0.2, 0.7000001], np.float32), TEXT)
    assert answer == {"label": "pos", "score": 0.7, "scores": {"neg": 0.1, "neutral": 0.2, "pos": 0.7}}
    assert text_classification.answer(np.array([0.4, 0.4, 0.2], np.float32), TEXT)["label"] == "neg"


def test_a_regression_answers_with_a_value() -> None:
    assert tabular_regression.answer(np.array([0.1], np.float32), NUMBER) == {"value": 0.1}
    assert tabular_regression.answer(np.array([123456.7], np.float32), NUMBER) == {"value": 123456.7}


# --- figures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [2, 3, 5])
def test_figures_are_those_of_scikit_learn(labels: int) -> None:
    random = np.random.default_rng(labels)
    targets = random.integers(0, labels, 200)
    scores = random.random((200, labels), np.float32)
    scores[np.arange(200), targets] += 0.3
    scores /= scores.sum(axis=1, keepdims=True)
    figures = text_classification.measure(targets, scores, Signature({}, "label", tuple("abcde"[:labels])))
    predicted = scores.argmax(axis=1)
    assert figures["accuracy"] == pytest.approx(sk.accuracy_score(targets, predicted))
    for average, suffix in (("macro", ""), ("weighted", "_weighted")):
        assert figures["precision" + suffix] == pytest.approx(sk.precision_score(targets, predicted, average=average))
        assert figures["recall" + suffix] == pytest.approx(sk.recall_score(targets, predicted, average=average))
        assert figures["f1" + suffix] == pytest.approx(sk.f1_score(targets, predicted, average=average))
    auc = sk.roc_auc_score(targets, scores[:, 1] if labels == 2 else scores, multi_class="ovr")
    assert figures["roc_auc"] == pytest.approx(auc, abs=1e-6)
    exact = scores.astype(np.float64)
    loss = sk.log_loss(targets, exact / exact.sum(axis=1, keepdims=True))
    assert figures["log_loss"] == pytest.approx(loss)
    assert figures["confusion"] == sk.confusion_matrix(targets, predicted).tolist()
    assert sum(each["rows"] for each in figures["classes"].values()) == 200


def test_one_class_in_the_test_rows_has_no_roc_auc() -> None:
    figures = text_classification.measure(np.zeros(4, int), np.full((4, 3), 1 / 3, np.float32), TEXT)
    assert figures["roc_auc"] is None
    assert figures["accuracy"] == 1.0
    assert figures["classes"]["pos"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "roc_auc": None, "rows": 0}
    assert figures["confusion"] == [[4, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_certain_and_wrong_costs_much_and_stays_finite() -> None:
    figures = text_classification.measure(np.array([0, 2]), np.array([[0, 0, 1], [1, 0, 0]], np.float32), TEXT)
    assert 15 < figures["log_loss"] < 16


def test_figures_of_a_regression() -> None:
    truth, values = np.array([1.0, 2.0, 4.0]), np.array([[1.5], [2.0], [3.0]], np.float32)
    figures = tabular_regression.measure(truth, values, NUMBER)
    assert figures["mae"] == pytest.approx(0.5)
    assert figures["rmse"] == pytest.approx(np.sqrt(1.25 / 3))
    assert figures["r2"] == pytest.approx(sk.r2_score(truth, values[:, 0]))
    assert tabular_regression.measure(truth[:1], values[:1], NUMBER)["r2"] is None


@pytest.mark.parametrize("name", plugins.names("tasks"))
def test_importing_a_task_imports_nothing_heavy(name: str) -> None:
    code = (
        "import json, sys; from aiaas import plugins; plugins.task(sys.argv[1]);"
        "print(json.dumps([n for n in ('numpy', 'sklearn', 'datasets', 'pyarrow', 'pandas') if n in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
