"""What every step keeps, ours and those that packages register."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from aiaas import plugins, steps
from aiaas.contracts import Batch, Judges, Params, Surveys

NAMES = plugins.names("steps")
FRAMEWORKS = {
    *("sklearn", "mlflow", "datasets", "pyarrow", "numpy", "pandas", "scipy", "nltk", "jieba", "fastapi"),
    *("stopwordsiso", "tensorflow", "torch", "transformers"),
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

PARAMS: dict[str, dict[str, Any]] = {"bins": {"edges": [2, 4], "names": ["bad", None, "good"]}}
"""What a step must be told."""

LABELLED: dict[str, dict[str, str]] = {"bins": {"pos": "4.5", "neg": "1", "a": "4", "b": "0"}}
"""What stands in place of the labels, for a step that makes labels of something else."""


def rows_for(name: str, rows: Batch = ROWS) -> Batch:
    """The rows as the step takes them."""
    known = LABELLED.get(name, {})
    return {**rows, "label": [known.get(label, label) for label in rows["label"]]}


def batches(rows: Batch, size: int) -> Iterator[Batch]:
    for start in range(0, len(rows["text"]), size):
        yield {name: values[start : start + size] for name, values in rows.items()}


def run(name: str, rows: Batch, size: int, *, label: str | None = "label") -> tuple[Batch, Any]:
    """The rows after the step, and the step."""
    step = steps.build(name, PARAMS.get(name, {}), [column for column in rows if column != "label"], label)
    conclude(step, batches(rows, size))
    done: Batch = {column: [] for column in rows}
    at = 0
    for batch in batches(rows, size):
        height = len(batch["text"])
        verdicts = step.verdicts(at, at + height) if isinstance(step, Judges) else None
        at += height
        for column, values in steps.mapped(step, batch, verdicts).rows.items():
            done[column] += values
    return done, step


def conclude(step: Any, parts: Iterable[Batch]) -> None:
    """Let a step that must know of all rows know of these."""
    if isinstance(step, Surveys):
        surveys = [step.survey(batch) for batch in parts]
        with tempfile.TemporaryDirectory() as scratch:
            step.conclude(surveys, Path(scratch))


def test_there_are_steps() -> None:
    assert {"clean", "deduplicate", "lowercase", "segment", "stopwords"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
class TestStep:
    def test_refuses_an_unknown_parameter(self, name: str) -> None:
        with pytest.raises(ValidationError, match="no_such_parameter"):
            plugins.step(name).Params.model_validate({"no_such_parameter": 1})

    def test_describes_every_parameter(self, name: str) -> None:
        params = plugins.step(name).Params
        assert issubclass(params, Params)
        assert all(field.description for field in params.model_fields.values())

    def test_equal_input_equal_output(self, name: str) -> None:
        first, one = run(name, rows_for(name), 4)
        second, other = run(name, rows_for(name), 4)
        assert first == second
        assert one.report() == other.report()

    def test_batch_boundaries_do_not_matter(self, name: str) -> None:
        whole, step = run(name, rows_for(name), 100)
        for size in (1, 2, 5):
            parts, other = run(name, rows_for(name), size)
            assert parts == whole
            assert other.report() == step.report()

    def test_leaves_its_input_alone(self, name: str) -> None:
        rows = rows_for(name)
        before = {column: list(values) for column, values in rows.items()}
        run(name, rows, 100)
        assert rows == before

    def test_keeps_columns_and_rows_together(self, name: str) -> None:
        done, _ = run(name, rows_for(name), 3)
        assert list(done) == list(ROWS)
        assert len({len(values) for values in done.values()}) == 1

    def test_on_request_it_maps_each_row_alone_without_a_label(self, name: str) -> None:
        if not plugins.step(name).Step.ON_REQUEST:
            pytest.skip("not run on requests")
        bare = {column: values for column, values in ROWS.items() if column != "label"}
        whole, _ = run(name, rows_for(name), 100)
        done, _ = run(name, bare, 1, label=None)
        assert done == {column: whole[column] for column in bare}
        assert len(done["text"]) == len(TEXTS)

    def test_is_made_again_from_its_record(self, name: str) -> None:
        if not plugins.step(name).Step.ON_REQUEST:
            pytest.skip("not run on requests")
        whole, step = run(name, rows_for(name), 100)
        kept = json.loads(json.dumps(steps.record(name, {}, step)))
        bare = {column: values for column, values in ROWS.items() if column != "label"}
        assert steps.apply(steps.restore([kept], list(bare)), bare) == {column: whole[column] for column in bare}

    def test_takes_no_rows(self, name: str) -> None:
        step = steps.build(name, PARAMS.get(name, {}), ["text", "stars"], "label")
        nothing: Batch = {column: [] for column in ROWS}
        conclude(step, [nothing])
        verdicts = step.verdicts(0, 0) if isinstance(step, Judges) else None
        assert steps.mapped(step, nothing, verdicts).rows == nothing

    def test_passes_what_is_no_text(self, name: str) -> None:
        rows: Batch = {"text": [None, "干净", None], "stars": [1.5, None, 2.0], "label": ["a", "b", "a"]}
        done, _ = run(name, rows_for(name, rows), 2)
        assert done == {**rows, "label": done["label"] if name in LABELLED else rows["label"]}

    def test_reports_json(self, name: str) -> None:
        _, step = run(name, rows_for(name), 3)
        report = dict(step.report())
        assert json.loads(json.dumps(report, allow_nan=False)) == report

    def test_importing_it_imports_no_framework(self, name: str) -> None:
        code = f"import sys; from aiaas import plugins; plugins.step({name!r}); print(*sys.modules)"
        loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        assert not FRAMEWORKS & set(loaded)
