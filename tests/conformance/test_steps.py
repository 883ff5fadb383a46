"""What every step keeps, ours and those that packages register."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from aiaas import plugins, steps
from aiaas.contracts import Batch, Judges, Params, Stateful, Surveys
from aiaas.recipe import Recipe

NAMES = plugins.names("steps")
FRAMEWORKS = {
    *("sklearn", "mlflow", "datasets", "pyarrow", "numpy", "pandas", "scipy", "nltk", "jieba", "fastapi"),
    *("stopwordsiso", "opencc", "py3langid", "tensorflow", "torch", "transformers"),
}
TEXTS = [
    "房间很干净，服务也好！",
    "  The ROOM was <b>clean</b> &amp; quiet ",
    "房间很干净，服务也好！",
    "",
    "太吵了\u200b，\t不会再来",
    "a < b <3",
    "The same text",
    "The same text",
    "ｆｕｌｌ　ｗｉｄｔｈ",
]
LABELS = ["pos", "pos", "pos", "neg", "neg", "pos", "pos", "neg", "neg"]
ROWS: Batch = {"text": TEXTS, "stars": [5, 4, 5, 1, 1, 3, 3, 3, 2], "label": LABELS}

PARAMS: dict[str, dict[str, Any]] = {
    "bins": {"edges": [2, 4], "names": ["bad", None, "good"]},
    "encode": {"columns": ["stars"]},
    "impute": {"columns": ["stars"]},
    "labels": {"map": {"pos": "good"}, "drop": ["neg"]},
    "language": {"keep": ["zh"]},
    "length": {"min": 5},
    "sample": {"share": 0.5},
    "sentences": {"column": "text", "method": "rule"},
}
"""What a step must be told."""

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "augment": [{"operations": ["noise"], "copies": 2.5}, {"operations": ["synonym"], "synonyms": {"服务": ["招待"]}}],
    "balance": [{"method": "under"}, {"method": "both"}],
    "clip": [{"method": "sigmas", "sigmas": 1}],
    "encode": [
        {"columns": ["stars"], "method": "ordinal"},
        {"columns": ["stars"], "method": "hashed"},
        {"columns": ["text"], "method": "date"},
    ],
    "impute": [{"method": "mean", "indicators": True}, {"method": "most_frequent"}],
    "labels": [{"min_rows": 5}],
    "near_duplicates": [{"unit": "word", "threshold": 0.5}],
    "sample": [{"rows": 2}],
    "scale": [{"method": "min_max"}, {"method": "robust"}],
}
"""What else a step may be told, where that makes something else of it."""
CASES = [(name, params) for name in NAMES for params in [PARAMS.get(name, {}), *VARIANTS.get(name, [])]]

OF_NUMBERS = {"clip", "encode", "impute", "scale"}
OF_LABELS = {"balance", "bins", "labels", "sample"}
MAKES_ROWS = {"augment", "language", "length", "sentences"}
"""Steps that change numbers or labels, or leave rows out or make some, whatever stands in the texts."""

LABELLED: dict[str, dict[str, str]] = {"bins": {"pos": "4.5", "neg": "1", "a": "4", "b": "0"}}
"""What stands in place of the labels, for a step that makes labels of something else."""


def rows_for(name: str, rows: Batch = ROWS) -> Batch:
    """The rows as the step takes them."""
    known = LABELLED.get(name, {})
    return {**rows, "label": [known.get(label, label) for label in rows["label"]]}


def batches(rows: Batch, size: int) -> Iterator[Batch]:
    for start in range(0, len(rows["text"]), size):
        yield {name: values[start : start + size] for name, values in rows.items()}


def run(
    name: str, rows: Batch, size: int, *, params: dict[str, Any] | None = None, label: str | None = "label"
) -> tuple[Batch, Any]:
    """The rows after the step, and the step."""
    params = PARAMS.get(name, {}) if params is None else params
    step = steps.build(name, params, [column for column in rows if column != "label"], label)
    conclude(step, batches(rows, size))
    done: Batch = {column: [] for column in after(step, rows)}
    for batch, verdicts in verdicted(step, rows, size):
        for column, values in steps.mapped(step, batch, verdicts).rows.items():
            done[column] += values
    return done, step


def after(step: Any, rows: Batch) -> list[str]:
    """The columns after a step that is ready to map."""
    types = {"text": "string", "stars": "int64", "label": "string"}
    features = {column: types[column] for column in rows if column != "label"}
    return [*steps.reshaped(step, features), *(["label"] if "label" in rows else [])]


def conclude(step: Any, parts: Iterable[Batch]) -> None:
    """Let a step that must know of all rows know of these."""
    if isinstance(step, Surveys):
        surveys = [step.survey(batch) for batch in parts]
        with tempfile.TemporaryDirectory() as scratch:
            step.conclude(surveys, Path(scratch))


def verdicted(step: Any, rows: Batch, size: int) -> Iterator[tuple[Batch, Any]]:
    """The batches, each with the verdicts of its rows where the step judges."""
    at = 0
    for batch in batches(rows, size):
        height = len(batch["text"])
        yield batch, step.verdicts(at, at + height) if isinstance(step, Judges) else None
        at += height


def apart(name: str, params: dict[str, Any], parts: list[Batch]) -> tuple[Batch, Any]:
    """The rows after the step and its joined report, each batch surveyed by one process and mapped by another."""

    def make() -> Any:
        return steps.build(name, params, [column for column in ROWS if column != "label"], "label")

    concluding, reports, state = make(), [], None
    if isinstance(concluding, Surveys):
        surveying = [make() for _ in parts]
        surveys = [step.survey(batch) for step, batch in zip(surveying, parts, strict=True)]
        with tempfile.TemporaryDirectory() as scratch:
            concluding.conclude(surveys, Path(scratch))
        reports += [step.report() for step in surveying]
        assert isinstance(concluding, Judges | Stateful)
        state = json.loads(json.dumps(concluding.state())) if isinstance(concluding, Stateful) else None
    done: Batch = {column: [] for column in after(concluding, ROWS)}
    at = 0
    for batch in parts:
        step, height = make(), len(batch["text"])
        if state is not None:
            step.restore(state)
        verdicts = concluding.verdicts(at, at + height) if isinstance(concluding, Judges) else None
        at += height
        for column, values in steps.mapped(step, batch, verdicts).rows.items():
            done[column] += values
        reports.append(step.report())
    return done, steps.joined(concluding, [concluding.report(), *reports])


def test_there_are_steps() -> None:
    assert {"clean", "deduplicate", "near_duplicates", "augment", "encode", "lowercase", "segment"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
class TestStep:
    def test_refuses_an_unknown_parameter(self, name: str) -> None:
        with pytest.raises(ValidationError, match="no_such_parameter"):
            plugins.step(name).Params.model_validate({"no_such_parameter": 1})

    def test_describes_every_parameter(self, name: str) -> None:
        params = plugins.step(name).Params
        assert issubclass(params, Params)
        assert all(field.description for field in params.model_fields.values())

    def test_a_recipe_with_all_its_values_is_read_back(self, name: str) -> None:
        params = plugins.step(name).Params.model_validate(PARAMS.get(name, {}))
        recipe = Recipe.from_dict(
            {
                "name": "whole",
                "task": "text-classification",
                "collect": [{"source": "rows.csv"}],
                "preprocess": {"steps": [{name: params.model_dump(mode="json", by_alias=True)}]},
                "model": {"backend": "sklearn", "architecture": "naive_bayes"},
            }
        )
        assert Recipe.from_dict(recipe.resolved()) == recipe

    def test_importing_it_imports_no_framework(self, name: str) -> None:
        code = f"import sys; from aiaas import plugins; plugins.step({name!r}); print(*sys.modules)"
        loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        assert not FRAMEWORKS & set(loaded)


@pytest.mark.parametrize(("name", "params"), CASES, ids=[f"{name}-{params}" for name, params in CASES])
class TestStepAtWork:
    def test_equal_input_equal_output(self, name: str, params: dict[str, Any]) -> None:
        first, one = run(name, rows_for(name), 4, params=params)
        second, other = run(name, rows_for(name), 4, params=params)
        assert first == second
        assert one.report() == other.report()

    def test_batch_boundaries_do_not_matter(self, name: str, params: dict[str, Any]) -> None:
        whole, step = run(name, rows_for(name), 100, params=params)
        for size in (1, 2, 5):
            parts, other = run(name, rows_for(name), size, params=params)
            assert parts == whole
            assert other.report() == step.report()

    def test_leaves_its_input_alone(self, name: str, params: dict[str, Any]) -> None:
        rows = rows_for(name)
        before = {column: list(values) for column, values in rows.items()}
        run(name, rows, 100, params=params)
        assert rows == before

    def test_keeps_columns_and_rows_together(self, name: str, params: dict[str, Any]) -> None:
        rows = rows_for(name)
        _, step = run(name, rows, 3, params=params)
        for batch, verdicts in verdicted(step, rows, 3):
            made = steps.mapped(step, batch, verdicts)
            assert set(made.rows) == set(after(step, rows))
            assert {len(values) for values in made.rows.values()} == {len(made.places)}
            assert list(made.places) == sorted(made.places)
            assert {*made.places, *made.reasons} == set(range(len(batch["text"])))
            assert not set(made.places) & set(made.reasons)
            assert all(made.reasons.values())

    def test_in_several_places_it_is_the_same_step(self, name: str, params: dict[str, Any]) -> None:
        """Batches mapped by steps of their own, each made anew and told what one of them concluded of all."""
        whole, step = run(name, rows_for(name), 100, params=params)
        done, report = apart(name, params, list(batches(rows_for(name), 4)))
        assert done == whole
        assert report == steps.joined(step, [step.report()])

    def test_surveys_may_be_joined(self, name: str, params: dict[str, Any]) -> None:
        whole, step = run(name, rows_for(name), 3, params=params)
        if not isinstance(step, Surveys):
            pytest.skip("surveys nothing")
        other: Any = steps.build(name, params, ["text", "stars"], "label")
        surveys = [other.survey(batch) for batch in batches(rows_for(name), 3)]
        joined = {key: np.concatenate([each[key] for each in surveys]) for key in surveys[0]}
        with tempfile.TemporaryDirectory() as scratch:
            other.conclude([joined], Path(scratch))
        done = [steps.mapped(other, *each).rows for each in verdicted(other, rows_for(name), 100)]
        assert done == [whole]

    def test_on_request_it_maps_each_row_alone_without_a_label(self, name: str, params: dict[str, Any]) -> None:
        if not plugins.step(name).Step.ON_REQUEST:
            pytest.skip("not run on requests")
        whole, step = run(name, rows_for(name), 100, params=params)
        kept = json.loads(json.dumps(steps.record(name, params, step)))
        bare = {column: values for column, values in ROWS.items() if column != "label"}
        expected = {column: values for column, values in whole.items() if column != "label"}
        restored = steps.restore([kept], list(bare))
        assert steps.apply(restored, bare) == expected
        done: Batch = {column: [] for column in expected}
        for batch in batches(bare, 1):
            for column, values in steps.apply(restored, batch).items():
                done[column] += values
        assert done == expected

    def test_takes_no_rows(self, name: str, params: dict[str, Any]) -> None:
        step = steps.build(name, params, ["text", "stars"], "label")
        nothing: Batch = {column: [] for column in ROWS}
        conclude(step, [nothing])
        verdicts = step.verdicts(0, 0) if isinstance(step, Judges) else None
        done = steps.mapped(step, nothing, verdicts).rows
        assert done == {column: [] for column in after(step, nothing)}

    def test_passes_what_is_no_text(self, name: str, params: dict[str, Any]) -> None:
        rows: Batch = {"text": [None, "干净", None], "stars": [1.5, None, 2.0], "label": ["a", "b", "a"]}
        done, _ = run(name, rows_for(name, rows), 2, params=params)
        if name not in OF_NUMBERS | OF_LABELS | MAKES_ROWS:
            assert done == rows
        elif name in OF_NUMBERS:
            assert done.get("text", rows["text"]) == rows["text"] or params.get("method") == "most_frequent"

    def test_reports_json(self, name: str, params: dict[str, Any]) -> None:
        _, step = run(name, rows_for(name), 3, params=params)
        report = dict(step.report())
        assert json.loads(json.dumps(report, allow_nan=False)) == report
        told = steps.joined(step, [report])
        assert json.loads(json.dumps(told, allow_nan=False)) == told
