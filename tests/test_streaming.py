"""Models that learn from rows on disk: the same model as in memory, or as good a one, in memory that does not grow."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset, concatenate_datasets
from test_sklearn_backend import COLUMNS, KINDS, LABELS, TABLE, TEXT, reviews, rows_of, texts_of

from aiaas.backends import memory
from aiaas.backends.course import Course
from aiaas.backends.sklearn import (
    _blocks,
    _decide,
    _pool,
    _shards,
    _stream_rows,
    _survey,
    linear_svm,
    logistic_regression,
    naive_bayes,
)
from aiaas.backends.sklearn._features import Rows
from aiaas.backends.streaming import pieces, regular
from aiaas.contracts import Signature, Training
from aiaas.errors import DataError, Interrupted, TrainingError
from aiaas.workspace import keys

Given = tuple[Dataset, Signature]


@pytest.fixture(scope="module")
def many() -> Given:
    """Reviews in three classes, sorted by class as data often comes."""
    rows = [row for row in reviews() if len(row[0]) < 200][:700]
    rows += [(f"The room {number} was fine, {number % 7} nights", "english") for number in range(140)]
    return texts_of(sorted(rows, key=lambda row: row[1]))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks, runs and parts so small that a few texts make many."""
    monkeypatch.setattr(_blocks, "_CHARACTERS", 5000)
    monkeypatch.setattr(_blocks, "_ROWS", 300)
    monkeypatch.setattr(_survey, "NGRAMS", 8000)
    monkeypatch.setattr(_survey, "WORDS", 1500)
    monkeypatch.setattr(_shards, "_ENTRIES", 12_000)
    monkeypatch.setattr(_stream_rows, "_ROWS", 16)


def learn(
    module: Any,
    given: Given,
    params: dict[str, Any],
    settings: dict[str, Any],
    folder: Path,
    *,
    task: str = TEXT,
    held_out: Dataset | None = None,
    **more: Any,
) -> tuple[Any, Training]:
    data, signature = given
    training = Training(task, signature, 7, folder, module.Settings(**settings), **more)
    validation = data.select([]) if held_out is None else held_out
    return module.fit(module.Params(**params), data, validation, training), training


def digest(model: Any, folder: Path) -> dict[str, str]:
    folder.mkdir()
    model.save(folder)
    return keys.digest_files(folder)


# --- Naive Bayes: the same model -----------------------------------------------------------------------------------

VARIANTS: list[dict[str, Any]] = [
    {},
    {"ngrams": (2, 4), "min_count": 2},
    {"variant": "complement", "max_features": 700, "features": "counts"},
    {"variant": "bernoulli", "ngrams": (1, 2), "max_features": 200, "min_count": 3},
    {"analyzer": "word", "ngrams": (1, 2)},
    {"analyzer": "word", "ngrams": (1, 2), "min_count": 2, "max_features": 300},
    {"analyzer": "word", "ngrams": (2, 3), "lowercase": False},
    {"features": "hashing", "hash_bits": 12},
    {"fit_prior": False, "sublinear_tf": False},
]


@pytest.mark.parametrize("params", VARIANTS, ids=str)
@pytest.mark.usefixtures("small_blocks")
def test_streamed_is_to_the_bit_what_was_learned_in_memory(many: Given, params: dict[str, Any], tmp_path: Path) -> None:
    held, _ = learn(naive_bayes, many, params, {"stream": "never"}, tmp_path / "a")
    streamed, training = learn(naive_bayes, many, params, {"stream": "always"}, tmp_path / "b")
    assert training.notes["streamed"] == {"told": "streamed"}
    assert digest(streamed, tmp_path / "streamed") == digest(held, tmp_path / "held")


@pytest.mark.parametrize("params", [VARIANTS[0], VARIANTS[5]], ids=str)
@pytest.mark.usefixtures("small_blocks")
def test_processes_change_nothing(many: Given, params: dict[str, Any], tmp_path: Path) -> None:
    expected = {}
    for processes in (1, 3):
        settings = {"stream": "always", "processes": processes}
        model, _ = learn(naive_bayes, many, params, settings, tmp_path / str(processes))
        found = digest(model, tmp_path / f"model{processes}")
        assert found == (expected or found)
        expected = found


def test_the_number_of_blocks_changes_the_features_in_nothing(
    many: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = learn(naive_bayes, many, {}, {}, tmp_path / "a")
    monkeypatch.setattr(_blocks, "_CHARACTERS", 5000)
    parted, _ = learn(naive_bayes, many, {}, {}, tmp_path / "b")
    assert np.array_equal(whole._counter.keys, parted._counter.keys)
    assert np.array_equal(whole._idf, parted._idf)
    np.testing.assert_allclose(parted.head.weights, whole.head.weights, rtol=1e-6, atol=1e-7)


def test_ngrams_are_numbered_from_the_most_frequent_on(tmp_path: Path) -> None:
    given = texts_of([("ba ba ba", "a"), ("ab", "b"), ("c", "b")])
    model, _ = learn(naive_bayes, given, {"features": "counts", "ngrams": (1, 2)}, {}, tmp_path)
    # a and b stand four times each, "ba" three times; of equal ones the shorter, then the first in order.
    assert model._counter.spell()[1:4] == ["a", "b", "ba"]


# --- stopping ------------------------------------------------------------------------------------------------------

STOPPED: list[tuple[Any, dict[str, Any], dict[str, Any]]] = [
    (naive_bayes, {}, {}),
    (naive_bayes, {"analyzer": "word", "ngrams": (1, 2), "variant": "complement"}, {}),
    (logistic_regression, {"max_features": 500}, {"epochs": 2, "early_stopping": {"patience": 1}}),
    (linear_svm, {"features": "hashing", "hash_bits": 10, "folds": 3}, {"epochs": 2}),
]


@pytest.mark.parametrize(("module", "params", "settings"), STOPPED, ids=str)
@pytest.mark.usefixtures("small_blocks")
def test_interrupted_at_any_moment_is_never_interrupted(
    many: Given, module: Any, params: dict[str, Any], settings: dict[str, Any], tmp_path: Path
) -> None:
    held_out = many[0].select(range(0, len(many[0]), 9))
    asked = 0

    def count() -> bool:
        nonlocal asked
        asked += 1
        return False

    def run(folder: Path, should_stop: Callable[[], bool], history: list[Any]) -> Any:
        return learn(
            module,
            many,
            params,
            {"stream": "always", **settings},
            folder,
            held_out=held_out,
            should_stop=should_stop,
            report=lambda step, metrics: history.append((step, dict(metrics))),
        )[0]

    expected_history: list[Any] = []
    expected = digest(run(tmp_path / "whole", count, expected_history), tmp_path / "whole-model")
    moments = sorted({1, asked // 3, asked // 2, 4 * asked // 5, asked})
    folder = tmp_path / "parts"
    for _ in range(5):  # one after the other on the same checkpoints: each goes on where the last one stopped
        calls = iter(range(asked + 1))
        with suppress(Interrupted):
            run(folder, lambda calls=calls: next(calls) >= 4, [])
    history: list[Any] = []
    assert digest(run(folder, lambda: False, history), tmp_path / "model") == expected
    assert history == expected_history
    for number, moment in enumerate(moments):
        calls = iter(range(1, asked + 1))
        with pytest.raises(Interrupted):
            run(tmp_path / f"c{number}", lambda calls=calls, moment=moment: next(calls) >= moment, [])
        again: list[Any] = []
        assert digest(run(tmp_path / f"c{number}", lambda: False, again), tmp_path / f"m{number}") == expected
        assert again == expected_history


@pytest.mark.usefixtures("small_blocks")
def test_a_longer_limit_goes_on_where_a_shorter_one_ended(
    many: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = (logistic_regression, many, {"max_features": 500})
    settings = {"stream": "always", "epochs": 3}
    expected, _ = learn(*given, settings, tmp_path / "whole")
    monkeypatch.setattr(Course, "seconds", lambda self: self.state.epoch * self.steps + self.state.step)
    for limit in (1, 3):
        _, training = learn(*given, {**settings, "time_limit": limit}, tmp_path / "parts")
        assert training.notes["time_limit_reached"]
    model, training = learn(*given, {**settings, "time_limit": 1000}, tmp_path / "parts")
    assert "time_limit_reached" not in training.notes
    assert digest(model, tmp_path / "model") == digest(expected, tmp_path / "whole-model")


@pytest.mark.parametrize(("module", "params", "settings"), STOPPED, ids=str)
@pytest.mark.usefixtures("small_blocks")
def test_killed_between_two_states_goes_on_from_the_last(
    many: Given,
    module: Any,
    params: dict[str, Any],
    settings: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Killed(Exception):
        pass

    held_out = many[0].select(range(0, len(many[0]), 9))

    def run(folder: Path, **more: Any) -> Any:
        return learn(module, many, params, {"stream": "always", **settings}, folder, held_out=held_out, **more)[0]

    expected = digest(run(tmp_path / "whole"), tmp_path / "whole-model")
    monkeypatch.setattr("aiaas.backends.course._KEEP_AT_MOST", 0)
    clock = iter(range(0, 10**9, 40))  # a state is kept after every second block
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    folder, told, killed = tmp_path / "killed", 0, 0
    for last in (3, 5, 8, 13):

        def tell(progress: Any, last: int = last) -> None:
            nonlocal told, killed
            told += 1
            if told == last:
                killed += 1
                raise Killed

        told = 0
        with suppress(Killed):  # it goes on a little further each time, and may come to its end
            run(folder, progress=tell)
    assert killed >= 2
    assert digest(run(folder), tmp_path / "model") == expected


# --- descent -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def halves() -> tuple[Given, Given]:
    """Reviews to learn from, sorted by label, and others to judge on."""
    rows = reviews()
    return texts_of(sorted(rows[:6000], key=lambda row: row[1])), texts_of(rows[6000:8000])


@pytest.mark.parametrize("params", [{}, {"C": 10.0}, {"class_weight": "balanced", "ngrams": (1, 2)}], ids=str)
@pytest.mark.parametrize("module", [logistic_regression, linear_svm])
def test_descent_is_as_good_as_the_solver_that_holds_all_rows(
    halves: tuple[Given, Given], module: Any, params: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_shards, "_ENTRIES", 100_000)
    train, (test, _) = halves
    found = []
    for stream in ("never", "always"):
        model, _ = learn(module, train, params, {"stream": stream}, tmp_path / stream)
        scores = model.predict(list(test["text"]))
        right = scores.argmax(axis=1) == np.array(test["label"])
        loss = -np.log(scores[np.arange(len(test)), test["label"]].clip(1e-7)).mean()
        found.append((right.mean(), loss))
    assert found[1][0] > found[0][0] - 0.01
    assert found[1][1] < found[0][1] + 0.03


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("module", [logistic_regression, linear_svm])
def test_three_labels_are_learned_and_saved(module: Any, many: Given, tmp_path: Path) -> None:
    model, _ = learn(module, many, {}, {"stream": "always"}, tmp_path / "work", held_out=many[0])
    texts = list(many[0]["text"])
    scores = model.predict(texts)
    assert (scores.argmax(axis=1) == np.array(many[0]["label"])).mean() > 0.85
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    digest(model, tmp_path / "model")
    assert np.array_equal(module.load(tmp_path / "model").predict(texts), scores)


@pytest.mark.usefixtures("small_blocks")
def test_an_epoch_is_reported_and_judged(many: Given, tmp_path: Path) -> None:
    told: list[tuple[int, dict[str, float]]] = []
    shown: list[Any] = []
    learn(
        logistic_regression,
        many,
        {},
        {"stream": "always", "epochs": 3},
        tmp_path,
        held_out=many[0].select(range(0, len(many[0]), 5)),
        report=lambda step, metrics: told.append((step, dict(metrics))),
        progress=shown.append,
    )
    assert [metrics["epoch"] for _, metrics in told] == [1, 2, 3]
    names = {"epoch", "loss", "accuracy", "validation_loss", "validation_accuracy", "learning_rate"}
    assert all(set(metrics) == names for _, metrics in told)
    assert told[-1][1]["validation_accuracy"] > 0.85
    assert told[-1][1]["loss"] < told[0][1]["loss"]
    assert told[-1][1]["learning_rate"] < told[0][1]["learning_rate"]
    assert [each.epoch for each in shown if each.ended] == [1, 2, 3]


@pytest.mark.usefixtures("small_blocks")
def test_early_stopping_and_a_time_limit_end_a_fit(many: Given, tmp_path: Path) -> None:
    held_out = many[0].select(range(0, len(many[0]), 5))
    settings = {"stream": "always", "epochs": 1000, "early_stopping": {"patience": 1, "min_delta": 0.05}}
    _, training = learn(logistic_regression, many, {}, settings, tmp_path / "early", held_out=held_out)
    assert training.notes["epochs"] < 20
    assert training.notes["best_epoch"] <= training.notes["epochs"]
    settings = {"stream": "always", "epochs": 10_000, "time_limit": "1s"}
    began = time.monotonic()
    _, training = learn(logistic_regression, many, {}, settings, tmp_path / "limit")
    assert training.notes["time_limit_reached"]
    assert time.monotonic() - began < 30
    with pytest.raises(TrainingError, match="not measured"):
        learn(logistic_regression, many, {}, {"stream": "always", "early_stopping": {}}, tmp_path / "none")


def test_parts_hold_every_row_once_and_are_samples_of_all(tmp_path: Path) -> None:
    shards = _shards.Shards(tmp_path, 5, seed=3)
    labels = np.repeat([0, 1], 500)  # sorted
    for first in range(0, 1000, 250):
        places = np.arange(first, first + 250, dtype=np.int32)
        rows = Rows(np.arange(251), places, np.ones(250))
        shards.deal(first, rows, labels[first : first + 250])
    parts = list(shards.all())
    assert sorted(np.concatenate([part.rows.columns for part in parts]).tolist()) == list(range(1000))
    for part in parts:
        assert np.array_equal(part.labels, labels[part.rows.columns])
        assert 0.35 < part.labels.mean() < 0.65
    one, two = shards.read(2, 0), shards.read(2, 1)
    assert sorted(one.rows.columns.tolist()) == sorted(two.rows.columns.tolist())
    assert one.rows.columns.tolist() != two.rows.columns.tolist()
    assert np.array_equal(one.labels, labels[one.rows.columns])
    sizes = shards.sizes()
    shards.deal(5000, Rows(np.array([0, 1]), np.array([7], np.int32), np.ones(1)), np.array([1]))
    shards.cut(sizes)
    assert shards.sizes() == sizes


# --- rows of a table -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table() -> Given:
    data, signature = rows_of(KINDS, COLUMNS, LABELS)
    return concatenate_datasets([data] * 5), signature


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("params", [{}, {"var_smoothing": 0.5, "fit_prior": False}], ids=str)
def test_gaussian_is_the_same_up_to_rounding(table: Given, params: dict[str, Any], tmp_path: Path) -> None:
    held, _ = learn(naive_bayes, table, params, {"stream": "never"}, tmp_path / "a", task=TABLE)
    streamed, _ = learn(naive_bayes, table, params, {"stream": "always"}, tmp_path / "b", task=TABLE)
    for name in ("theta_", "var_", "class_prior_", "epsilon_"):
        ours, theirs = (getattr(model.pipeline[-1], name) for model in (streamed, held))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    digest(streamed, tmp_path / "model")
    rows = [{name: row[name] for name in KINDS} for row in table[0]]
    assert np.array_equal(naive_bayes.load(tmp_path / "model").predict(rows), streamed.predict(rows))


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("module", [logistic_regression, linear_svm])
def test_tables_are_learned_by_descent(module: Any, table: Given, tmp_path: Path) -> None:
    model, training = learn(
        module, table, {}, {"stream": "always", "epochs": 20}, tmp_path / "work", task=TABLE, held_out=table[0]
    )
    rows = [{name: row[name] for name in KINDS} for row in table[0]]
    scores = model.predict(rows)
    assert (scores.argmax(axis=1) == np.array(table[0]["label"])).mean() > 0.8
    assert training.notes["empty_columns"] == ["void", "hole"]
    digest(model, tmp_path / "model")
    assert np.array_equal(module.load(tmp_path / "model").predict(rows), scores)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("module", [naive_bayes, logistic_regression, linear_svm])
def test_a_table_that_was_interrupted_is_learned_alike(module: Any, table: Given, tmp_path: Path) -> None:
    settings = {"stream": "always"} if module is naive_bayes else {"stream": "always", "epochs": 2}
    asked = 0

    def count() -> bool:
        nonlocal asked
        asked += 1
        return False

    whole, _ = learn(module, table, {}, settings, tmp_path / "a", task=TABLE, should_stop=count)
    expected = digest(whole, tmp_path / "whole")
    for number, moment in enumerate({1, asked // 3, asked // 2, asked}):
        calls = iter(range(1, asked + 1))
        with pytest.raises(Interrupted):
            learn(
                module,
                table,
                {},
                settings,
                tmp_path / f"c{number}",
                task=TABLE,
                should_stop=lambda calls=calls, moment=moment: next(calls) >= moment,
            )
        again, _ = learn(module, table, {}, settings, tmp_path / f"c{number}", task=TABLE)
        assert digest(again, tmp_path / f"m{number}") == expected


def test_more_rows_than_the_sample_scale_alike(table: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_stream_rows, "_SAMPLE", 200)
    model, _ = learn(naive_bayes, table, {}, {"stream": "always"}, tmp_path, task=TABLE)
    rows = [{name: row[name] for name in KINDS} for row in table[0]]
    assert (model.predict(rows).argmax(axis=1) == np.array(table[0]["label"])).mean() > 0.6


# --- when it streams -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", [TEXT, TABLE])
def test_what_does_not_fit_is_streamed_and_said(
    task: str, many: Given, table: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = many if task == TEXT else table
    warned: list[str] = []
    _, training = learn(naive_bayes, given, {}, {}, tmp_path / "a", task=task, warn=warned.append)
    assert "streamed" not in training.notes
    monkeypatch.setattr(memory, "available", lambda: 100_000)
    _, training = learn(naive_bayes, given, {}, {}, tmp_path / "b", task=task, warn=warned.append)
    assert training.notes["streamed"]["bytes_in_memory"] > 100_000
    assert len(warned) == 1
    assert "100.0 KB are free: the rows stay on disk (train.stream)" in warned[0]
    with pytest.raises(TrainingError, match="needs about") as caught:
        learn(naive_bayes, given, {}, {"stream": "never"}, tmp_path / "c", task=task)
    assert "train.stream" in str(caught.value.hint)


def test_the_estimate_is_near_what_is_there(many: Given) -> None:
    params = naive_bayes.Params(ngrams=(1, 3))
    entries = sum(
        len({text[i : i + n] for n in (1, 2, 3) for i in range(len(text) - n + 1)}) for text in many[0]["text"]
    )
    assert _decide.entries_of(params, many[0]) == pytest.approx(entries, rel=0.2)


@pytest.mark.parametrize(
    ("module", "settings", "words"),
    [
        (naive_bayes, {"epochs": 3}, "Extra inputs"),
        (naive_bayes, {"stream": "sometimes"}, "'auto', 'always' or 'never'"),
        (naive_bayes, {"processes": 0}, "1 to 256"),
        (logistic_regression, {"stream": "never", "epochs": 3}, "epochs goes with stream: auto or always"),
        (linear_svm, {"stream": "never", "time_limit": "5m"}, "time_limit goes with stream"),
        (logistic_regression, {"early_stopping": {"metric": "mae"}}, "loss or accuracy"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(module: Any, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        module.Settings.model_validate(settings)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("module", [naive_bayes, logistic_regression, linear_svm])
def test_what_cannot_be_learned_is_refused_as_in_memory(module: Any, tmp_path: Path) -> None:
    always = {"stream": "always"}
    given = texts_of([("good", "pos"), ("fine", "pos")], ["neg", "pos"])
    with pytest.raises(TrainingError, match="hold 1 of the two or more labels"):
        learn(module, given, {}, always, tmp_path / "a")
    given = texts_of([("", "pos"), ("", "neg")] * 10)
    with pytest.raises(TrainingError, match="no n-gram is left"):
        learn(module, given, {}, always, tmp_path / "b")
    data, signature = texts_of([("good", "pos"), ("bad", "neg")] * 10)
    holed = data.map(lambda row: {"text": None if row["text"] == "bad" else row["text"]})
    with pytest.raises(DataError, match="no text"):
        learn(module, (holed, signature), {}, always, tmp_path / "c")
    with pytest.raises(TrainingError, match="hold 0 of the two"):
        learn(module, (data.select([]), signature), {}, always, tmp_path / "d")


@pytest.mark.usefixtures("small_blocks")
def test_too_little_room_on_disk_is_said_before(many: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    with pytest.raises(TrainingError, match=r"on disk while the model learns, and 1\.0 KB are free"):
        learn(logistic_regression, many, {}, {"stream": "always"}, tmp_path)


@pytest.mark.usefixtures("small_blocks")
def test_a_disk_that_fills_is_said_and_the_fit_goes_on_later(
    many: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(DataError, match="the disk is full"):
            learn(naive_bayes, many, {}, {"stream": "always"}, tmp_path / "a")
    again, _ = learn(naive_bayes, many, {}, {"stream": "always"}, tmp_path / "a")
    whole, _ = learn(naive_bayes, many, {}, {"stream": "always"}, tmp_path / "b")
    assert digest(again, tmp_path / "again") == digest(whole, tmp_path / "whole")


# --- processes -----------------------------------------------------------------------------------------------------


def test_results_come_in_the_order_of_the_arguments() -> None:
    given = [(number, "x" * (200_000 if number % 2 else 1)) for number in range(9)]
    found = list(_pool.mapped(len, iter(given), 3))
    assert found == [(number, len(text)) for number, text in given]
    assert list(_pool.mapped(len, iter([]), 2)) == []


def test_an_error_in_a_process_comes_through() -> None:
    with pytest.raises(RuntimeError, match="TypeError"):
        list(_pool.mapped(len, iter([(0, 5)]), 2))


def test_a_process_that_was_killed_is_said() -> None:
    with pytest.raises(TrainingError, match="was ended by SIGKILL") as caught:
        list(_pool.mapped(signal.raise_signal, iter([(0, signal.SIGKILL)]), 2))
    assert "train.processes" in str(caught.value.hint)
    with pytest.raises(RuntimeError, match="ended with status 3"):
        list(_pool.mapped(os._exit, iter([(0, 3)]), 2))


# --- reading -------------------------------------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path: Path, many: Given) -> Path:
    many[0].save_to_disk(tmp_path / "saved")
    return next((tmp_path / "saved").glob("*.arrow"))


def test_pieces_are_all_rows_from_any_place(stored: Path, many: Given) -> None:
    rows = Dataset.from_file(str(stored))
    expected = many[0]["text"]
    for given in (rows, many[0]):
        for first in (0, 1, 777, len(rows)):
            found = [text for table in pieces(given, first) for text in table["text"].to_pylist()]
            assert found == list(expected)[first:]
    for changed in (rows.select([5, 3, 1]), rows.select(range(10, 50)), rows.shuffle(seed=1)):
        assert [text for table in pieces(changed) for text in table["text"].to_pylist()] == list(changed["text"])
    sizes = [table.num_rows for table in regular(pieces(rows), 500)]
    assert sizes == [500] * (len(rows) // 500) + [len(rows) % 500] * (len(rows) % 500 > 0)


GROWTH = """
import json, resource, sys
from datasets import Dataset
from aiaas.backends.streaming import pieces
rows = Dataset.from_file(sys.argv[1])
next(iter(pieces(rows)))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = sum(table.num_rows for table in pieces(rows) if table["text"][0].as_py())
print(json.dumps([count, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024]))
"""


def test_reading_a_file_does_not_hold_it(tmp_path: Path) -> None:
    import pyarrow as pa

    layout = pa.schema([("text", pa.string())])
    path = tmp_path / "rows.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, layout) as stream:
        for _ in range(100):
            stream.write_batch(pa.record_batch([pa.array(["x" * 1000] * 1000)], schema=layout))
    done = subprocess.run([sys.executable, "-c", GROWTH, str(path)], capture_output=True, text=True, check=True)
    count, grown = json.loads(done.stdout)
    assert count == 100_000
    assert grown < 40
