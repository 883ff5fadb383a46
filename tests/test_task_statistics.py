"""Metrics as functions of weights: a weight of three is a row that stands there three times."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from aiaas.contracts import Signature, Weighs, WeighsClasses
from aiaas.errors import DataError
from aiaas.statistics import Resamples, observed, within
from aiaas.tasks import (
    image_classification,
    tabular_classification,
    tabular_regression,
    text_classification,
    text_embedding,
    text_generation,
)

CLASSIFIERS = (text_classification, image_classification, tabular_classification)
LABELS = tuple("abcd")


def classified(labels: int = 4, rows: int = 90, seed: int = 0) -> tuple[Any, Any, Signature]:
    """Rows of all classes but the last where there are many, answered rightly more often than not; some scores tie."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, max(2, labels - 1), rows)
    scores = rng.random((rows, labels))
    scores[np.arange(rows), targets] += 0.5
    scores = (scores / scores.sum(axis=1, keepdims=True)).round(2).astype(np.float32)
    return targets, scores / scores.sum(axis=1, keepdims=True), Signature({}, "label", LABELS[:labels])


def repeated(weights: np.ndarray, *columns: Any) -> list[Any]:
    return [np.repeat(column, weights.astype(int), axis=0) for column in columns]


def same(values: np.ndarray, expected: list[Any]) -> None:
    np.testing.assert_allclose(values, [np.nan if each is None else each for each in expected], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("labels", [2, 4])
def test_a_classifiers_statistics_are_its_metrics_of_repeated_rows(labels: int) -> None:
    targets, scores, signature = classified(labels)
    found = text_classification.statistics(targets, scores, signature)
    own = text_classification.class_statistics(targets, scores, signature)
    (weights,) = Resamples(90, 12)
    whole = [text_classification.measure(*repeated(each, targets, scores), signature) for each in weights]
    assert list(found) == list(text_classification.METRICS)
    for name, statistic in found.items():
        same(statistic(weights), [each[name] for each in whole])
    for label, statistics in own.items():
        for name, statistic in statistics.items():
            same(np.nan_to_num(statistic(weights)), [each["classes"][label][name] or 0 for each in whole])


@pytest.mark.parametrize("labels", [2, 4])
def test_a_classifiers_statistics_are_those_of_scikit_learn(labels: int) -> None:
    targets, scores, signature = classified(labels)
    found = text_classification.statistics(targets, scores, signature)
    (weights,) = Resamples(90, 6)
    for place, each in enumerate(weights):
        truth, given = repeated(each, targets, scores.astype(np.float64))
        answers = given.argmax(axis=1)
        expected = {
            "accuracy": sk.accuracy_score(truth, answers),
            "f1": sk.f1_score(truth, answers, average="macro", zero_division=0),
            "precision_weighted": sk.precision_score(truth, answers, average="weighted", zero_division=0),
            "recall": sk.recall_score(truth, answers, average="macro", zero_division=0),
            "log_loss": sk.log_loss(truth, given / given.sum(axis=1, keepdims=True), labels=range(labels)),
            "roc_auc": np.mean([sk.roc_auc_score(truth == c, given[:, c]) for c in range(labels) if c in truth]),
        }
        for name, value in expected.items():
            assert found[name](weights)[place] == pytest.approx(value, rel=1e-9)


def test_a_class_that_is_not_in_a_sample_is_not_defined_there() -> None:
    targets, scores, signature = classified()
    own = text_classification.class_statistics(targets, scores, signature)
    assert np.isnan(own["d"]["recall"](np.ones((1, 90))))
    assert np.isnan(own["d"]["roc_auc"](np.ones((1, 90))))
    assert text_classification.measure(targets, scores, signature)["classes"]["d"] == {
        "precision": 0,
        "recall": 0,
        "f1": 0,
        "roc_auc": None,
        "rows": 0,
    }


def test_a_slice_is_what_its_rows_alone_give() -> None:
    targets, scores, signature = classified()
    mask = np.arange(90) % 3 == 0
    sliced = observed(text_classification.statistics(targets, scores, signature), 90, mask)
    alone = text_classification.measure(targets[mask], scores[mask], signature)
    for name, value in sliced.items():
        assert value == pytest.approx(alone[name], rel=1e-12)


def test_no_rows_in_a_sample_are_not_defined() -> None:
    nothing = next(iter(within(Resamples(90, 3), np.zeros(90, bool))))
    for module, data in every_kind().items():
        for statistic in module.statistics(*data).values():
            assert np.isnan(statistic(nothing)).all()


def test_labels_that_the_model_does_not_know_are_refused() -> None:
    targets, scores, signature = classified()
    targets[7] = 4
    with pytest.raises(DataError, match=r"1 of 90 rows have a label that the model does not know, first row 8"):
        text_classification.measure(targets, scores, signature)
    with pytest.raises(DataError, match="first row 8"):
        text_classification.statistics(targets, scores, signature)


def test_equal_scores_say_nothing() -> None:
    targets, scores = np.array([0, 1, 0, 1]), np.full((4, 2), 0.5, np.float32)
    found = text_classification.measure(targets, scores, Signature({}, "label", ("a", "b")))
    assert found["roc_auc"] == 0.5
    assert found["log_loss"] == pytest.approx(np.log(2))
    assert found["accuracy"] == 0.5


def test_the_statistics_of_a_regression_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(1e6, 3, 60)  # far from 0, where squares lose digits
    values = (truth + rng.normal(0, 1, 60)).astype(np.float32)[:, None]
    (weights,) = Resamples(60, 20)
    found = tabular_regression.statistics(truth, values, Signature({}, "target"))
    for place, each in enumerate(weights):
        there, given = repeated(each, truth, values.astype(float)[:, 0])
        assert found["mae"](weights)[place] == pytest.approx(sk.mean_absolute_error(there, given), rel=1e-9)
        assert found["rmse"](weights)[place] == pytest.approx(sk.root_mean_squared_error(there, given), rel=1e-9)
        assert found["r2"](weights)[place] == pytest.approx(sk.r2_score(there, given), rel=1e-9)


@pytest.mark.parametrize("error", [0.0, 0.1])
@pytest.mark.parametrize("weights", [[1, 1, 1], [0, 2, 0], [0, 0, 5]])
def test_a_target_that_does_not_vary_is_explained_or_not(error: float, weights: list[int]) -> None:
    """As scikit-learn has it; also where the target varies, but not in the sample."""
    truth = np.array([0.25, 0.3, 0.7]) if 0 in weights else np.full(3, 0.25)
    values = (truth + error)[:, None]
    found = tabular_regression.statistics(truth, values, Signature({}, "target"))["r2"]  # type: ignore[arg-type]
    there, given = repeated(np.array(weights), truth, values[:, 0])
    assert found(np.array([weights], float))[0] == sk.r2_score(there, given) == float(error == 0)


def test_the_statistics_of_a_generator_are_its_metrics_of_repeated_rows() -> None:
    scores = np.abs(np.random.default_rng(2).normal(40, 9, (50, 3))).astype(np.float32)
    (weights,) = Resamples(50, 8)
    for name, statistic in text_generation.statistics(np.empty(0), scores, Signature({}, None)).items():
        whole = [text_generation.measure(np.empty(0), *repeated(each, scores), Signature({}, None)) for each in weights]
        same(statistic(weights), [each[name] for each in whole])


def test_the_mean_cosine_is_of_pairs_of_different_rows() -> None:
    rng = np.random.default_rng(3)
    scores = rng.normal(0.4, 1, (30, 5)).astype(np.float32)
    (weights,) = Resamples(30, 4)
    found = text_embedding.statistics(np.empty(0), scores, Signature({}, None))["mean_cosine"](weights)
    unit = scores / np.linalg.norm(scores, axis=1, keepdims=True)
    for value, each in zip(found, weights, strict=True):
        pairs = np.outer(each, each) * (1 - np.eye(30))
        assert value == pytest.approx((pairs * (unit @ unit.T)).sum() / pairs.sum(), rel=1e-5)


def test_a_copy_is_no_neighbour() -> None:
    """What is nearest to a row does not depend on how often it was drawn."""
    scores = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], np.float32)
    found = text_embedding.statistics(np.array(list("aabc")), scores, Signature({}, "label"))["neighbour_accuracy"]
    assert found(np.array([[1.0, 1, 1, 1], [4, 0, 0, 0], [0, 0, 2, 2]])).tolist() == [0.5, 1, 0]


def every_kind() -> dict[ModuleType, tuple[Any, Any, Signature]]:
    values = np.random.default_rng(4).random((90, 3)).astype(np.float32)
    return {
        **{module: classified() for module in CLASSIFIERS},
        tabular_regression: (values[:, 0], values[:, 1:2], Signature({}, "target")),
        text_generation: (np.empty(0), values, Signature({}, None)),
        text_embedding: (np.arange(90) % 2, values, Signature({}, "label")),
    }


def test_every_task_weighs_its_rows() -> None:
    for module, (targets, scores, signature) in every_kind().items():
        assert isinstance(module, Weighs)
        assert isinstance(module, WeighsClasses) == (module in CLASSIFIERS)
        found = observed(module.statistics(targets, scores, signature), len(scores))
        assert list(found) == list(module.METRICS)
        measured = module.measure(targets, scores, signature)
        assert found == {name: measured[name] for name in found}
        with pytest.raises(DataError, match="no rows"):
            module.statistics(targets[:0], scores[:0], signature)
