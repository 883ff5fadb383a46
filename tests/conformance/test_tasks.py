"""What every task promises: rows go in as requests and come out as answers, and its metrics are fit for JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from aiaas import plugins
from aiaas.contracts import Generative, Signature, TellsScores
from aiaas.errors import DataError
from aiaas.train import signature_of
from conformance.conftest import DATA, OPTIONAL, outputs_of, targets_of


def prepared(task: str) -> tuple[Any, Any, Signature]:
    module, rows = plugins.task(task.partition("+")[0]), (DATA | OPTIONAL)[task]()
    return module, rows, signature_of(rows, module)


def scores_of(task: str, signature: Signature, rows: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    drawn = np.random.default_rng(5).random((rows, outputs_of(task, signature)), np.float32)
    return drawn / drawn.sum(axis=1, keepdims=True) if signature.labels else drawn


def flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for child in value.values() for leaf in flat(child)]
    return [leaf for child in value for leaf in flat(child)] if isinstance(value, list) else [value]


def test_the_suite_has_data_for_it(task: str) -> None:
    assert task in DATA | OPTIONAL, "add a little data for the task to DATA in tests/conformance/conftest.py"
    module, rows, _ = prepared(task)
    assert {column.name for column in module.COLUMNS if not column.optional} <= set(rows.column_names)
    for column in module.COLUMNS:
        if column.optional:
            named = f"{task.partition('+')[0]}+{column.name}"
            assert column.name in OPTIONAL[named]().column_names, "add rows with the column to OPTIONAL"


def test_a_column_that_is_optional_is_asked_for_where_the_model_learned_from_it(task: str) -> None:
    module, rows, signature = prepared(task)
    if "+" not in task:
        pytest.skip("these are its rows without one")
    name = task.partition("+")[2]
    if name == signature.target:  # it judges, and no request holds it
        assert not signature.labels
        assert name not in module.request(rows[0], signature)
        return
    assert signature.features[name]
    request = module.request(rows[0], signature)
    with pytest.raises(DataError, match=name):
        module.decode({key: value for key, value in request.items() if key != name}, signature)
    plain = signature_of(rows.remove_columns(name), module)
    with pytest.raises(DataError, match=name):
        module.decode(request, plain)
    assert module.example(rows[0], signature) != module.example(rows[0], plain)


def test_a_row_survives_the_way_through_json(task: str) -> None:
    module, rows, signature = prepared(task)
    for row in rows:
        sent = json.loads(json.dumps(module.request(row, signature)))
        decoded = module.decode(sent, signature)
        assert list(decoded) == list(signature.features)
        assert module.example(decoded, signature) == module.example(row, signature)


def test_an_answer_tells_the_scores_that_it_was_made_of(task: str) -> None:
    module, rows, signature = prepared(task)
    if not isinstance(module, TellsScores):
        pytest.skip("a service of this task is not compared")
    for scores in scores_of(task, signature, len(rows)):
        answer = json.loads(json.dumps(module.answer(scores, signature)))
        assert module.told(answer, signature) == pytest.approx(scores.tolist(), abs=1e-6)


@pytest.mark.parametrize(
    "value", [None, 1, 1.5, True, [], ["a"], {"no such column": 1}, {"\ud800": "x"}, [{"text": "a"}]]
)
def test_what_is_no_example_is_refused_with_what_is_allowed(task: str, value: Any) -> None:
    module, _, signature = prepared(task)
    with pytest.raises(DataError) as caught:
        module.decode(value, signature)
    assert any(name in caught.value.message for name in signature.features)


def test_a_refusal_does_not_repeat_the_value(task: str) -> None:
    module, _, signature = prepared(task)
    for name, dtype in signature.features.items():
        secret: Any = {"string": 4111111111111111}.get(dtype, "4111111111111111")
        with pytest.raises(DataError) as caught:
            module.decode({name: secret}, signature)
        assert "4111" not in f"{caught.value.message} {caught.value.where} {caught.value.hint}"


def test_an_answer_is_json(task: str) -> None:
    module, _, signature = prepared(task)
    for scores in scores_of(task, signature, 10):
        answer = module.answer(scores, signature)
        assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    if isinstance(module, Generative):
        assert json.loads(json.dumps(written := module.written("写\n下", signature))) == written


def test_metrics_are_all_there_and_json(task: str) -> None:
    module, rows, signature = prepared(task)
    targets = targets_of(rows, signature)
    metrics = module.measure(targets, scores_of(task, signature, len(rows)), signature)
    assert set(module.METRICS) <= set(metrics)
    assert set(module.METRICS.values()) <= {"higher", "lower"}
    json.dumps(metrics, allow_nan=False)


@pytest.mark.parametrize("count", [1, 2])
def test_few_rows_give_metrics_without_nan_or_warning(task: str, count: int) -> None:
    module, rows, signature = prepared(task)
    targets = targets_of(rows, signature)[:count]
    metrics = module.measure(targets, scores_of(task, signature, count), signature)
    assert all(not isinstance(value, float) or math.isfinite(value) for value in flat(metrics))


def test_no_rows_are_refused(task: str) -> None:
    module, rows, signature = prepared(task)
    targets = targets_of(rows, signature)[:0]
    with pytest.raises(DataError, match="no rows"):
        module.measure(targets, scores_of(task, signature, 0), signature)


def test_better_scores_measure_better(task: str) -> None:
    """The direction that METRICS states is the true one: perfect scores are at least as good as others."""
    module, rows, signature = prepared(task)
    targets = targets_of(rows, signature)
    other = scores_of(task, signature, len(rows))
    perfect = (
        other * (0, 1, 1)  # no loss
        if isinstance(module, Generative)
        else np.eye(other.shape[1], dtype=np.float32)[targets if len(targets) else np.arange(len(rows)) % 32]
        if task.startswith("text-embedding")  # texts of one label alike, of others apart
        else np.eye(len(signature.labels), dtype=np.float32)[targets]
        if signature.labels
        else targets.astype(np.float32)[:, None]
    )
    best = module.measure(targets, perfect, signature)
    worse = module.measure(targets, other, signature)
    for name, better in module.METRICS.items():
        if best[name] is worse[name] is None:  # not defined without a label to judge by
            assert signature.target is None
            continue
        assert best[name] > worse[name] if better == "higher" else best[name] < worse[name], name


def test_options_are_described_and_have_defaults(task: str) -> None:
    module, rows, signature = prepared(task)
    if not isinstance(module, Generative):
        pytest.skip("no options")
    module.Options()
    for name, field in module.Options.model_fields.items():
        assert field.description, name
    for row in rows:
        assert module.decode(module.opening(row, signature), signature)
