"""Models held against each other: the same rows, tests, agreement, the front, what failed, services that err."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx
import numpy as np
import pyarrow as pa
import pytest
from rich.cells import cell_len
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from aiaas import evaluate, pipeline, recipe
from aiaas.cli.compare import _rows_of, compare_command
from aiaas.cli.comparison import show_comparison
from aiaas.compare import Comparison, Costs, Ground, Subject, compare, page, process, service
from aiaas.compare.alike import relabelled
from aiaas.compare.find import Found
from aiaas.compare.front import front
from aiaas.compare.gather import _subject, gather
from aiaas.contracts import Signature
from aiaas.errors import DataError, RemoteError, UsageError
from aiaas.evaluate import Kept
from aiaas.pipeline.stages import Work
from aiaas.track import history
from aiaas.workspace import Workspace
from tests.conftest import BAD, comments

LABELS = ("bad", "good")
SIGNATURE = Signature({"text": "string"}, "label", LABELS)


def keys_of(rows: Any) -> Any:
    return np.array([f"{row:016d}".encode() for row in rows], "S16").view("V16")


def judged(rows: int = 400, right: float = 0.8, seed: int = 0, first: int = 0) -> Kept:
    """A classifier that is right on about so many rows; the targets of row k are the same in all."""
    places = np.arange(first, first + rows)
    targets = np.random.default_rng(99).integers(0, 2, 10_000)[places]
    chance = np.random.default_rng(seed)
    sure = 0.55 + 0.4 * chance.random(rows)
    good = np.where((chance.random(rows) < right) == (targets == 1), sure, 1 - sure)
    scores = np.stack([1 - good, good], axis=1).astype(np.float32)
    return Kept("text-classification", SIGNATURE, targets, scores, keys_of(places), places + 1)


def subject(name: str, kept: Kept, **more: Any) -> Subject:
    return Subject(name, "run", kept, asked=len(kept), **more)


def standings(found: Comparison) -> dict[str, Any]:
    return {each.name: each for each in found.standings}


@pytest.fixture(scope="module")
def three() -> Comparison:
    return compare(
        [
            subject("a", judged(seed=4), costs=Costs(latency_ms=2.0, size_mb=1.0)),
            subject("b", judged(right=0.6, seed=2), costs=Costs(latency_ms=3.0, size_mb=1.0)),
            subject("c", judged(right=0.8, seed=7), costs=Costs(latency_ms=9.0, size_mb=5.0)),
        ],
        rows=5,
    )


def test_each_is_judged_as_its_evaluation_judges_it(three: Comparison) -> None:
    from aiaas.evaluate import certainty
    from aiaas.evaluate.scoring import Scored
    from aiaas.recipe.evaluate import Evaluate, Intervals
    from aiaas.tasks import text_classification

    kept = judged(seed=4)
    metrics = text_classification.measure(kept.targets, kept.scores, SIGNATURE)
    mine = standings(three)["a"]
    assert mine.metrics == {name: metrics[name] for name in text_classification.METRICS}
    section = Evaluate(intervals=Intervals(samples=three.samples))
    known = certainty.of(section, 0, Scored(kept.targets, kept.scores), text_classification, SIGNATURE)
    assert known is not None
    assert {name: list(each) for name, each in mine.intervals.items()} == known["metrics"]


def test_the_worse_one_is_found_and_the_equal_one_is_not(three: Comparison) -> None:
    found = standings(three)
    assert three.base == "a"
    assert not found["a"].against
    assert {name: found["b"].against[name].verdict for name in ("accuracy", "f1", "log_loss")} == dict.fromkeys(
        ("accuracy", "f1", "log_loss"), "worse"
    )
    assert found["c"].against["accuracy"].verdict == "unproven"


def test_accuracy_is_tested_by_mcnemar_and_corrected_over_the_models(three: Comparison) -> None:
    right = {name: _right(kept) for name, kept in _kepts().items()}
    raw = {}
    for name in ("b", "c"):
        one, other = int((right["a"] & ~right[name]).sum()), int((~right["a"] & right[name]).sum())
        raw[name] = stats.binomtest(min(one, other), one + other).pvalue
    found = standings(three)
    assert found["b"].against["accuracy"].test == "mcnemar"
    assert found["b"].against["accuracy"].p == pytest.approx(min(1, 2 * raw["b"]), rel=1e-9)
    assert found["c"].against["accuracy"].p == pytest.approx(max(2 * raw["b"], raw["c"]), rel=1e-9)
    assert found["b"].against["f1"].test == "bootstrap"


def _kepts() -> dict[str, Kept]:
    return {"a": judged(seed=4), "b": judged(right=0.6, seed=2), "c": judged(right=0.8, seed=7)}


def _right(kept: Kept) -> Any:
    return kept.scores.argmax(axis=1) == kept.targets


def test_agreement_and_kappa(three: Comparison) -> None:
    kepts = _kepts()
    first, other = (kepts[name].scores.argmax(axis=1) for name in ("a", "b"))
    found = standings(three)["b"]
    assert found.agreement == pytest.approx((first == other).mean())
    assert found.kappa == pytest.approx(cohen_kappa_score(first, other))


def test_the_rows_where_they_differ_come_farthest_first(three: Comparison) -> None:
    assert 0 < three.differ < three.rows
    assert len(three.shown) == 5
    spreads = [each.spread for each in three.shown]
    assert spreads == sorted(spreads, reverse=True)
    for each in three.shown:
        assert len(set(each.answers.values())) > 1
        assert set(each.right) == {name for name, label in each.answers.items() if label == each.target}


def test_the_front_is_of_the_metric_and_of_what_is_known_of_all(three: Comparison) -> None:
    assert three.respects == ("accuracy", "latency_ms", "size_mb")
    assert [standings(three)[name].front for name in "abc"] == [True, False, True]
    assert front({"a": [1, 1], "b": [1, 1], "c": [2, 1], "d": [0.5, 3]}) == {"a", "b", "d"}


def test_a_hundredth_of_a_cost_decides_nothing() -> None:
    same = judged()
    found = compare(
        [subject("a", same, costs=Costs(latency_ms=1.001)), subject("b", same, costs=Costs(latency_ms=1.0))]
    )
    assert [each.front for each in found.standings] == [True, True]
    assert standings(found)["b"].against["accuracy"].difference == 0
    assert standings(found)["b"].against["accuracy"].verdict == "unproven"
    assert standings(found)["b"].kappa == pytest.approx(1)


def test_it_is_fit_for_json(three: Comparison) -> None:
    told = json.loads(json.dumps(three.as_dict(), allow_nan=False))
    assert told["models"][1]["against"]["f1"]["verdict"] == "worse"


# --- the same rows


def test_only_rows_that_all_have_are_compared_and_that_is_said() -> None:
    found = compare([subject("a", judged(300)), subject("b", judged(300, seed=5, first=100))])
    assert found.rows == 200
    assert any("b and a have 200 test rows in common, of 300 and 300" in note for note in found.notes)


def test_rows_in_another_order_are_the_same_rows() -> None:
    kept = judged(100)
    shuffled = kept.at(np.random.default_rng(0).permutation(100))
    found = standings(compare([subject("a", kept), subject("b", shuffled)]))
    assert found["a"].metrics == found["b"].metrics
    assert found["b"].agreement == 1


def test_no_row_in_common_is_refused_with_how_many_there_are() -> None:
    with pytest.raises(DataError, match="b has 0 of the 50 of a") as caught:
        compare([subject("a", judged(50)), subject("b", judged(50, first=50))])
    assert "--on" in str(caught.value.hint)


def test_labels_in_another_order_are_brought_into_one() -> None:
    kept = judged(200)
    turned = relabelled(kept, ("good", "bad"))
    assert turned.targets.tolist() == (1 - kept.targets).tolist()
    found = standings(compare([subject("a", kept), subject("b", turned)]))
    assert found["a"].metrics == found["b"].metrics
    assert found["b"].agreement == 1


def test_other_labels_and_other_tasks_are_refused_with_which() -> None:
    kept = judged(50)
    ugly = replace(kept, signature=replace(SIGNATURE, labels=("bad", "ugly")))
    with pytest.raises(DataError, match="only b knows 'ugly'; b does not know 'good'"):
        compare([subject("a", kept), subject("b", ugly)])
    with pytest.raises(DataError, match="b does image-classification"):
        compare([subject("a", kept), subject("b", replace(kept, task="image-classification"))])


def test_other_targets_are_said() -> None:
    kept = judged(60)
    targets = kept.targets.copy()
    targets[:3] = 1 - targets[:3]
    found = compare([subject("a", kept), subject("b", replace(kept, targets=targets))])
    assert any("3 of 60 rows have another target in b" in note for note in found.notes)
    assert standings(found)["a"].metrics == standings(found)["b"].metrics


# --- what failed


def test_what_failed_is_counted_and_no_figure_is_of_it() -> None:
    kept = judged(200)
    some = kept.at(np.arange(10, 200))
    service = Subject("s", "service", some, asked=200, failed={"503": 7, "timeout": 3})
    found = compare([subject("a", kept), service])
    assert found.failed
    assert found.rows == 190
    assert found.notes[0].startswith("s did not answer 10 of 200 rows (7 503, 3 timeout)")
    assert standings(found)["a"].metrics == standings(found)["s"].metrics


def test_one_that_answered_nothing_is_named_and_the_others_are_compared() -> None:
    kept = judged(100)
    gone = Subject("s", "service", kept.at(np.empty(0, np.intp)), asked=100, failed={"no answer": 100})
    found = compare([subject("a", kept), subject("b", judged(100, seed=4)), gone])
    assert found.rows == 100
    assert standings(found)["s"].metrics == {}
    assert standings(found)["s"].front is None
    assert "s answered none of 100 rows" in found.notes[0]
    with pytest.raises(RemoteError, match="s answered none"):
        compare([gone, subject("a", kept)])


# --- few rows, equal scores, other tasks, names


def test_one_row_has_figures_and_no_intervals() -> None:
    found = compare([subject("a", judged(1)), subject("b", judged(1, seed=3))])
    assert set(standings(found)["a"].intervals.values()) == {None}
    assert found.notes == ["there is 1 row that all answered: too few to judge by"]
    json.dumps(found.as_dict(), allow_nan=False)


def test_equal_scores_have_no_roc_and_no_verdict() -> None:
    flat = replace(judged(80), scores=np.full((80, 2), 0.5, np.float32))
    found = compare([subject("a", judged(80)), subject("b", flat)])
    assert standings(found)["b"].metrics["roc_auc"] == 0.5
    one = replace(judged(80), targets=np.zeros(80, np.int64))
    found = compare([subject("a", one), subject("b", one)])
    assert standings(found)["b"].against["roc_auc"].p is None
    assert standings(found)["b"].against["roc_auc"].verdict == "unproven"
    json.dumps(found.as_dict(), allow_nan=False)


def test_numbers_are_compared_by_how_far_they_are_apart() -> None:
    signature = Signature({"x": "float64"}, "target")
    targets = np.arange(60.0)

    def guessed(apart: float) -> Kept:
        scores = (targets + apart * (targets % 7 - 3))[:, None].astype(np.float32)
        return Kept("tabular-regression", signature, targets, scores, keys_of(range(60)), np.arange(1, 61))

    found = compare([subject("a", guessed(0.1)), subject("b", guessed(1.0))], rows=2)
    assert found.metric == "mae"
    assert standings(found)["b"].against["rmse"].verdict == "worse"
    assert standings(found)["b"].agreement is None
    assert found.shown[0].spread == pytest.approx(2.7, rel=1e-4)
    assert found.shown[0].right == []
    assert [each.front for each in found.standings] == [True, False]


def test_names_metrics_and_bases_that_are_not_there() -> None:
    two = [subject("a", judged(40)), subject("b", judged(40))]
    with pytest.raises(UsageError, match="two models or more"):
        compare([two[0], two[0]])
    with pytest.raises(UsageError, match="no 'c' among"):
        compare(two, base="c")
    with pytest.raises(UsageError, match="no metric 'x'"):
        compare(two, metric="x")
    assert compare(two, base="b").base == "b"


# --- services


class Service:
    """A service that answers as told: by the first input of a request, or the rows in it."""

    name, task = "s", "text-classification"
    signature = SIGNATURE

    def __init__(self, fault: Any) -> None:
        self.fault, self.requests = fault, 0

    def answer(self, rows: Any, options: Any = None) -> list[Any]:
        self.requests += 1
        for row in rows:
            if error := self.fault(row):
                raise error
        odd = {"label": "good", "score": 0.75, "scores": {"good": 0.75, "bad": 0.25}}
        return [{"error": {"message": "no"}} if row["text"] == "text 33" else odd for row in rows]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """A ground of 300 rows, in another order than they were collected in."""
    file = tmp_path_factory.mktemp("ground") / "data.arrow"
    table = pa.table({"text": [f"text {n}" for n in range(300)], "label": ["good"] * 300})
    with pa.OSFile(str(file), "wb") as out, pa.ipc.new_stream(out, table.schema) as stream:
        stream.write_table(table)
    kept = judged(300)
    return Ground(kept.at(np.random.default_rng(0).permutation(300)), file)


def answered_status(status: int) -> RemoteError:
    error = RemoteError(f"the service answers {status}")
    error.answered = status
    return error


def test_rows_that_a_service_does_not_answer_are_counted_by_why(ground: Ground) -> None:
    late = RemoteError("too late")
    late.__cause__ = httpx.ReadTimeout("late")
    faults = {"text 7": answered_status(503), "text 200": answered_status(500), "text 201": late}
    found = service.ask(cast(Any, Service(lambda row: faults.get(row["text"]))), "s", ground)
    assert found.failed == {"503": 1, "500": 1, "timeout": 1, "refused": 1}
    assert found.asked == 300
    assert len(found.kept) == 296
    assert found.kept.scores[0].tolist() == [0.25, 0.75]  # in the order of the ground's labels
    lost = set(ground.kept.rows.tolist()) - set(found.kept.rows.tolist())
    assert lost == {8, 34, 201, 202}
    assert found.costs.latency_ms is not None
    assert found.costs.rows_per_second is not None


def test_a_service_that_is_gone_is_not_asked_for_every_row(ground: Ground) -> None:
    gone = Service(lambda row: RemoteError("the service does not answer"))
    found = service.ask(cast(Any, gone), "s", ground)
    assert gone.requests == service.GIVE_UP
    assert found.failed == {"not asked any more": 295, "no answer": 5}
    assert len(found.kept) == 0
    assert found.costs == Costs()
    assert service.silent("s", ground, answered_status(502)).failed == {"502": 300}


def test_what_is_refused_is_not_timed(ground: Ground) -> None:
    refusing = Service(lambda row: None)
    refusing.answer = lambda rows, options=None: [{"error": {"message": "no"}} for _ in rows]  # type: ignore[method-assign]
    found = service.ask(cast(Any, refusing), "s", ground)
    assert found.failed == {"refused": 300}
    assert found.costs.latency_ms is None


def test_answers_that_say_nothing_are_unreadable_and_labels_are_the_same(ground: Ground) -> None:
    blind = Service(lambda row: None)
    blind.answer = lambda rows, options=None: [{"label": "good"} for _ in rows]  # type: ignore[method-assign]
    assert service.ask(cast(Any, blind), "s", ground).failed == {"unreadable": 300}
    blind.answer = lambda rows, options=None: [{"scores": {"good": "NaN", "bad": 0}} for _ in rows]  # type: ignore[method-assign]
    assert service.ask(cast(Any, blind), "s", ground).failed == {"unreadable": 300}
    blind.signature = replace(SIGNATURE, labels=("bad", "fair"))
    with pytest.raises(DataError, match="only s knows 'fair'; s does not know 'good'"):
        service.ask(cast(Any, blind), "s", ground)


def test_what_cannot_be_asked_is_refused_with_what_can(ground: Ground) -> None:
    writer = Service(lambda row: None)
    writer.task = "text-generation"
    writes = replace(ground.kept, task="text-generation", signature=Signature({"text": "string"}, None))
    writer.signature = writes.signature
    with pytest.raises(UsageError, match="s writes") as caught:
        service.ask(cast(Any, writer), "s", replace(ground, kept=writes))
    assert "compare the runs" in str(caught.value.hint)
    parts = replace(ground, kept=replace(ground.kept, rows=np.ones(300, np.int64)))
    with pytest.raises(DataError, match="parts of one collected row"):
        _subject(Found("m", "model"), parts, 1.0)


# --- what stands in the rows


def test_rows_are_shown_cut_and_masked(ground: Ground) -> None:
    kept = ground.kept
    other = replace(kept, scores=kept.scores[:, ::-1].copy())
    found = compare(
        [
            subject("a", kept, collected=ground.collected),
            subject("b", other, protect=lambda texts: [text.replace("text", "***") for text in texts]),
        ],
        rows=3,
    )
    assert found.differ == 300
    for each in found.shown:
        assert each.input == {"text": f"*** {each.row - 1}"}


# --- as a table and as a page


def test_names_that_are_cut_alike_are_told_in_full(three: Comparison, capsys: Any) -> None:
    points = ("alpha=0.1, ngrams=[1,1]", "alpha=0.1, ngrams=[1,2]", "alpha=1, ngrams=[1,1]")
    swept = [replace(each, name=name) for each, name in zip(three.standings, points, strict=True)]
    show_comparison(replace(three, base=points[0], standings=swept))
    told = capsys.readouterr().out
    assert [line for line in told.splitlines() if line[:2] == "2:"] == [f"2: {points[1]}"]
    show_comparison(three)
    assert "2: " not in capsys.readouterr().out, "where they are apart the table is enough"


def test_a_table_of_80_columns_and_a_page_that_asks_nobody(three: Comparison, capsys: Any) -> None:
    a, b, c = three.standings
    long = [replace(a, name="a"), replace(b, name="b" * 40), replace(c, name="https://models.example.org/v1/models/c")]
    show_comparison(replace(three, base="a", standings=long, notes=["a long sentence " * 9]))
    told = capsys.readouterr().out
    assert max(map(cell_len, told.splitlines())) <= 80
    for word in (
        "accuracy on 400 rows that all answered",
        "worse",
        "2  bbbb",
        "1* a",
        "…",
        "models/c ",
        "kappa",
        "rows/s",
    ):
        assert word in told
    made = page(three)
    assert "<svg" in made
    assert "<script" not in made
    assert not re.findall(r"(?:src|href)=|https?://", made)
    assert three.metric in made


def test_names_in_a_page_are_text() -> None:
    evil = subject("<b>x</b>", judged(40))
    assert "<b>x</b>" not in page(compare([evil, subject("a", judged(40, seed=2))], rows=2))


def test_a_first_request_that_prepares_for_long_is_no_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SECONDS", 0.0)
    waits = iter([0.05, 0.0, 0.0])
    (seconds,) = process._timed(lambda batch: time.sleep(next(waits)), [[1], [2], [3]])
    assert seconds < 0.05
    assert len(process._timed(lambda batch: None, [[1]])) == 1


# --- the command


def test_a_run_a_model_and_a_service_that_is_gone(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAAS_TRACKING", "off")
    space = Workspace.open()
    good = (project / "good.txt").read_text("utf-8").splitlines()
    (project / "bad.txt").write_text("\n".join([*good[:30], *comments(BAD, 90, 2)]) + "\n", "utf-8")
    work = Work(recipe.read(Path("tiny.yaml"), ["preprocess.steps=[clean]", "evaluate.gates={}"]), space)
    pipeline.run(work)
    (run,) = history.runs(space)
    names = [run.id, "tiny", "http://127.0.0.1:9/v1/models/tiny"]
    with pytest.raises(RemoteError, match="not all was answered: http") as caught:
        compare_command(names, base="tiny", rows=2, html=Path("page.html"))
    told = caught.value.reached
    models = {each["name"]: each for each in told["models"]}
    of_run, model = models[f"tiny {run.id[-7:]}"], models["tiny/1"]
    assert told["base"] == "tiny/1"
    assert told["rows"] == len(evaluate.kept(next((space.artefacts / "evaluate").iterdir())))
    assert of_run["metrics"] == pytest.approx(model["metrics"], abs=1e-6)  # asked in batches of another size
    assert of_run["agreement"] == 1
    assert told["differ"]["rows"] == 0
    for each in (of_run, model):
        assert all(value > 0 for value in each["costs"].values())
    assert models[names[2]]["failed"] == {"no answer": told["rows"]}
    assert "<svg" in Path("page.html").read_text("utf-8")
    with pytest.raises(UsageError, match="neither a run nor a model"):
        compare_command(["tiny", "no-such-thing"])
    with pytest.raises(UsageError, match="no metric 'x'"):
        gather(["tiny", run.id], space, metric="x", tell=lambda name: pytest.fail(f"{name} was asked"))
    with pytest.raises(UsageError, match="--html: there is no folder"):
        compare_command(["tiny", "no-such-thing"], html=Path("nowhere/page.html"))
    on = _rows_of(Path("tiny.yaml"), None, offline=False)
    assert 0 < len(on) < told["rows"]  # here equal rows are dropped
    assert on.signature.labels == ("neg", "pos")
