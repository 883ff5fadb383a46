"""Judging: scores that can be judged, intervals, slices, what is kept of each row, and what is said of few rows."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from aiaas import evaluate, pipeline, recipe
from aiaas.cli.judgement import show_judgement
from aiaas.contracts import Signature
from aiaas.errors import DataError, RecipeError, TrainingError
from aiaas.evaluate import certainty, grouping, keeping, notes, slices
from aiaas.evaluate.origin import Origin
from aiaas.evaluate.scoring import Scored, score
from aiaas.pipeline.stages import Work
from aiaas.pipeline.tracking import _judged
from aiaas.recipe.evaluate import Evaluate, Intervals
from aiaas.tasks import tabular_regression, text_classification
from aiaas.workspace import Workspace

SIGNATURE = Signature({"text": "string"}, "label", ("bad", "good"))
FEW_SAMPLES = Intervals(samples=100)


class Given:
    """A model that gives the same scores whatever it is shown."""

    def __init__(self, scores: Any) -> None:
        self.scores = np.asarray(scores, np.float32)

    def predict(self, examples: Any) -> Any:
        return self.scores[: len(examples)]

    def save(self, directory: Path) -> None: ...


def rows_of(labels: list[int], names: tuple[str, ...] = ("bad", "good")) -> Dataset:
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(names))})
    return Dataset.from_dict({"text": [f"text {n}" for n in range(len(labels))], "label": labels}, features)


def scored(rows: int = 200, right: float = 0.8, seed: int = 0) -> Scored:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 2, rows)
    good = np.where(rng.random(rows) < right, targets, 1 - targets) * 0.4 + 0.3 + rng.random(rows) * 0.1
    return Scored(targets, np.stack([1 - good, good], axis=1).astype(np.float32))


# --- scores


def test_scores_that_are_no_numbers_are_refused_with_their_row() -> None:
    model = Given([[0.5, 0.5], [0.1, 0.9], [np.nan, 1.0]])
    with pytest.raises(TrainingError, match=r"no number for row 3 of test: nan, 1\.0"):
        score(model, rows_of([0, 1, 0]), text_classification, SIGNATURE)
    with pytest.raises(TrainingError, match="row 1 of test: inf"):
        score(Given([[np.inf, 0.5]]), rows_of([0]), text_classification, SIGNATURE)


def test_a_label_has_the_number_that_the_model_gives_it() -> None:
    found = score(Given([[1, 0]] * 3), rows_of([0, 1, 1], ("good", "bad")), text_classification, SIGNATURE)
    assert found.targets.tolist() == [1, 0, 0]


def test_a_label_that_the_model_does_not_know_is_refused() -> None:
    rows = rows_of([0, 1, 2, 2], ("bad", "good", "ugly"))
    with pytest.raises(
        DataError, match="2 of 4 rows have a label that the model does not know, first row 3 with 'ugly'"
    ):
        score(Given([[1, 0]] * 4), rows, text_classification, SIGNATURE)


def test_a_label_that_no_row_has_may_be_unknown() -> None:
    rows = rows_of([0, 1], ("bad", "good", "ugly"))
    assert score(Given([[1, 0]] * 2), rows, text_classification, SIGNATURE).targets.tolist() == [0, 1]


# --- intervals


def test_every_metric_has_an_interval_around_it() -> None:
    data = scored()
    found = certainty.of(Evaluate(), 3, data, text_classification, SIGNATURE)
    assert found is not None
    metrics = text_classification.measure(data.targets, data.scores, SIGNATURE)
    assert list(found["metrics"]) == list(text_classification.METRICS)
    for name, (low, high) in found["metrics"].items():
        assert low < metrics[name] < high
    for label, figures in found["classes"].items():
        for name, (low, high) in figures.items():
            assert low < metrics["classes"][label][name] < high
    assert certainty.of(Evaluate(), 3, data, text_classification, SIGNATURE) == found
    assert certainty.of(Evaluate(), 4, data, text_classification, SIGNATURE) != found


def test_a_higher_level_is_wider_and_fewer_rows_are() -> None:
    def width(rows: int, level: float) -> float:
        section = Evaluate(intervals=Intervals(level=level))
        found = certainty.of(section, 0, scored(rows), text_classification, SIGNATURE)
        assert found is not None
        low, high = found["metrics"]["accuracy"]
        return float(high - low)

    assert width(200, 0.8) < width(200, 0.95) < width(200, 0.99)
    assert width(800, 0.95) < 0.7 * width(200, 0.95)


def test_no_samples_no_intervals_and_no_statistics_none() -> None:
    none = Evaluate(intervals=Intervals(samples=0))
    assert certainty.of(none, 0, scored(), text_classification, SIGNATURE) is None
    plain: Any = SimpleNamespace(METRICS={"x": "higher"})
    assert certainty.of(Evaluate(), 0, scored(), plain, SIGNATURE) is None
    assert notes.of({"rows": 90}, Evaluate(), plain) == [
        "the task has no statistics, so there are no intervals and no slices"
    ]
    assert notes.of({"rows": 90}, none, plain) == []


def test_one_row_has_metrics_and_no_interval() -> None:
    found = certainty.of(Evaluate(), 0, scored(1, right=1), text_classification, SIGNATURE)
    assert found is not None
    assert set(found["metrics"].values()) == {None}
    assert notes.of({"rows": 1}, Evaluate(), text_classification) == ["there is 1 test row: too few to judge by"]


def test_equal_scores_have_no_interval_where_nothing_varies() -> None:
    data = Scored(np.array([0, 1] * 40), np.full((80, 2), 0.5, np.float32))
    found = certainty.of(Evaluate(), 0, data, text_classification, SIGNATURE)
    assert found is not None
    assert found["metrics"]["roc_auc"] is None
    assert found["metrics"]["log_loss"] is None
    low, high = found["metrics"]["accuracy"]
    assert low < 0.5 < high


def test_a_class_without_test_rows_is_told() -> None:
    data = scored(90)
    signature = Signature({"text": "string"}, "label", ("bad", "good", "ugly"))
    wide = Scored(data.targets, np.pad(data.scores, ((0, 0), (0, 1))))
    found = certainty.of(Evaluate(), 0, wide, text_classification, signature)
    assert found is not None
    assert found["classes"]["ugly"] == {"precision": None, "recall": None, "f1": None, "roc_auc": None}
    metrics = {**text_classification.measure(wide.targets, wide.scores, signature), "rows": 90}
    assert notes.of(metrics, Evaluate(), text_classification) == [
        "no test row has the label 'ugly': nothing is known of how well the model tells that"
    ]


def test_what_never_happened_is_not_said_to_be_impossible() -> None:
    data = scored(60, right=1)
    found = certainty.of(Evaluate(), 0, data, text_classification, SIGNATURE)
    assert found is not None
    assert found["metrics"]["accuracy"] is None
    metrics = {**text_classification.measure(data.targets, data.scores, SIGNATURE), "rows": 60, "intervals": found}
    (told,) = [each for each in notes.of(metrics, Evaluate(), text_classification) if "interval" in each]
    assert told.startswith("accuracy, precision")
    assert told.endswith("what 60 rows never show may still happen in 5.0% of all")


def test_ends_are_tracked_as_numbers_and_slices_are_not() -> None:
    metrics = {
        "accuracy": 0.8,
        "rows": 9,
        "intervals": {"level": 0.95, "metrics": {"accuracy": [0.7, 0.9], "roc_auc": None}},
        "slices": [],
        "worst": [],
        "notes": ["few"],
    }
    assert _judged(metrics) == {"accuracy": 0.8, "rows": 9, "accuracy_low": 0.7, "accuracy_high": 0.9}


# --- slices


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8], ["1 to 2", "1 to 2", "3 to 4", "3 to 4", "5 to 6", "5 to 6", "7 to 8", "7 to 8"]),
        ([5, 5, 5, 5, 5, 9], ["5", "5", "5", "5", "5", "9"]),
        ([2.5, None, 2.5], ["2.5", "(missing)", "2.5"]),
        ([None], ["(missing)"]),
        ([7], ["7"]),
    ],
)
def test_numbers_are_cut_into_quartiles(values: list[Any], expected: list[str]) -> None:
    assert grouping.by_number(values) == expected


def test_a_column_is_cut_where_it_holds_numbers() -> None:
    assert set(grouping.by_column([str(number) for number in range(40)])) == {
        "0 to 9",
        "10 to 19",
        "20 to 29",
        "30 to 39",
    }
    assert grouping.by_column([1.0, 2.0, None, float("nan")]) == ["1", "2", "(missing)", "(missing)"]
    assert grouping.by_column(["a", " ", True]) == ["a", "(missing)", "True"]


def test_rare_values_go_together() -> None:
    values = [name for place, name in enumerate("abcdefghijklmnop") for _ in range(20 - place)]
    found = grouping.in_order(grouping.by_value(values))
    assert list(found) == [*"abcdefghijk", "(other)"]
    assert sum(found.values()) == len(values)


def test_slices_come_in_order() -> None:
    assert list(grouping.in_order(["9", "(missing)", "10 to 20", "b", "a", "a"])) == [
        "9",
        "10 to 20",
        "a",
        "b",
        "(missing)",
    ]


def sliced(data: Scored, names: list[str], section: Evaluate | None = None, task: Any = text_classification) -> Any:
    wanted = section or Evaluate(slices=("kind",), intervals=FEW_SAMPLES)
    origin: Any = SimpleNamespace(column=lambda name: names)
    rows: Any = None
    return slices.of(wanted, 0, data, task, SIGNATURE, rows, origin, ())


def test_the_worst_slice_is_named() -> None:
    good, bad = scored(300, 0.9), scored(100, 0.6, seed=1)
    data = Scored(np.append(good.targets, bad.targets), np.concatenate([good.scores, bad.scores]))
    found = sliced(data, ["even", "odd"] * 150 + ["late"] * 100)
    assert [(each["value"], each["rows"], each["few"]) for each in found["slices"]] == [
        ("even", 150, False),
        ("odd", 150, False),
        ("late", 100, False),
    ]
    (worst,) = found["worst"]
    assert (worst["slice"], worst["value"], worst["metric"]) == ("kind", "late", "accuracy")
    late = next(each for each in found["slices"] if each["value"] == "late")
    alone = text_classification.measure(bad.targets, bad.scores, SIGNATURE)
    assert late["metrics"] == {name: pytest.approx(alone[name]) for name in text_classification.METRICS}
    assert worst["difference"] == pytest.approx(
        alone["accuracy"] - text_classification.measure(good.targets, good.scores, SIGNATURE)["accuracy"]
    )
    assert late["against_rest"]["worse"]
    assert late["against_rest"]["p"] < 1e-4
    low, high = late["intervals"]["accuracy"]
    assert low < alone["accuracy"] < high


def test_slices_of_a_model_that_is_equally_good_are_not_worse() -> None:
    rng = np.random.default_rng(0)
    names = rng.choice([*"abcdefgh"], 600).tolist()
    assert sliced(scored(600), names)["worst"] == []


def test_a_small_slice_is_not_held_against_the_rest() -> None:
    found = sliced(scored(120), ["large"] * 100 + ["small"] * 20)
    large, small = found["slices"]
    assert small["few"]
    assert "against_rest" not in small
    assert "against_rest" not in large  # the rest of it are the few
    assert found["worst"] == []


def test_a_slice_of_one_row_and_of_one_class() -> None:
    data = scored(120)
    found = sliced(data, ["all"] * 119 + ["one"])
    one = next(each for each in found["slices"] if each["value"] == "one")
    assert one["rows"] == 1
    assert one["metrics"]["roc_auc"] is None
    assert set(one["intervals"].values()) == {None}


def test_more_is_worse_of_an_error() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 5, 400)
    spread = np.where(np.arange(400) < 100, 4.0, 1.0)
    data = Scored(truth, (truth + rng.normal(0, 1, 400) * spread)[:, None].astype(np.float32))
    found = sliced(data, ["wide"] * 100 + ["narrow"] * 300, task=tabular_regression)
    assert [each["value"] for each in found["worst"]] == ["wide"]
    assert found["worst"][0]["metric"] == "mae"


def test_slices_without_intervals() -> None:
    section = Evaluate(slices=("kind",), intervals=Intervals(samples=0))
    found = sliced(scored(200), ["a", "b"] * 100, section)
    assert all("intervals" not in each for each in found["slices"])
    assert all(each["against_rest"]["p"] > 0.01 for each in found["slices"])


# --- where rows come from


def collected(folder: Path) -> Path:
    path = folder / "data.arrow"
    columns = {"text": ["a", "b", "a", "c"], "label": ["x", "y", "x", "x"], "mood": ["1", "2", "3", "4"]}
    table = pa.table({**columns, "_source": pa.array([0, 0, 1, 1])})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table, max_chunksize=2)
    return path


def test_rows_are_identified_by_what_was_collected(tmp_path: Path) -> None:
    origin = Origin(collected(tmp_path), np.array([4, 1, 3, 2, 1]))
    keys = origin.keys(text_classification)
    assert len(keys) == 5
    assert keys[1] == keys[2] == keys[4]
    assert len(set(keys.tolist())) == 3
    assert origin.column("mood") == ["4", "1", "3", "2", "1"]
    assert grouping.grouped("source", None, text_classification, SIGNATURE, origin, ("one", "two")) == [  # type: ignore[arg-type]
        "two", "one", "two", "one", "one",
    ]  # fmt: skip


def test_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'mod' to slice by; the columns are: text, label, mood"):
        Origin(collected(tmp_path), np.array([1])).column("mod")


def test_rows_of_two_runs_are_matched_by_their_keys() -> None:
    first = np.frombuffer(b"aaaabbbbaaaacccc", "V4")
    second = np.frombuffer(b"ccccaaaadddd", "V4")
    mine, theirs = evaluate.matched(first, second)
    assert mine.tolist() == [0, 3]
    assert theirs.tolist() == [1, 0]
    assert evaluate.matched(first, np.frombuffer(b"dddd", "V4"))[0].size == 0


@pytest.mark.parametrize("targets", [np.array([1, 0, 1]), np.array([0.5, 1.5, -2.0]), np.empty(0)])
def test_what_is_kept_is_read_again(tmp_path: Path, targets: Any) -> None:
    scores = np.random.default_rng(0).random((3, 4)).astype(np.float32)
    keys, rows = np.frombuffer(bytes(range(48)), "V16"), np.array([7, 9, 8])
    keeping.write(tmp_path, Scored(targets, scores), "text-classification", SIGNATURE, keys, rows)
    found = evaluate.kept(tmp_path)
    assert (found.task, found.signature, len(found)) == ("text-classification", SIGNATURE, 3)
    np.testing.assert_array_equal(found.targets, targets)
    np.testing.assert_array_equal(found.scores, scores)
    assert found.keys.tolist() == keys.tolist()
    assert found.rows.tolist() == [7, 9, 8]
    few = found.at(np.array([2, 0]))
    assert few.rows.tolist() == [8, 7]
    assert few.scores.tolist() == scores[[2, 0]].tolist()
    assert len(few.targets) == (2 if len(targets) else 0)
    with pytest.raises(DataError, match="kept no scores"):
        evaluate.kept(tmp_path / "elsewhere")


# --- from recipe to terminal


@pytest.fixture
def judged(project: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Judges tiny.yaml with overrides: the artefact and its metrics."""
    monkeypatch.setenv("AIAAS_TRACKING", "off")

    def judge(*overrides: str) -> tuple[Path, dict[str, Any]]:
        work = Work(recipe.read(project / "tiny.yaml", overrides), Workspace.open(project / ".aiaas"))
        result = pipeline.run(work, "evaluate")
        key = next(stage.key for stage in result.stages if stage.name == "evaluate")
        folder = work.workspace.folder("evaluate", key)
        return folder, json.loads((folder / "metrics.json").read_text("utf-8"))

    return judge


def test_a_run_is_judged_with_intervals_and_slices(judged: Any, capsys: pytest.CaptureFixture[str]) -> None:
    folder, metrics = judged("evaluate.slices=[length, source]", "evaluate.intervals.samples=50")
    assert metrics["intervals"]["samples"] == 50
    assert {each["slice"] for each in metrics["slices"]} == {"length", "source"}
    assert sum(each["rows"] for each in metrics["slices"]) == 2 * metrics["rows"]
    sources = {each["value"] for each in metrics["slices"] if each["slice"] == "source"}
    assert sources == {"good.txt", "bad.txt"}
    found = evaluate.kept(folder)
    assert len(found) == metrics["rows"]
    assert text_classification.measure(found.targets, found.scores, found.signature)["accuracy"] == metrics["accuracy"]
    show_judgement(metrics, [])
    told = capsys.readouterr().err
    assert "95 % interval" in told
    assert "slices is significantly worse than the rest" in told
    assert max(map(len, told.splitlines())) <= 80


def test_texts_are_sliced_by_a_column_that_no_model_learns(judged: Any, project: Path) -> None:
    rows = [(text, "pos") for text in (project / "good.txt").read_text("utf-8").split()]
    rows += [(text, "neg") for text in (project / "bad.txt").read_text("utf-8").split()]
    lines = [f"{text},{label},{'abc'[place % 3]},{place}" for place, (text, label) in enumerate(rows)]
    (project / "rows.csv").write_text("\n".join(["text,label,shop,price", *lines]) + "\n", "utf-8")
    by = "evaluate.slices=[shop, price]"
    _, metrics = judged('collect=[{"source": "rows.csv", "columns": {"price": "price"}}]', by, "evaluate.intervals={}")
    found = metrics["slices"]
    assert {each["value"] for each in found if each["slice"] == "shop"} == {"a", "b", "c"}
    assert len([each for each in found if each["slice"] == "price"]) == 4
    with pytest.raises(DataError, match="no column 'shops'"):
        judged('collect=[{"source": "rows.csv"}]', "evaluate.slices=[shops]")


def test_rows_are_the_same_whatever_steps_they_went_through(judged: Any) -> None:
    first, second = (
        evaluate.kept(judged(f"preprocess.steps={steps}", "evaluate.intervals.samples=0")[0])
        for steps in ("[clean]", "[stopwords]")
    )
    mine, theirs = evaluate.matched(first.keys, second.keys)
    np.testing.assert_array_equal(first.rows[mine], second.rows[theirs])
    assert len(mine) > 0


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("evaluate.slices=[length, length]", "names 'length' twice"),
        ("evaluate.slices=length", "must be a list"),
        ("evaluate.intervals.samples=-1", "samples"),
        ("evaluate.intervals.level=95", "level"),
        ("evaluate.interval={}", "intervals"),
    ],
)
def test_what_a_recipe_may_not_say(project: Path, override: str, words: str) -> None:
    with pytest.raises(RecipeError) as raised:
        recipe.read(project / "tiny.yaml", [override])
    assert any(words in f"{fault.path} {fault.message} {fault.hint}" for fault in raised.value.faults)


def test_pictures_have_no_language() -> None:
    data = {
        "name": "pictures",
        "task": "image-classification",
        "collect": [{"source": "pictures/**/*.png"}],
        "model": {"backend": "tensorflow", "architecture": "cnn"},
        "evaluate": {"slices": ["source", "language"]},
    }
    with pytest.raises(RecipeError, match=r"evaluate\.slices\[?\.?1\]?.*is of texts"):
        recipe.Recipe.from_dict(data)
