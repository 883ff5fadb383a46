"""From scores to decisions: temperatures, thresholds, calibration, residuals, the errors that cost most."""

from __future__ import annotations

import base64
import io
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from scipy.optimize import minimize_scalar

from aiaas import bundle, decision, evaluate, gates, pictures, pipeline, recipe
from aiaas.cli.judgement import show_judgement
from aiaas.contracts import Counts, Signature
from aiaas.decision import Decision
from aiaas.errors import DataError, GateError, RecipeError
from aiaas.evaluate import calibration, certainty, deciding, errors, notes, residuals
from aiaas.evaluate.scoring import Scored
from aiaas.gates.figures import of_thresholds
from aiaas.pipeline.stages import Work
from aiaas.recipe.evaluate import Evaluate, Intervals, Threshold
from aiaas.statistics import observed
from aiaas.tasks import (
    image_classification,
    tabular_regression,
    text_classification,
    text_embedding,
    text_generation,
)
from aiaas.workspace import Workspace

SIGNATURE = Signature({"text": "string"}, "label", ("bad", "good"))
THREE = Signature({"text": "string"}, "label", ("a", "b", "c"))
FEW_SAMPLES = Intervals(samples=100)


def two(*good: float) -> Any:
    """Scores of the labels bad and good."""
    return np.array([[1 - each, each] for each in good], np.float32)


def sure(rows: int, sharpness: float, seed: int = 0) -> Scored:
    """A classifier of three labels that sees the truth through noise; a sharpness of 2 is an honest one."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 3, rows)
    logits = rng.normal(size=(rows, 3))
    logits[np.arange(rows), targets] += 2.0
    powers = np.exp(sharpness * logits)
    return Scored(targets, (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32))


# --- temperature


def test_the_temperature_is_the_one_of_the_highest_likelihood() -> None:
    data = sure(4000, 5.0)
    found = decision.fit(data.targets, data.scores)
    assert found is not None
    assert found == pytest.approx(5 / 2, rel=0.1)  # what made the scores too sure
    logits = np.log(data.scores.astype(np.float64))

    def loss(temperature: float) -> float:
        powers = np.exp(logits / temperature)
        shares = powers / powers.sum(axis=1, keepdims=True)
        return float(-np.log(shares[np.arange(4000), data.targets]).mean())

    best = minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-6})
    assert found == pytest.approx(best.x, rel=1e-3)
    again = decision.scaled(data.scores, found)
    assert decision.fit(data.targets, again) == pytest.approx(1, rel=1e-3)
    np.testing.assert_array_equal(again.argmax(axis=1), data.scores.argmax(axis=1))
    np.testing.assert_allclose(again.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("targets", "scores"),
    [
        ([0], two(0.4)),  # one row, answered rightly
        ([1], two(0.4)),  # and wrongly
        ([0, 1, 1], two(0.1, 0.9, 0.8)),  # all rightly
        ([0, 1, 1], two(0.5, 0.5, 0.5)),  # all scores equal
        ([0, 1], np.zeros((2, 2), np.float32) + np.float32(0.5)),
    ],
)
def test_rows_that_do_not_say_how_sure_to_be_give_no_temperature(targets: list[int], scores: Any) -> None:
    assert decision.fit(np.array(targets), scores) is None


def test_a_score_of_nothing_stays_a_number() -> None:
    scores = np.array([[1, 0, 0], [0, 1e-40, 1]], np.float32)
    for temperature in (0.05, 1.7, 20.0):
        found = decision.scaled(scores, temperature)
        assert np.isfinite(found).all()
        assert found.argmax(axis=1).tolist() == [0, 2]
    assert decision.scaled(np.empty((0, 3), np.float32), 2.0).shape == (0, 3)


class Fixed:
    def __init__(self, scores: Any) -> None:
        self.scores = scores

    def predict(self, examples: Any) -> Any:
        return self.scores[: len(examples)]

    def save(self, directory: Path) -> None:
        (directory / "saved").touch()


class Reading(Fixed):
    def tokens(self, examples: Any) -> list[int]:
        return [7] * len(examples)


def test_a_model_at_a_temperature_is_still_what_it_was(tmp_path: Path) -> None:
    scores = two(0.9, 0.2)
    plain, reading = decision.tempered(Fixed(scores), 2.0), decision.tempered(Reading(scores), 2.0)
    np.testing.assert_array_equal(plain.predict(["a", "b"]), decision.scaled(scores, 2.0))
    assert isinstance(reading, Counts)
    assert not isinstance(plain, Counts)
    assert reading.tokens(["a"]) == [7]
    plain.save(tmp_path)
    assert (tmp_path / "saved").exists()
    model = Fixed(scores)
    assert decision.tempered(model, None) is model


# --- thresholds


def test_a_label_is_answered_from_its_threshold_on() -> None:
    signature = Signature({}, "label", ("a", "b", "c"), {"b": 0.3, "c": 0.2})
    scores = [[0.6, 0.3, 0.1], [0.5, 0.31, 0.19], [0.6, 0.25, 0.15], [0.2, 0.35, 0.45], [0.5, 0.25, 0.25]]
    assert signature.decide(np.array(scores)).tolist() == [1, 1, 0, 2, 2]
    assert int(signature.decide(np.array([0.1, 0.8, 0.1], np.float32))) == 1
    assert text_classification.answer(np.array(scores[0], np.float32), signature)["label"] == "b"
    assert Signature.from_dict(json.loads(json.dumps(signature.as_dict()))) == signature
    assert "thresholds" not in SIGNATURE.as_dict()


def test_between_two_neighbouring_floats_nothing_is_rounded() -> None:
    low = np.float32(0.3)
    high = np.nextafter(low, np.float32(1))
    least = decision.choose(np.array([True, False]), np.array([high, low]), "precision", 1.0)
    signature = Signature({}, "label", ("a", "b"), {"b": least})
    assert signature.decide(np.array([[0.9, low], [0.9, high]], np.float32)).tolist() == [0, 1]


@pytest.mark.parametrize(("aim", "value"), [("precision", 0.9), ("precision", 0.6), ("recall", 0.9), ("recall", 1.0)])
def test_a_threshold_is_the_best_of_all_that_reach_it(aim: Any, value: float) -> None:
    rng = np.random.default_rng(3)
    inside = rng.random(300) < 0.4
    scores = np.round(np.clip(inside * 0.3 + rng.random(300) * 0.6, 0, 1), 2)  # with many ties
    other = "recall" if aim == "precision" else "precision"
    found = decision.choose(inside, scores, aim, value)
    assert found is not None
    mine = decision.reached(inside, scores >= found)
    assert getattr(mine, aim) >= value
    rivals = [decision.reached(inside, scores >= each) for each in np.unique(scores)]
    best = max(getattr(each, other) for each in rivals if getattr(each, aim) >= value)
    if aim == "precision":
        assert mine.recall == best
    else:
        assert mine.answered == min(each.answered for each in rivals if each.recall >= value)


def test_thresholds_that_cannot_be_reached() -> None:
    inside, scores = np.array([True, False, False]), np.array([0.4, 0.4, 0.4])
    assert decision.choose(inside, scores, "precision", 0.5) is None
    assert decision.most_precise(inside, scores) == pytest.approx(1 / 3)
    assert decision.choose(inside, scores, "recall", 1.0) == pytest.approx(0.2)
    assert decision.choose(np.zeros(3, bool), scores, "recall", 0.1) is None
    assert decision.most_precise(np.zeros(3, bool), scores) is None
    assert decision.reached(np.zeros(3, bool), np.zeros(3, bool)) == (0, 0, None, None)


def wanting(**aims: Any) -> Evaluate:
    return Evaluate(thresholds={label: Threshold(**each) for label, each in aims.items()}, intervals=FEW_SAMPLES)


def test_thresholds_are_chosen_on_validation_and_judged_on_test() -> None:
    section, validation, test = wanting(b={"precision": 0.9}), sure(600, 2.0), sure(600, 2.0, seed=1)
    found = deciding.decided(section, lambda: validation, THREE)
    signature = found.decision.of(THREE)
    assert of_thresholds(found.thresholds) == []
    each = found.judged(test, signature, {"intervals": {"classes": {"b": {"precision": [0.8, 0.95]}}}})["b"]
    assert each["asked"] == {"precision": 0.9}
    assert each["reached"]
    assert each["validation"]["precision"] >= 0.9
    measured = text_classification.measure(test.targets, test.scores, signature)
    assert each["test"]["precision"] == pytest.approx(measured["classes"]["b"]["precision"])
    assert each["test"]["recall"] == pytest.approx(measured["classes"]["b"]["recall"])
    assert each["test"]["interval"] == [0.8, 0.95]
    plain = text_classification.measure(test.targets, test.scores, THREE)
    assert measured["classes"]["b"]["precision"] > plain["classes"]["b"]["precision"]
    assert measured["roc_auc"] == plain["roc_auc"]


def test_what_is_not_reached_is_no_threshold_and_a_gate_that_is_not_met() -> None:
    validation = Scored(np.array([0, 1, 0]), two(0.5, 0.5, 0.5))
    found = deciding.decided(wanting(good={"precision": 0.9}), lambda: validation, SIGNATURE)
    assert found.decision.thresholds == {}
    (verdict,) = of_thresholds(found.thresholds)
    assert (verdict.metric, verdict.gate, verdict.met) == ("precision of 'good' on validation rows", ">= 0.9", False)
    assert verdict.value == pytest.approx(1 / 3)
    told = found.judged(validation, SIGNATURE, {})
    (note,) = notes._decided({"thresholds": told}, wanting(good={"precision": 0.9}))
    assert "no threshold gives 'good' a precision of 0.9 on the validation rows: the most is 0.3333" in note


def test_a_label_without_validation_rows_has_no_threshold() -> None:
    validation = Scored(np.array([0, 1]), np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1]], np.float32))
    section = wanting(c={"recall": 0.5})
    found = deciding.decided(section, lambda: validation, THREE)
    assert of_thresholds(found.thresholds)[0].value is None
    (note,) = notes._decided({"thresholds": found.judged(validation, THREE, {})}, section)
    assert "no validation row has it" in note


def test_thresholds_that_are_in_each_others_way_are_judged_together() -> None:
    scores = np.array([[0.25, 0.4, 0.35], [0.2, 0.41, 0.39], [0.9, 0.05, 0.05]], np.float32)
    section = wanting(b={"recall": 1.0}, c={"recall": 1.0})
    validation = Scored(np.array([1, 2, 0]), scores)
    found = deciding.decided(section, lambda: validation, THREE)
    assert found.thresholds["b"]["reached"]
    assert not found.thresholds["c"]["reached"]  # its row is likelier to be a b, which is over its threshold too
    (note,) = notes._decided({"thresholds": found.judged(validation, THREE, {})}, section)
    assert "'c' has a recall of 0.0000 on the validation rows in place of 1" in note


@pytest.mark.parametrize(
    ("section", "validation", "words"),
    [
        (wanting(god={"recall": 0.5}), sure(9, 2.0), "does not know the label 'god'"),
        (wanting(bad={"recall": 0.5}, good={"recall": 0.5}), sure(9, 2.0), "every label has a threshold"),
        (wanting(good={"recall": 0.5}), deciding.nothing(), "no validation rows to decide by"),
        (Evaluate(calibrate="temperature"), deciding.nothing(), "no validation rows to decide by"),
    ],
)
def test_what_cannot_be_decided_is_refused(section: Evaluate, validation: Scored, words: str) -> None:
    with pytest.raises(DataError, match=words):
        deciding.decided(section, lambda: validation, SIGNATURE)


# --- calibration


def test_the_calibration_error_by_hand() -> None:
    targets, scores = np.array([1, 1, 0, 0]), two(0.71, 0.72, 0.99, 0.01)
    found = text_classification.measure(targets, scores, SIGNATURE)["ece"]
    # Two in the bin of 0.667 to 0.733, both right; two in the last, one right.
    assert found == pytest.approx((abs(2 - 0.71 - 0.72) + abs(1 - 0.99 - 0.99)) / 4, abs=1e-6)
    weights = np.array([[1.0, 1, 1, 1], [2, 0, 2, 0], [0, 0, 0, 0]])
    values = text_classification.statistics(targets, scores, SIGNATURE)["ece"](weights)
    twice = text_classification.measure(targets[[0, 0, 2, 2]], scores[[0, 0, 2, 2]], SIGNATURE)["ece"]
    assert values[:2] == pytest.approx([found, twice])
    assert np.isnan(values[2])


def test_bins_say_how_sure_and_how_right() -> None:
    data = sure(500, 4.0)
    answers = THREE.decide(data.scores)
    found = decision.bins(*decision.confidence(data.targets, data.scores, answers))
    assert sum(each.rows for each in found) == 500
    assert all(each.low <= each.confidence <= each.high for each in found)
    assert all(each.interval.low <= each.accuracy <= each.interval.high for each in found)
    total = sum(each.rows * abs(each.accuracy - each.confidence) for each in found) / 500
    assert total == pytest.approx(text_classification.measure(data.targets, data.scores, THREE)["ece"])
    (whole,) = decision.bins(np.array([1.0]), np.array([True]))
    assert (whole.low, whole.high, whole.rows, whole.accuracy) == (14 / 15, 1.0, 1, 1.0)
    assert 0 < whole.interval.low < 0.3


def test_a_temperature_makes_a_model_as_sure_as_it_is_right() -> None:
    validation, raw = sure(1500, 6.0), sure(1500, 6.0, seed=1)
    section = Evaluate(calibrate="temperature", intervals=FEW_SAMPLES)
    found = deciding.decided(section, lambda: validation, THREE)
    scored = found.applied(raw)
    told = calibration.of(section, scored, raw, text_classification, THREE, found.decision.temperature)["calibration"]
    after = text_classification.measure(scored.targets, scored.scores, THREE)
    before = text_classification.measure(raw.targets, raw.scores, THREE)
    assert told["ece"] == pytest.approx(after["ece"])
    assert told["before"] == pytest.approx({"ece": before["ece"], "log_loss": before["log_loss"]})
    assert told["ece"] < told["before"]["ece"] / 2
    assert after["log_loss"] < before["log_loss"]
    assert after["accuracy"] == before["accuracy"]
    interval = certainty.of(section, 0, scored, text_classification, THREE)
    assert interval is not None
    assert interval["metrics"]["ece"] is not None
    assert calibration.of(section, scored, raw, tabular_regression, Signature({}, "target"), None) == {}


def test_a_temperature_that_was_not_fitted_is_said() -> None:
    metrics = {"calibration": {"temperature": None}}
    assert "no temperature was fitted" in notes._decided(metrics, Evaluate(calibrate="temperature"))[0]
    assert notes._decided(metrics, Evaluate()) == []


# --- residuals


def test_residuals_lean_where_the_model_says_too_little() -> None:
    rng = np.random.default_rng(0)
    predicted = rng.random(400) * 10
    truth = predicted + np.where(predicted > 5, 1.0, -0.5) + rng.normal(0, 0.1, 400)
    data, signature = Scored(truth, predicted[:, None].astype(np.float32)), Signature({}, "target")
    found = residuals.of(Evaluate(intervals=FEW_SAMPLES), 0, data, tabular_regression, signature)["residuals"]
    assert found["mean"] == pytest.approx((truth - predicted).mean(), abs=1e-6)
    assert found["spread"] == pytest.approx((truth - predicted).std(), abs=1e-6)
    assert found["interval"][0] < found["mean"] < found["interval"][1]
    assert found["quantiles"]["0.5"] == pytest.approx(np.quantile(truth - predicted, 0.5), abs=1e-6)
    parts = found["by_prediction"]
    assert (len(parts), sum(each["rows"] for each in parts)) == (10, 400)
    assert parts[0]["mean"] == pytest.approx(-0.5, abs=0.1)
    assert parts[-1]["mean"] == pytest.approx(1.0, abs=0.1)
    assert all(one["high"] < other["low"] for one, other in itertools.pairwise(parts))


@pytest.mark.parametrize("rows", [1, 50])
def test_residuals_of_one_row_and_of_equal_predictions(rows: int) -> None:
    data, signature = Scored(np.full(rows, 3.0), np.full((rows, 1), 2, np.float32)), Signature({}, "target")
    found = residuals.of(Evaluate(intervals=FEW_SAMPLES), 0, data, tabular_regression, signature)["residuals"]
    assert (found["mean"], found["spread"], found["interval"]) == (1.0, 0.0, None)
    assert found["by_prediction"] == [{"low": 2.0, "high": 2.0, "rows": rows, "mean": 1.0, "spread": 0.0}]
    assert residuals.of(Evaluate(), 0, sure(5, 2.0), text_classification, THREE) == {}


# --- the errors that cost most


def written(folder: Path, data: Scored, task: Any, signature: Signature, rows: Dataset) -> list[dict[str, Any]]:
    errors.write(folder, data, task, signature, rows, np.arange(len(rows)) + 100)
    return [json.loads(line) for line in (folder / "errors.jsonl").read_text("utf-8").splitlines()]


def test_the_costliest_errors_come_first(tmp_path: Path) -> None:
    targets = np.array([0, 1, 1, 0] * 10)
    good = np.concatenate([np.linspace(0.51, 0.99, 20), np.full(20, 0.1)])
    features = Features({"text": Value("string"), "label": ClassLabel(names=["bad", "good"])})
    rows = Dataset.from_dict({"text": ["好" * 900] * 40, "label": targets.tolist()}, features)
    found = written(tmp_path, Scored(targets, two(*good)), text_classification, SIGNATURE, rows)
    assert len(found) == 20
    assert [each["loss"] for each in found] == sorted((each["loss"] for each in found), reverse=True)
    assert all(each["target"] != each["answer"] for each in found)
    first = found[0]
    assert (first["row"], first["target"], first["answer"]) == (119, "bad", "good")
    assert first["score"] == pytest.approx(0.99)
    assert first["loss"] == pytest.approx(-np.log(0.01), rel=1e-4)
    assert first["shown"] == {"text": "好" * 499 + "…"}
    assert "picture" not in first


def test_no_error_is_an_empty_file(tmp_path: Path) -> None:
    rows = Dataset.from_dict({"text": ["a"], "label": [1]})
    assert written(tmp_path, Scored(np.array([1]), two(0.9)), text_classification, SIGNATURE, rows) == []


def test_errors_of_numbers_are_how_far_they_are_off(tmp_path: Path) -> None:
    rows = Dataset.from_dict({"x": [1.5, float("nan"), 3.0], "kind": ["a", None, "b"], "target": [1.0, 2.0, 3.0]})
    data = Scored(np.array([1.0, 2.0, 3.0]), np.array([[1.5], [0.0], [3.0]], np.float32))
    signature = Signature({"x": "float64", "kind": "string"}, "target")
    assert written(tmp_path, data, tabular_regression, signature, rows) == [
        {"row": 101, "target": 2.0, "answer": 0.0, "score": None, "loss": 2.0, "shown": {"x": None, "kind": None}},
        {"row": 100, "target": 1.0, "answer": 1.5, "score": None, "loss": 0.5, "shown": {"x": 1.5, "kind": "a"}},
    ]


def test_errors_of_a_generator_are_texts_it_finds_unlikely(tmp_path: Path) -> None:
    rows = Dataset.from_dict({"text": ["likely", "odd", ""]})
    data = Scored(np.empty(0), np.array([[6, 7, 6], [30, 4, 3], [1, 1, 0]], np.float32))
    first, second = written(tmp_path, data, text_generation, Signature({"text": "string"}, None), rows)
    assert (first["shown"]["text"], first["target"], first["answer"], first["score"]) == ("odd", None, None, None)
    assert first["loss"] == pytest.approx(10 / np.log(2), rel=1e-5)
    assert second["shown"]["text"] == "likely"


def test_errors_of_vectors_are_neighbours_of_another_label(tmp_path: Path) -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["x", "y"])})
    rows = Dataset.from_dict({"text": [*"abcd"], "label": [0, 0, 1, 0]}, features)
    vectors = np.array([[1, 0], [0.99, 0.1], [0, 1], [0.1, 0.99]], np.float32)
    signature = Signature({"text": "string"}, "label")
    data = Scored(np.array([0, 0, 1, 0]), vectors)
    found = written(tmp_path, data, text_embedding, signature, rows)
    assert [(each["shown"]["text"], each["target"], each["answer"]) for each in found] == [
        ("c", "y", "x"),
        ("d", "x", "y"),
    ]
    assert found[0]["loss"] == pytest.approx(0.99 / np.hypot(0.1, 0.99), abs=1e-5)
    assert observed(text_embedding.statistics(data.targets, vectors, signature), 4)["neighbour_accuracy"] == 0.5
    unlabelled = text_embedding.mistakes(np.empty(0), vectors, Signature({"text": "string"}, None))
    assert np.isnan(unlabelled.losses).all()


def test_pictures_are_shown_small(tmp_path: Path) -> None:
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (240, 400, 3), np.uint8)
    rows = Dataset.from_dict({"image": [pictures.to_png(noise), b"no picture"], "label": [0, 0]})
    signature = Signature({"image": "binary"}, "label", ("cat", "dog"))
    found = written(tmp_path, Scored(np.array([0, 0]), two(0.9, 0.8)), image_classification, signature, rows)
    kind, _, data = found[0]["picture"].partition(";base64,")
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert (kind, image.size) == ("data:image/jpeg", (160, 96))
    assert found[0]["shown"] == {}
    assert "picture" not in found[1]
    flat = pictures.to_uri(pictures.small(pictures.to_png(np.zeros((8, 6), np.uint8)), 160))
    assert flat.startswith("data:image/png;base64,")


# --- from recipe to answer


def test_a_bundle_answers_as_it_was_judged(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIAAS_TRACKING", "off")
    good, bad = ((project / name).read_text("utf-8").splitlines() for name in ("good.txt", "bad.txt"))
    for name, lines in (("good.txt", good[:100] + bad[100:]), ("bad.txt", bad[:100] + good[100:])):
        (project / name).write_text("\n".join(lines) + "\n", "utf-8")  # some labels are wrong
    asked = ["evaluate.calibrate=temperature", "evaluate.thresholds={pos: {recall: 0.9}}", "evaluate.gates={}"]
    asked += ["preprocess.split={train: 0.5, validation: 0.25, test: 0.25}", "evaluate.intervals.samples=50"]
    work = Work(recipe.read(project / "tiny.yaml", asked), Workspace.open(project / ".aiaas"))
    result = pipeline.run(work)
    folder = work.workspace.folder("evaluate", next(s.key for s in result.stages if s.name == "evaluate"))
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    kept, decided = evaluate.kept(folder), Decision.read(folder)
    assert kept.signature.thresholds == decided.thresholds == {"pos": metrics["thresholds"]["pos"]["threshold"]}
    assert metrics["calibration"]["temperature"] == decided.temperature is not None
    assert result.bundle is not None
    loaded = bundle.load(result.bundle)
    assert loaded.signature.thresholds == decided.thresholds
    assert loaded.manifest.get("temperature") == decided.temperature
    plain = work.workspace.folder("preprocess", next(s.key for s in result.stages if s.name == "preprocess"))
    texts = Dataset.from_file(str(plain / "test.arrow"))["text"][:]
    np.testing.assert_allclose(loaded.model.predict(texts), kept.scores, atol=1e-6)
    answers = [each["label"] for each in loaded.scored(texts)]
    assert answers == [kept.signature.labels[number] for number in kept.signature.decide(kept.scores)]
    assert (folder / "errors.jsonl").exists()
    show_judgement(metrics, [])
    told = capsys.readouterr().err
    assert "from a score of" in told
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["evaluate.calibrate=platt"], "temperature"),
        (["evaluate.thresholds={good: {}}"], "either"),
        (["evaluate.thresholds={good: {precision: 0.9, recall: 0.9}}"], "either"),
        (["evaluate.thresholds={good: {precision: 1.5}}"], "precision"),
        (["evaluate.thresholds={good: 0.9}"], "thresholds"),
        (["evaluate.calibrate=temperature", "preprocess.split={train: 0.5, test: 0.5}"], "needs validation rows"),
        (["evaluate.thresholds={good: {recall: 1}}", "preprocess.split={train: 0.5, test: 0.5}"], "validation"),
    ],
)
def test_what_a_recipe_may_not_decide(project: Path, overrides: list[str], words: str) -> None:
    with pytest.raises(RecipeError) as raised:
        recipe.read(project / "tiny.yaml", overrides)
    assert any(words in f"{fault.path} {fault.message} {fault.hint}" for fault in raised.value.faults)


def test_numbers_are_not_decided() -> None:
    data = {
        "name": "prices",
        "task": "tabular-regression",
        "collect": [{"source": "prices.csv"}],
        "model": {"backend": "sklearn", "architecture": "linear_regression"},
        "evaluate": {"calibrate": "temperature"},
    }
    with pytest.raises(RecipeError, match="is for answers that are labels, and tabular-regression has none"):
        recipe.Recipe.from_dict(data)


def test_a_threshold_that_is_not_reached_stops_as_a_gate_does() -> None:
    validation = Scored(np.array([0, 1, 0]), two(0.5, 0.5, 0.5))
    found = deciding.decided(wanting(good={"precision": 0.9}), lambda: validation, SIGNATURE)
    with pytest.raises(GateError, match=r"precision of 'good' on validation rows is 0.3333, asked was >= 0.9"):
        gates.enforce([each.as_dict() for each in of_thresholds(found.thresholds)])
