"""Gates: on figures and their intervals, against another model, on the bundle; and what CI is told of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest

from aiaas import gates, pipeline, recipe
from aiaas.cli.ci import told_to_ci
from aiaas.cli.verdicts import show_gates
from aiaas.compare import Ground, answered, refuse_others
from aiaas.contracts import Signature
from aiaas.errors import DataError, ExampleError, GateError, RecipeError, UsageError
from aiaas.evaluate import Kept
from aiaas.gates.against import Pair, Side, hold, where
from aiaas.gates.figures import judge_figure, robustness_drop, slice_gap
from aiaas.gates.junit import junit
from aiaas.gates.summary import summary
from aiaas.pipeline.stages import Work
from aiaas.recipe.gate import Against, Gate
from aiaas.statistics import Resamples
from aiaas.tasks import tabular_regression, text_classification
from aiaas.track import Registry
from aiaas.workspace import Workspace

SIGNATURE = Signature({"text": "string"}, "label", ("bad", "good"))
BETTER = text_classification.METRICS
FEW_SAMPLES = 200


@pytest.fixture(autouse=True)
def _untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAAS_TRACKING", "off")


# --- figures

METRICS = {
    "accuracy": 0.85,
    "log_loss": 0.4,
    "roc_auc": None,
    "f1": 0.8,
    "intervals": {"metrics": {"accuracy": [0.82, 0.88], "log_loss": [0.35, 0.46], "f1": None}},
}


@pytest.mark.parametrize(
    ("name", "asked", "met", "bound"),
    [
        ("accuracy", ">= 0.83", True, None),
        ("accuracy", ">= 0.83 by interval", False, 0.82),
        ("accuracy", "> 0.81 by interval", True, 0.82),
        ("log_loss", "<= 0.45", True, None),
        ("log_loss", "<= 0.45 by interval", False, 0.46),
        ("roc_auc", ">= 0", False, None),
        ("roc_auc", ">= 0 by interval", False, None),
        ("f1", ">= 0 by interval", False, None),
    ],
)
def test_a_gate_is_judged_by_the_value_or_by_the_far_end_of_the_interval(
    name: str, asked: str, met: bool, bound: float | None
) -> None:
    verdict = judge_figure(name, Gate.parse(asked), METRICS, BETTER)
    assert (verdict.met, verdict.bound, verdict.gate) == (met, bound, asked)
    assert ("no interval" in (verdict.note or "")) == (name == "f1")


def part(kind: str, value: str, accuracy: float, few: bool = False) -> dict[str, Any]:
    return {"slice": kind, "value": value, "few": few, "metrics": {"accuracy": accuracy}}


def test_the_gap_is_between_slices_of_one_kind_with_rows_enough() -> None:
    slices = [
        part("shop", "a", 0.9),
        part("length", "short", 0.95),
        part("shop", "b", 0.82),
        part("length", "long", 0.93),
        part("shop", "tiny", 0.1, few=True),
    ]
    gap, told = slice_gap({"accuracy": 0.9, "slices": slices}, BETTER)
    assert gap == pytest.approx(0.08)
    assert told == "accuracy of shop: b 0.8200, a 0.9000"
    alone = {"accuracy": 0.9, "slices": slices[:2]}
    assert slice_gap(alone, BETTER)[0] is None
    assert not judge_figure("slice_gap", Gate.parse("<= 1"), alone, BETTER).met


def test_the_worst_perturbation_decides_whichever_way_is_better() -> None:
    perturbed = [{"name": "typos", "difference": -0.04}, {"name": "case", "difference": 0.01}]
    found = {"robustness": {"metric": "accuracy", "perturbed": perturbed}}
    assert robustness_drop(found, BETTER) == (pytest.approx(0.04), "accuracy under typos")
    found = {"robustness": {"metric": "mae", "perturbed": perturbed}}
    assert robustness_drop(found, tabular_regression.METRICS) == (pytest.approx(0.01), "mae under case")
    assert robustness_drop({}, BETTER)[0] is None


def test_a_bundle_that_is_slow_is_measured_once_more() -> None:
    asked = {"latency_p95_ms": Gate.parse("<= 5"), "size_mb": Gate.parse("< 2"), "accuracy": Gate.parse("> 0")}
    deployed = {"bytes": 2_500_000, "runtime": {"name": "native"}, "latency_p95_ms": 9.0}
    slow, large = gates.judge_bundle(asked, deployed)
    assert (slow.value, slow.met, large.value, large.met) == (9.0, False, 2.5, False)
    assert gates.judge_bundle(asked, deployed, lambda: 3.0)[0].value == 3.0
    assert gates.judge_bundle(asked, deployed, lambda: 20.0)[0].value == 9.0
    drop = {"max_accuracy_drop": Gate.parse("<= 0.01")}
    assert gates.judge_bundle(drop, deployed)[0].value == 0.0
    lossy = {**deployed, "runtime": {"name": "onnx", "accuracy_drop": 0.02}}
    assert not gates.judge_bundle(drop, lossy)[0].met


# --- against another model


def scores(right: Any, targets: Any) -> Any:
    """Scores of a classifier that gets these rows right."""
    good = np.where(np.where(right, targets, 1 - targets) == 1, 0.8, 0.2)
    return np.stack([1 - good, good], axis=1).astype(np.float32)


def pair(before: float, after: float, rows: int = 600, seed: int = 0) -> Pair:
    """Two models, each right on a share of the rows."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 2, rows)
    sides = [Side(scores(rng.random(rows) < share, targets), SIGNATURE) for share in (before, after)]
    return Pair(text_classification, targets, *sides)


def held(of: Pair, metric: str = "accuracy", **asked: Any) -> Any:
    return hold(of, Against(**asked), metric, Resamples(len(of), FEW_SAMPLES, 1))


def test_accuracy_is_held_by_mcnemar_and_all_else_by_the_paired_bootstrap() -> None:
    worse = pair(0.9, 0.75)
    for metric, test in (("accuracy", "McNemar"), ("f1", "paired bootstrap"), ("log_loss", "paired bootstrap")):
        found = held(worse, metric)
        assert (found.test, found.worse, found.p < 0.05) == (test, True, True)
        assert found.interval[0] < found.difference < found.interval[1]
        assert not held(pair(0.75, 0.9), metric).worse
    found = held(worse)
    assert found.only_before - found.only_after == round(-found.difference * 600)
    assert held(worse, "f1").only_before is None


def test_a_model_is_not_worse_than_itself() -> None:
    one = pair(0.8, 0.8)
    same = replace(one, after=one.before)
    found = held(same)
    assert (found.difference, found.p, found.worse) == (0, 1, False)
    assert not held(same, "log_loss").worse


def test_within_the_margin_is_not_worse() -> None:
    worse = pair(0.9, 0.75)
    strict, generous = held(worse, margin=0.02), held(worse, margin=0.15)
    assert (strict.test, strict.worse, generous.worse) == ("paired bootstrap", True, False)
    for each in (strict, generous):  # of the difference itself, whatever it is held against
        assert each.interval == pytest.approx(held(worse).interval)
    assert not held(worse, "log_loss", margin=5.0).worse


def test_a_metric_that_is_not_defined_holds_nothing() -> None:
    one = pair(0.8, 0.8)
    of_one_class = replace(one, targets=np.zeros_like(one.targets))
    assert held(of_one_class, "roc_auc") is None


def test_a_number_that_is_predicted_worse_is_found() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=300)
    sides = [
        Side((truth + rng.normal(0, spread, 300))[:, None].astype(np.float32), Signature({}, "target"))
        for spread in (1.0, 1.6)
    ]
    found = held(Pair(tabular_regression, truth, *sides), "mae")
    assert (found.worse, found.only_before, found.difference > 0) == (True, None, True)


def test_where_it_is_worse_is_said_by_class_and_by_slice() -> None:
    rng = np.random.default_rng(3)
    targets = rng.integers(0, 2, 900)
    shop = rng.integers(0, 3, 900)
    right = rng.random(900) < 0.9
    broken = right & ~((shop == 1) & (rng.random(900) < 0.5))
    both = Pair(text_classification, targets, *(Side(scores(each, targets), SIGNATURE) for each in (right, broken)))
    masks = {("class", str(number)): shop == number for number in range(3)} | {("class", "few"): np.arange(900) < 9}
    parts = where(both, "accuracy", masks, Resamples(900, FEW_SAMPLES), 0.95)
    assert [(each["kind"], each["value"], each["metric"]) for each in parts] == [
        ("class", "bad", "f1"),
        ("class", "good", "f1"),
        *(("class", str(number), "accuracy") for number in range(3)),
    ]
    by_shop = {each["value"]: each for each in parts[2:]}
    assert [each for each, found in by_shop.items() if found["worse"]] == ["1"]
    assert by_shop["1"]["difference"] < -0.3
    assert (by_shop["0"]["difference"], by_shop["0"]["p"]) == (0, None)
    assert sum(each["rows"] for each in by_shop.values()) == 900


# --- the rows as requests


def ground(task: str = "text-classification", labels: tuple[str, ...] = ("bad", "good")) -> Ground:
    empty = np.zeros((2, len(labels)), np.float32)
    kept = Kept(task, replace(SIGNATURE, labels=labels), np.zeros(2, int), empty, np.zeros(2, "V16"), np.array([1, 1]))
    return Ground(kept, Path("nowhere"))


def test_models_of_another_task_or_other_labels_are_refused_with_what_differs() -> None:
    refuse_others(ground(), "text-classification", ("good", "bad"), "mine")
    with pytest.raises(DataError, match="mine does tabular-regression, the rows are those of text-classification"):
        refuse_others(ground(), "tabular-regression", (), "mine")
    with pytest.raises(DataError, match="only mine knows 'ugly'; mine does not know 'bad'"):
        refuse_others(ground(), "text-classification", ("good", "ugly"), "mine")


def test_parts_of_one_collected_row_are_known_as_such() -> None:
    assert ground().divided
    assert not ground().at(np.array([0])).divided


class Lengths:
    """Stands for a bundle: the longer a text, the likelier good, its first label; it takes no text of 9 characters."""

    name, manifest, task = "lengths", {"task": "text-classification"}, text_classification
    signature = replace(SIGNATURE, labels=("good", "bad"))

    def decode(self, value: Any) -> dict[str, Any]:
        return text_classification.decode(value, self.signature)

    def prepared(self, rows: Any) -> list[str]:
        return [row["text"] for row in rows]

    @property
    def model(self) -> Lengths:
        return self

    def predict(self, texts: list[str]) -> Any:
        if 9 in map(len, texts):
            raise ExampleError("nine", [len(text) for text in texts].index(9))
        return np.array([[len(text) / 10, 1 - len(text) / 10] for text in texts], np.float32)


def test_a_bundle_answers_rows_in_their_order_and_by_the_labels_of_the_ground(tmp_path: Path) -> None:
    texts = ["x" * length for length in (1, 9, 3, 5)]
    table = pa.table({"text": texts, "label": ["bad"] * 4, "_source": [0] * 4})
    with pa.OSFile(str(tmp_path / "data.arrow"), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table, max_chunksize=2)  # rows 1 and 2, then 3 and 4
    there = np.array([4, 1, 3, 4])
    kept = replace(ground().kept, scores=np.zeros((4, 2), np.float32), rows=there, keys=np.zeros(4, "V16"))
    asked = Ground(replace(kept, targets=np.zeros(4, int)), tmp_path / "data.arrow")
    bundle: Any = Lengths()
    assert answered(bundle, asked)[:, 1].tolist() == pytest.approx([0.5, 0.1, 0.3, 0.5])
    assert answered(bundle, asked.at(np.array([1, 2]))).argmax(axis=1).tolist() == [0, 0]
    requests = [each for batch in asked.requests(SIGNATURE) for each in batch]
    assert [requests[place] for place in asked.places()] == [{"text": texts[row - 1]} for row in there]
    refusing = replace(asked, kept=replace(asked.kept, rows=np.array([4, 1, 2, 4])))
    with pytest.raises(DataError, match="lengths cannot take row 2 of the collected data: nine"):
        answered(bundle, refusing)
    with pytest.raises(DataError, match="the data has no column 'title'; it has: text, label"):
        asked.columns(["title"])


# --- what a recipe may say


@pytest.mark.parametrize(
    ("said", "path", "told"),
    [
        ("gates={against: [a]}", "against", "must be a model, such as champion"),
        ("gates={against: {margin: -1}}", "against.margin", "must be at least 0"),
        ("gates={against: {metric: mae}}", "against.metric", "unknown metric 'mae'"),
        ("gates={against: a b}", "against.model", "must be an alias, the number of a version"),
        ('gates={slice_gap: "<= 0.1"}', "slice_gap", "needs evaluate.slices"),
        ('gates={robustness_drop: "<= 0.1"}', "robustness_drop", "needs evaluate.robustness"),
        ('gates={size_mb: "<= 9 by interval"}', "size_mb", "cannot be judged by interval"),
        ('gates={latency_p99: "<= 9"}', "latency_p99", "unknown metric 'latency_p99'"),
        ('gates={accuracy: ">= 0.8 by luck"}', "accuracy", "must be one of >=, >, <=, <"),
    ],
)
def test_a_gate_that_cannot_be_judged_is_a_fault_of_the_recipe(project: Path, said: str, path: str, told: str) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe.read(project / "tiny.yaml", [f"evaluate.{said}"])
    (fault,) = caught.value.faults
    assert fault.path == f"evaluate.gates.{path}"
    assert told in fault.message


def test_gates_read_back_as_they_were_said(project: Path) -> None:
    said = ["evaluate.gates.against=3", "evaluate.gates.f1=>= 0.5 by interval", "evaluate.gates.size_mb=< 9"]
    read = recipe.read(project / "tiny.yaml", said)
    assert read.evaluate.against == Against(model="3")
    assert recipe.Recipe.from_dict(read.resolved()) == read
    assert read.flat()["evaluate.gates.against.model"] == "3"
    assert read.flat()["evaluate.gates.f1"] == ">= 0.5 by interval"


# --- what CI is told


WORSE = dict(zip(("before", "after", "difference", "p", "worse"), (0.9, 0.7, -0.2, 0.001, True), strict=True))
SHOP = {"kind": "shop", "value": "a|<b>\x00" + "x" * 60, "metric": "accuracy", "rows": 90, **WORSE}
AGAINST = {"metric": "against", "gate": "not significantly worse than champion", "value": -0.1, "met": False}
VERDICTS: list[dict[str, Any]] = [
    {"metric": "f1", "gate": ">= 0.8", "value": 0.9, "met": True},
    {**AGAINST, "note": "p 0.01", "against": {"model": "tiny/1", "metric": "f1", "where": [SHOP]}},
]


def test_junit_has_a_case_for_each_gate_and_one_for_what_stopped_the_run() -> None:
    suite = ElementTree.fromstring(junit("tiny", VERDICTS, 1.5, GateError("not met")))[0]
    assert [suite.get(name) for name in ("tests", "failures", "errors")] == ["2", "1", "0"]
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "xxx: accuracy 0.9000 -> 0.7000 (90 rows)" in (failure.text or "")
    suite = ElementTree.fromstring(junit("tiny", [], 0.1, DataError("no rows", hint="bring some")))[0]
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")
    assert "bring some" in "".join(suite.itertext())
    suite = ElementTree.fromstring(junit("tiny", [], 0.1))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "0", "0")


def test_the_summary_is_markdown_that_no_label_breaks() -> None:
    text = summary("tiny", {"gates": VERDICTS, "metrics": {"f1": 0.9, "rows": 90}}, GateError("not met"))
    assert text.startswith("### tiny: gates not met\n")
    assert "| against | **not met** | -0.1000 |" in text
    assert "| shop a\\|\\<b\\>" in text
    assert "On 90 test rows." in text
    assert summary("tiny", {}, DataError("no rows", where="x")).startswith("### tiny: failed\n\n> no rows (x)\n")
    model = {"name": "tiny", "version": 3}
    assert summary("tiny", {"model": model}).startswith("### tiny: registered as tiny/3\n")


def test_the_table_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show_gates(VERDICTS)
    told = capsys.readouterr().err
    assert "NOT MET" in told
    assert "Held against tiny/1" in told
    assert max(map(len, told.splitlines())) <= 80


def test_ci_is_told_of_a_failure_and_nothing_is_overwritten(tmp_path: Path) -> None:
    xml, page = tmp_path / "gates.xml", tmp_path / "page.md"
    page.write_text("before\n", "utf-8")
    error = GateError("not met")
    error.reached = {"gates": VERDICTS}

    def fail(what: Exception, junit: Path | None) -> None:
        with told_to_ci(junit, page, Path("tiny.yaml")) as told:
            told.name = "named"
            raise what

    with pytest.raises(GateError):
        fail(error, xml)
    with pytest.raises(ZeroDivisionError):
        fail(ZeroDivisionError("of ours"), None)
    assert 'failures="1"' in xml.read_text("utf-8")
    said = page.read_text("utf-8")
    assert said.startswith("before\n### named: gates not met\n")
    assert "### named: failed\n\n> a fault of ours" in said
    with pytest.raises(UsageError, match="no such folder"), told_to_ci(tmp_path / "no" / "x", None, Path("tiny.yaml")):
        pytest.fail("nothing is done where the file cannot be written")


# --- from end to end


def work(project: Path, *overrides: str) -> Work:
    return Work(recipe.read(project / "tiny.yaml", overrides), Workspace.open(project / ".aiaas"))


def stages(result: Any) -> list[str]:
    return [stage["name"] for stage in result if not stage["cached"]]


def test_a_model_that_falls_behind_the_champion_is_not_registered(project: Path) -> None:
    held = ("evaluate.gates.against=champion", "evaluate.gates.size_mb=<= 50", "evaluate.gates.latency_p95_ms=<= 9999")
    first = pipeline.run(work(project, *held, "evaluate.intervals.samples=200"))
    by_name = {gate["metric"]: gate for gate in first.gates}
    assert list(by_name) == ["accuracy", "against", "size_mb", "latency_p95_ms"]
    assert all(gate["met"] for gate in first.gates)
    assert "no version of tiny is champion yet" in by_name["against"]["note"]
    assert 0 < by_name["latency_p95_ms"]["value"] < 9999

    worse = (*held, "evaluate.intervals.samples=200", "model.params.max_features=1", "evaluate.gates.accuracy=>= 0")
    (project / "bad.txt").write_text((project / "bad.txt").read_text("utf-8") + "早餐很好，电视很好\n", "utf-8")
    with pytest.raises(GateError, match=r"against: accuracy is .*, that of tiny/1 .* on the same .* rows") as raised:
        pipeline.run(work(project, *worse))
    told = {gate["metric"]: gate for gate in raised.value.reached["gates"]}["against"]
    assert told["against"]["test"] == "McNemar"
    assert told["value"] < 0
    assert {part["value"] for part in told["against"]["where"]} == {"pos", "neg"}
    assert Registry(project / ".aiaas" / "models").aliases("tiny") == {"champion": 1}
    assert "gate" in stages(raised.value.reached["stages"])
    assert "deploy" not in [stage["name"] for stage in raised.value.reached["stages"]]

    # Another gate costs no other evaluation; another champion is another verdict.
    loose = (*worse, "evaluate.gates.against={model: champion, margin: 1.0}")
    again = pipeline.run(work(project, *loose))
    assert stages(again.as_dict()["stages"]) == ["gate", "report", "deploy"]
    assert again.model is not None
    assert again.model["version"] == 2
    itself = pipeline.run(work(project, *loose))
    assert stages(itself.as_dict()["stages"]) == ["gate", "report"]
    assert {gate["metric"]: gate["value"] for gate in itself.gates}["against"] == 0
    small = (*loose, "evaluate.gates.size_mb=<= 0.000001", "deploy.alias=other")
    with pytest.raises(GateError, match="size_mb is"):
        pipeline.run(work(project, *small))
    assert Registry(project / ".aiaas" / "models").aliases("tiny") == {"champion": 2}
    with pytest.raises(UsageError, match="tiny has no version 9"):
        pipeline.run(work(project, *loose, "evaluate.gates.against=9"))
    with pytest.raises(UsageError, match="no model is registered here as 'elsewhere@champion'"):
        pipeline.run(work(project, *loose, "evaluate.gates.against=elsewhere@champion"))
