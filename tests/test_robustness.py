"""Changed inputs go the way of a request and are held against the same rows as they were; what a model writes is
judged by what it repeats."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from aiaas import pipeline, plugins, recipe
from aiaas.cli.judgement import show_judgement
from aiaas.contracts import JudgesWriting, Signature, metrics_of
from aiaas.errors import ExampleError, MissingPackageError, RecipeError
from aiaas.evaluate import notes, robustness, writing
from aiaas.evaluate.requests import Requests
from aiaas.pipeline.stages import Work
from aiaas.pipeline.tracking import _judged
from aiaas.recipe.evaluate import Evaluate, Intervals, Robustness, Samples
from aiaas.statistics import observed
from aiaas.tasks import tabular_classification, tabular_regression, text_classification, text_generation
from aiaas.workspace import Workspace
from tests import writer

LABELS = Signature({"text": "string"}, "label", ("bad", "good"))
FEW = Intervals(samples=200)


class Reads:
    """Says `good` of texts that hold the word as it is, and refuses, or has no number for, what it is told to."""

    def __init__(self, refuses: str = "\0", nothing: str = "\0") -> None:
        self.refuses, self.nothing, self.asked = refuses, nothing, 0

    def predict(self, examples: Any) -> Any:
        self.asked += len(examples)
        for place, text in enumerate(examples):
            if self.refuses in text:
                raise ExampleError("not that", place)
        good = np.array([np.nan if self.nothing in text else 0.9 if "good" in text else 0.1 for text in examples])
        return np.stack([1 - good, good], axis=1).astype(np.float32)

    def save(self, directory: Path) -> None: ...


class Rows:
    """Collected rows that are there without a file."""

    def __init__(self, columns: dict[str, list[Any]], rows: Any = None) -> None:
        self.collected: Any = columns
        self.rows = np.arange(1, 1 + len(next(iter(columns.values())))) if rows is None else rows

    def column(self, name: str) -> list[Any]:
        return [self.collected[name][row - 1] for row in self.rows]


@pytest.fixture
def in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robustness, "Origin", Rows)
    monkeypatch.setattr(writing, "Origin", Rows)


TARGETS = np.array([0, 1] * 60)
TEXTS = [f"this is {('bad', 'good')[target]} and number {n}" for n, target in enumerate(TARGETS)]


def tried(names: Any, model: Any = None, texts: Any = TEXTS, **section: Any) -> Any:
    wanted = Evaluate(robustness=Robustness(perturbations=names, **section), intervals=FEW)
    asking = Requests(text_classification, LABELS, LABELS, ())
    origin: Any = Rows({"text": list(texts)})
    return robustness.of(wanted, 0, model or Reads(), asking, TARGETS[: len(texts)], origin)


@pytest.mark.usefixtures("in_memory")
def test_a_model_that_reads_words_as_they_are_is_worse_in_capitals_and_as_good_in_traditional_characters() -> None:
    model = Reads()
    found = tried(("case", "traditional", "typos"), model)
    assert (found["rows"], found["metric"], found["plain"]) == (120, "accuracy", 1.0)
    case, traditional, typos = found["perturbed"]
    assert (case["name"], case["changed"], case["value"], case["difference"]) == ("case", 120, 0.5, -0.5)
    assert case["worse"]
    assert case["p"] < 0.05
    low, high = case["interval"]
    assert low < -0.5 < high < 0
    assert (traditional["changed"], traditional["difference"], traditional["p"]) == (0, 0.0, None)
    assert not traditional["worse"]
    assert -0.5 < typos["difference"] < 0
    assert model.asked == 120 + 120 + typos["changed"], "what is not changed is not asked again"
    assert tried(("case", "traditional", "typos")) == found
    json.dumps(found, allow_nan=False)


@pytest.mark.usefixtures("in_memory")
def test_p_is_corrected_for_how_many_perturbations_there_are() -> None:
    alone, beside = (tried(names)["perturbed"][0] for names in [("case",), ("case", "width", "typos", "traditional")])
    assert alone["difference"] == beside["difference"]
    assert beside["p"] == pytest.approx(3 * alone["p"]), "what changes nothing is no test"


@pytest.mark.usefixtures("in_memory")
def test_rows_without_an_answer_do_not_count_and_are_told() -> None:
    found = tried(("case",), Reads(refuses="THIS"))
    (case,) = found["perturbed"]
    assert (case["refused"], case["value"], case["difference"], case["interval"], case["p"]) == (120, *[None] * 4)
    assert not case["worse"]
    texts = [f"{text}{' THIS' * (place < 10)}{' none' * (9 < place < 15)}" for place, text in enumerate(TEXTS)]
    found = tried(("typos", "width"), Reads("THIS", "none"), texts)
    assert found["rows"] == 105
    assert all(each["refused"] == 0 for each in found["perturbed"])
    told = notes.of(
        {"rows": 120, "robustness": tried(("case",), Reads(refuses="THIS"))}, Evaluate(), text_classification
    )
    assert told == ["with case, 120 of 120 rows got no answer and do not count"]
    assert tried(("case",), Reads(refuses="this")) is None


@pytest.mark.usefixtures("in_memory")
def test_some_rows_are_drawn_and_one_row_is_enough() -> None:
    found = tried(("case",), rows=50)
    assert found["rows"] == 50
    assert 0.3 < found["perturbed"][0]["value"] < 0.7
    one = tried(None, texts=TEXTS[:1])
    assert one["rows"] == 1
    assert all(each["interval"] is None and not each["worse"] for each in one["perturbed"])


@pytest.mark.usefixtures("in_memory")
def test_equal_scores_are_never_worse() -> None:
    class Same(Reads):
        def predict(self, examples: Any) -> Any:
            return np.full((len(examples), 2), 0.5, np.float32)

    for each in tried(None, Same())["perturbed"]:
        assert (each["difference"], each["interval"], each["worse"]) == (0.0, None, False)


@pytest.mark.usefixtures("in_memory")
def test_without_a_package_what_needs_it_is_left_out_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "_version", lambda name: None)
    found = tried(None)
    assert [each["name"] for each in found["perturbed"]] == ["typos", "case", "width"]
    (told, *_) = notes.of({"rows": 120, "robustness": found}, Evaluate(), text_classification)
    assert told == "robustness to homophones was not tried: it needs pypinyin, pip install 'aiaas[data]'"
    with pytest.raises(MissingPackageError, match=r"robustness to traditional needs the package opencc"):
        tried(("traditional",))


@pytest.mark.usefixtures("in_memory")
def test_values_of_a_table_are_measured_roughly_or_missing() -> None:
    numbers = np.random.default_rng(0).normal(0, 1, 300)
    columns = {"size": numbers.tolist(), "kind": ["a", None] * 150, "new": [True, False] * 150}
    signature = Signature({"size": "float64", "kind": "string", "new": "bool"}, "target")

    class Sums(Reads):
        def predict(self, examples: Any) -> Any:
            return np.array([[0.0 if each["size"] is None else each["size"]] for each in examples], np.float32)

    asking = Requests(tabular_regression, signature, signature, ())
    section = Evaluate(robustness=Robustness(), intervals=FEW)
    origin: Any = Rows(columns)
    found = robustness.of(section, 0, Sums(), asking, numbers, origin)
    assert found is not None
    by_name = {each["name"]: each for each in found["perturbed"]}
    assert found["metric"] == "mae"
    assert 0.05 < by_name["noise"]["value"] < 0.12
    assert by_name["noise"]["worse"]
    assert by_name["missing"]["worse"]
    assert by_name["case"]["changed"] == 150
    assert by_name["case"]["difference"] == 0


@pytest.mark.usefixtures("in_memory")
def test_changed_inputs_go_through_the_steps_of_a_request() -> None:
    class Lower:
        ON_REQUEST, ROWS = True, "all"

        def apply(self, batch: Any) -> Any:
            return {"text": [text.lower() for text in batch["text"]]}

    section = Evaluate(robustness=Robustness(perturbations=("case",)), intervals=FEW)
    step: Any = Lower()
    origin: Any = Rows({"text": TEXTS})
    found = robustness.of(section, 0, Reads(), Requests(text_classification, LABELS, LABELS, (step,)), TARGETS, origin)
    assert found is not None
    assert found["perturbed"][0]["changed"] == 120
    assert found["perturbed"][0]["difference"] == 0


@pytest.mark.usefixtures("in_memory")
def test_nothing_where_none_is_asked_for_or_nothing_can_be_weighed() -> None:
    origin: Any = Rows({"text": TEXTS})
    asking = Requests(text_classification, LABELS, LABELS, ())
    assert robustness.of(Evaluate(), 0, Reads(), asking, TARGETS, origin) is None
    plain: Any = SimpleNamespace(METRICS={"x": "higher"})
    asking = Requests(plain, LABELS, LABELS, ())
    assert robustness.of(Evaluate(robustness=Robustness()), 0, Reads(), asking, TARGETS, origin) is None


# --- what a recipe may say


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (True, Robustness()),
        (False, None),
        (["typos"], Robustness(perturbations=("typos",))),
        ({"rows": 5}, Robustness(rows=5)),
    ],
)
def test_the_ways_to_say_it(project: Path, said: Any, wanted: Any) -> None:
    assert Evaluate(robustness=said).robustness == wanted
    read = recipe.read(project / "tiny.yaml", [f"evaluate.robustness={json.dumps(said)}"])
    assert read.evaluate.robustness == wanted
    assert recipe.Recipe.from_dict(read.resolved(), base=project) == read


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("evaluate.robustness=[typo]", r"unknown perturbation 'typo'; allowed: typos, homophones"),
        ("evaluate.robustness=[blur]", r"unknown perturbation 'blur'"),
        ('evaluate.robustness={"perturbations": [blur]}', r"unknown perturbation 'blur'"),
        ("evaluate.robustness=[typos, typos]", "names 'typos' twice"),
        ("evaluate.robustness=[]", "at least 1"),
        ("evaluate.robustness=[1]", "text"),
        ("evaluate.robustness=typos", "mapping"),
        ("evaluate.robustness.rows=0", "at least 1"),
        ("evaluate.samples.texts=-1", "texts"),
        ("evaluate.gates.distinct_1='>= 0.1'", "unknown metric"),
    ],
)
def test_what_a_recipe_may_not_say(project: Path, override: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        recipe.read(project / "tiny.yaml", [override])


def test_a_model_that_writes_is_gated_by_what_it_writes_and_not_asked_with_slips(tmp_path: Path) -> None:
    path = tmp_path / "writer.yaml"
    path.write_text(writer.RECIPE + 'evaluate: {gates: {distinct_2: ">= 0.5"}}\n', "utf-8")
    assert list(recipe.read(path).evaluate.gates) == ["distinct_2"]
    with pytest.raises(RecipeError, match="is of models that answer, and this one writes"):
        recipe.read(path, ["evaluate.robustness=true"])
    assert set(metrics_of(text_classification)) == set(text_classification.METRICS)  # type: ignore[arg-type]
    assert isinstance(text_generation, JudgesWriting)
    assert not isinstance(tabular_classification, JudgesWriting)


# --- what is written


def figures(*texts: str) -> dict[str, float]:
    return observed(text_generation.writing_statistics(texts), len(texts))


def test_distinct_and_repeated_words_are_counted() -> None:
    found = figures("the cat saw the cat", "The dog")
    assert found["distinct_1"] == pytest.approx(4 / 7)
    assert found["distinct_2"] == pytest.approx(4 / 5)
    assert found["repetition"] == 0
    assert figures("一二三四一二三四")["distinct_1"] == pytest.approx(4 / 8)
    assert figures("一二三四一二三四")["repetition"] == pytest.approx(1 / 5)
    assert figures("a b c d e", "a b c d e")["repetition"] == 0, "that two texts are alike is what distinct says"
    assert figures("a b c d e", "a b c d e")["distinct_2"] == pytest.approx(0.5)


def test_nothing_written_has_no_figure() -> None:
    for texts in (("",), (" ", "\n")):
        assert all(value != value for value in figures(*texts).values())
    assert figures("one")["distinct_1"] == 1


def test_what_is_said_of_texts_is_the_same_however_often_all_are_counted() -> None:
    texts = ["the cat saw the cat", "the dog", "a bird sang"]
    for statistic in text_generation.writing_statistics(texts).values():
        one, three = statistic(np.array([[1.0, 1, 1], [3, 3, 3]]))
        assert one == pytest.approx(three, nan_ok=True)


@pytest.mark.usefixtures("in_memory")
def test_a_model_writes_the_same_texts_again_and_is_judged_by_them(tmp_path: Path) -> None:
    signature = Signature({"text": "string"}, None)
    asking = Requests(text_generation, signature, signature, ())
    origin: Any = Rows({"text": ["我们大家在中国的一个地方，以为不是这样", "人和"]})
    section = Evaluate(samples=Samples(texts=5, length=12), intervals=FEW)
    texts = writing.written(section, 3, writer.generator(), asking, origin)
    assert [each.seed for each in texts] == [3, 4, 5, 6, 7]
    assert {each.prompt for each in texts} == {"我们大家在中国的一个地方，以为不", "人和"}
    assert all(len(each.text) <= 12 for each in texts)
    assert len({each.text for each in texts}) > 3
    assert writing.written(section, 3, writer.generator(), asking, origin) == texts
    assert writing.written(Evaluate(samples=Samples(texts=0)), 3, writer.generator(), asking, origin) == []
    assert writing.written(section, 3, Reads(), asking, origin) == []
    writing.keep(tmp_path, texts)
    lines = (tmp_path / "texts.jsonl").read_text("utf-8").splitlines()
    assert json.loads(lines[1]) == texts[1].as_dict()
    found, ends = writing.judged(section, 3, text_generation, texts)
    assert found["texts"] == 5
    assert 0 < found["distinct_1"] < found["distinct_2"] <= 1
    metrics = {"rows": 90, **found, "intervals": {"metrics": {"repetition": None}}}
    assert notes.of(metrics, section, text_generation) == ["the model wrote 5 texts: too few to judge it by"]
    low, high = ends["distinct_1"]  # type: ignore[misc]
    assert low < found["distinct_1"] < high


# --- from recipe to terminal


def test_a_run_is_judged_on_changed_inputs(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIAAS_TRACKING", "off")
    wanted = ["evaluate.robustness=true", "evaluate.intervals.samples=50"]
    work = Work(recipe.read(project / "tiny.yaml", wanted), Workspace.open(project / ".aiaas"))
    metrics = pipeline.run(work, "evaluate").metrics
    found = metrics["robustness"]
    assert found["rows"] == metrics["rows"]
    assert {each["name"] for each in found["perturbed"]} == {"typos", "homophones", "case", "width", "traditional"}
    assert found["plain"] == metrics[found["metric"]]
    tracked = _judged(metrics)
    assert "robustness" not in tracked
    assert tracked["robustness_typos"] == next(each["value"] for each in found["perturbed"] if each["name"] == "typos")
    show_judgement(metrics, [])
    told = capsys.readouterr().err
    assert "Inputs changed" in told
    assert max(map(len, told.splitlines())) <= 80
