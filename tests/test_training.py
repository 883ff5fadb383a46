"""Learning by gradients: optimisers and schedules, what ends a fit, what is kept of it, what it says."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from aiaas import plugins
from aiaas.backends.classes import class_weights, one_hot, softmax
from aiaas.backends.course import Course
from aiaas.backends.settings import Learning, written
from aiaas.contracts import Progress, Training
from aiaas.errors import Interrupted, MissingPackageError, TrainingError
from aiaas.train import signature_of

ROOT = Path(__file__).parents[1]
MLP = plugins.architecture("tensorflow", "mlp")
try:
    plugins.require(MLP.REQUIRES, "these tests")
except MissingPackageError as error:
    pytest.skip(error.message, allow_module_level=True)


def rows(count: int = 160, shift: float = 2.0) -> Dataset:
    """Two clouds of points, far enough from each other to be told apart."""
    random = np.random.default_rng(3)
    labels = np.arange(count) % 2
    points = random.normal(size=(count, 2)) + shift * labels[:, None]
    return Dataset.from_dict(
        {"x": points[:, 0], "y": points[:, 1], "label": labels},
        features=Features({"x": Value("float64"), "y": Value("float64"), "label": ClassLabel(names=["a", "b"])}),
    )


def fitted(
    folder: Path,
    data: Dataset | None = None,
    validation: Dataset | None = None,
    stop: Callable[[], bool] = lambda: False,
    seed: int = 1,
    **settings: Any,
) -> tuple[Any, list[dict[str, float]], list[Progress], dict[str, Any]]:
    """The model, the history, what was told to a person, the notes."""
    data = data or rows()
    history: list[dict[str, float]] = []
    told: list[Progress] = []
    training = Training(
        "tabular-classification",
        signature_of(data, plugins.task("tabular-classification")),
        seed,
        folder,
        Learning(**{"epochs": 3, "batch_size": 32, **settings}),
        lambda step, metrics: history.append({"step": step, **metrics}),
        told.append,
        should_stop=stop,
    )
    model = MLP.fit(MLP.Params(hidden=(8,)), data, rows(40) if validation is None else validation, training)
    return model, history, told, training.notes


# --- what a recipe may say ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("1h30m", 5400), ("1h1m1s", 3661)])
def test_a_time_is_read_and_written_alike(text: str, seconds: int) -> None:
    assert Learning(time_limit=text).time_limit == seconds  # type: ignore[arg-type]
    assert Learning(time_limit=written(seconds)).time_limit == seconds  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "5", "5 m", "m", "1m1h", "-1m", "0s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time_limit"):
        Learning(time_limit=text)  # type: ignore[arg-type]


def test_weight_decay_needs_the_optimiser_that_has_it() -> None:
    with pytest.raises(ValueError, match="weight_decay goes with optimizer: adamw"):
        Learning(weight_decay=0.1)


def test_momentum_needs_an_optimiser_that_has_it() -> None:
    with pytest.raises(ValueError, match="momentum goes with optimizer: sgd or rmsprop, not with adam"):
        Learning(momentum=0.5)
    assert Learning(optimizer="sgd", momentum=0.5).momentum == 0.5
    assert Learning.model_validate(Learning().model_dump()) == Learning(), "what a recipe resolves to may be read again"


# --- optimisers and schedules ------------------------------------------------------------------------------------


def rates(steps: int = 100, **settings: Any) -> list[float]:
    from aiaas.backends.tensorflow._optimizer import schedule

    made = schedule(Learning(learning_rate=2.0, **settings), steps)
    return [float(made(step)) if callable(made) else made for step in range(steps)]


def test_schedules_have_the_shapes_of_their_names() -> None:
    assert rates() == [2.0] * 100
    step = rates(schedule="step")
    np.testing.assert_allclose([step[0], step[49], step[50], step[75]], [2.0, 2.0, 0.2, 0.02], rtol=1e-5)
    cosine = rates(schedule="cosine")
    assert cosine == sorted(cosine, reverse=True)
    assert cosine[0] == pytest.approx(2.0)
    assert cosine[50] == pytest.approx(1.0, rel=0.02)
    assert 0 < cosine[-1] < 0.01
    linear = rates(schedule="linear")
    np.testing.assert_allclose([linear[0], linear[50], linear[99]], [2.0, 1.0, 0.022], rtol=0.01)
    one_cycle = rates(schedule="one_cycle")
    assert one_cycle.index(max(one_cycle)) in (24, 25)
    assert max(one_cycle) == pytest.approx(2.0, rel=0.01)
    warm = rates(warmup=0.1)
    np.testing.assert_allclose(warm[:10], np.arange(1, 11) * 0.2, rtol=1e-4)
    assert warm[10:] == pytest.approx([2.0] * 90)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "rmsprop"])
def test_every_optimiser_learns(optimizer: str, tmp_path: Path) -> None:
    _, history, _, _ = fitted(tmp_path, optimizer=optimizer, learning_rate=0.02, epochs=4, clip_norm=1.0)
    assert history[-1]["loss"] < history[0]["loss"]
    assert history[-1]["validation_accuracy"] > 0.8


# --- labels ------------------------------------------------------------------------------------------------------


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.array([0, 0, 0, 1, 2, 2])
    ours = class_weights(Learning(class_weights="balanced"), labels, ["a", "b", "c"])
    np.testing.assert_allclose(ours, compute_class_weight("balanced", classes=np.arange(3), y=labels), rtol=1e-6)


def test_a_weight_of_an_unknown_label_is_refused() -> None:
    with pytest.raises(TrainingError, match=r"no label 'c'; allowed: a, b"):
        class_weights(Learning(class_weights={"c": 2.0}), np.array([0, 1]), ["a", "b"])


@pytest.mark.parametrize("settings", [{"class_weights": "balanced"}, {"label_smoothing": 0.1}], ids=str)
def test_what_is_said_of_labels_is_refused_where_there_are_none(settings: dict[str, Any], tmp_path: Path) -> None:
    data = rows().rename_column("label", "target").cast_column("target", Value("float64"))
    signature = signature_of(data, plugins.task("tabular-regression"))
    training = Training("tabular-regression", signature, 1, tmp_path, Learning(**settings))
    with pytest.raises(TrainingError, match="is for classifiers; tabular-regression has no labels") as caught:
        MLP.fit(MLP.Params(), data, data, training)
    assert caught.value.where == f"train.{next(iter(settings))}"


def test_weights_move_what_is_learned(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    overlapping = rows(shift=0.5)
    plain, *_ = fitted(tmp_path / "1", overlapping, epochs=6, learning_rate=0.02)
    weighed, *_ = fitted(tmp_path / "2", overlapping, epochs=6, learning_rate=0.02, class_weights={"b": 20.0})
    examples = [{"x": row["x"], "y": row["y"]} for row in overlapping]
    assert weighed.predict(examples)[:, 1].mean() > plain.predict(examples)[:, 1].mean() + 0.1


def test_smoothed_targets_sum_to_one() -> None:
    np.testing.assert_allclose(one_hot(np.array([1, 0]), 4, 0.2), [[0.05, 0.85, 0.05, 0.05], [0.85, 0.05, 0.05, 0.05]])


def test_probabilities_of_huge_logits_are_finite() -> None:
    np.testing.assert_allclose(softmax(np.array([[1e4, -1e4, 0.0]])), [[1, 0, 0]], atol=1e-12)


# --- what ends a fit ---------------------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_stops_with_its_step_and_what_to_try(tmp_path: Path) -> None:
    with pytest.raises(TrainingError) as caught:
        fitted(tmp_path, optimizer="sgd", learning_rate=99.0, momentum=0.99, epochs=400)
    assert caught.value.status == 5
    assert "no number any more at step" in caught.value.message
    assert "train.learning_rate" in str(caught.value.hint)


def test_weights_that_the_last_step_of_an_epoch_spoilt_are_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aiaas.backends.tensorflow._keras import keras

    spoilt = {"loss": math.nan, "accuracy": 0.5}
    monkeypatch.setattr(keras().Model, "evaluate", lambda *arguments, **options: spoilt)
    with pytest.raises(TrainingError, match="loss on the validation rows is no number any more at step 5 ") as caught:
        fitted(tmp_path)
    assert "train.learning_rate" in str(caught.value.hint)


def test_a_checkpoint_never_holds_what_is_no_number(tmp_path: Path) -> None:
    from aiaas.backends.tensorflow import _checkpoint

    good = [np.ones(3, np.float32)]
    assert _checkpoint.save(tmp_path, _checkpoint.State(epoch=2), good, [])
    assert not _checkpoint.save(tmp_path, _checkpoint.State(epoch=3), [np.array([1, math.nan])], [])
    found = _checkpoint.load(tmp_path)
    assert found is not None
    assert found[0].epoch == 2


def test_early_stopping_keeps_the_weights_of_the_best_epoch(tmp_path: Path) -> None:
    upside_down = rows(40).map(lambda row: {"label": 1 - row["label"]})  # the better it learns, the worse this gets
    stopping = {"early_stopping": {"patience": 2}, "epochs": 30, "learning_rate": 0.02}
    model, history, _, notes = fitted(tmp_path, validation=upside_down, **stopping)
    losses = [each["validation_loss"] for each in history]
    best = int(np.argmin(losses))
    assert len(history) == best + 3
    assert notes["best_epoch"] == best + 1
    shown = [{"x": row["x"], "y": row["y"]} for row in upside_down]
    probabilities = model.predict(shown)[np.arange(40), upside_down["label"]]
    assert -np.log(probabilities).mean() == pytest.approx(min(losses), rel=1e-4)


def test_early_stopping_without_validation_rows_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="early stopping watches loss") as caught:
        fitted(tmp_path, validation=rows(0), early_stopping={})
    assert "validation" in str(caught.value.hint)


def test_a_time_limit_ends_the_fit_with_what_was_learned(tmp_path: Path) -> None:
    model, history, _, notes = fitted(tmp_path, epochs=100_000, time_limit="2s")
    assert notes["time_limit_reached"]
    assert 1 <= len(history) < 100_000
    assert np.isfinite(model.predict([{"x": 0.0, "y": 0.0}])).all()


def test_a_longer_limit_goes_on_where_a_shorter_one_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within an epoch of five steps, at its end, and within one again."""
    whole, expected, *_ = fitted(tmp_path / "whole")
    monkeypatch.setattr(Course, "seconds", lambda self: self.state.epoch * self.steps + self.state.step)
    for limit in (3, 5, 12):
        _, history, _, notes = fitted(tmp_path / "parts", time_limit=limit)
        assert notes["time_limit_reached"]
        assert history[: limit // 5] == expected[: limit // 5]
    model, history, _, notes = fitted(tmp_path / "parts", time_limit=100)
    assert "time_limit_reached" not in notes
    assert history == expected
    points = [{"x": 1.0, "y": 0.5}, {"x": -1.0, "y": 2.0}]
    assert np.array_equal(model.predict(points), whole.predict(points))


def test_no_gpu_is_said_where_one_is_asked_for(tmp_path: Path) -> None:
    from aiaas.backends.tensorflow._keras import tensorflow

    if tensorflow().config.list_physical_devices("GPU"):
        pytest.skip("there is a GPU")
    with pytest.raises(TrainingError, match="finds no GPU"):
        fitted(tmp_path, device="gpu")


# --- what it says ------------------------------------------------------------------------------------------------


def test_every_epoch_is_reported_and_a_person_sees_how_far_it_is(tmp_path: Path) -> None:
    _, history, told, notes = fitted(tmp_path)
    assert [each["step"] for each in history] == [5, 10, 15]
    assert {"loss", "accuracy", "validation_loss", "validation_accuracy", "learning_rate"} <= history[0].keys()
    assert notes["epochs"] == 3
    last = told[-1]
    assert (last.epoch, last.epochs, last.step, last.steps) == (3, 3, 5, 5)
    assert last.examples_per_second
    assert last.seconds_left == 0


def test_what_was_reported_before_an_interruption_is_reported_again(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    model, expected, *_ = fitted(whole)
    left = iter([False] * 8)
    with pytest.raises(Interrupted):
        fitted(parts, stop=lambda: next(left, True))
    again, history, *_ = fitted(parts)
    assert history == expected
    examples = [{"x": 0.3, "y": 0.1}, {"x": 2.0, "y": None}]
    np.testing.assert_array_equal(again.predict(examples), model.predict(examples))


def test_wherever_it_is_interrupted_it_ends_alike(tmp_path: Path) -> None:
    """At every look for a stop: before the first step, within an epoch, after its last step, after it was judged. Each
    fit goes on from the stop before and no farther than to the next look."""
    asked = 0

    def count() -> bool:
        nonlocal asked
        asked += 1
        return False

    few = {"epochs": 2, "batch_size": 80}
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    model, expected, *_ = fitted(tmp_path / "whole", stop=count, **few)
    assert asked >= 6  # two steps and an end in each of two epochs
    with pytest.raises(Interrupted):
        fitted(tmp_path / "parts", stop=lambda: True, **few)
    for _ in range(asked - 1):
        looks = iter([False])
        with pytest.raises(Interrupted):
            fitted(tmp_path / "parts", stop=lambda looks=looks: next(looks, True), **few)  # type: ignore[misc]
    again, history, *_ = fitted(tmp_path / "parts", **few)
    assert history == expected
    assert all(map(np.array_equal, again.network.network.get_weights(), model.network.network.get_weights()))


# --- signals, in real processes ----------------------------------------------------------------------------------

RECIPE = """
schema: 1
name: clouds
task: tabular-classification
collect: [{source: clouds.csv}]
preprocess: {split: {train: 0.8, validation: 0.1, test: 0.1, stable: false}}
model: {backend: tensorflow, architecture: mlp, params: {hidden: [8]}}
train: {epochs: 32, batch_size: 4, checkpoint_every: 1s}
"""


def begin(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "aiaas", "train", "clouds.yaml", "--json"],
        cwd=folder,
        env={**os.environ, "AIAAS_TRACKING": "off", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def checkpoints_of(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.glob(".aiaas/checkpoints/*/checkpoint.npz")}


def wait_for_a_checkpoint(folder: Path, process: subprocess.Popen[str]) -> None:
    """Wait for one that was not there before."""
    deadline, before = time.monotonic() + 120, checkpoints_of(folder)
    while checkpoints_of(folder) == before:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def history_of(folder: Path) -> str:
    (path,) = folder.glob(".aiaas/artefacts/train/*/history.jsonl")
    return path.read_text()


def test_stopped_and_killed_it_ends_with_the_weights_of_a_run_that_never_was(tmp_path: Path) -> None:
    folders = [tmp_path / "whole", tmp_path / "parts"]
    for folder in folders:
        folder.mkdir()
        rows(400).to_csv(folder / "clouds.csv", index=False)
        (folder / "clouds.yaml").write_text(RECIPE)
    whole = begin(folders[0])
    parts = begin(folders[1])
    wait_for_a_checkpoint(folders[1], parts)
    parts.send_signal(signal.SIGTERM)
    out, err = parts.communicate(timeout=120)
    assert parts.returncode == 75, err
    assert json.loads(out)["error"]["code"] == "interrupted"
    parts = begin(folders[1])
    wait_for_a_checkpoint(folders[1], parts)
    parts.kill()
    parts.communicate()
    assert parts.returncode == -signal.SIGKILL
    last, _ = begin(folders[1]).communicate(timeout=300)
    expected, _ = whole.communicate(timeout=300)
    assert json.loads(last)["model_digest"] == json.loads(expected)["model_digest"]
    assert history_of(folders[1]) == history_of(folders[0])
    assert not list(folders[1].glob(".aiaas/checkpoints/*"))  # nothing is left to go on from


# --- devices and precision, in a process of their own, as they are set for all of it -------------------------------

ELSEWHERE = """
import json, sys
from pathlib import Path
from aiaas.backends.tensorflow import _keras
import test_training as here

tf = _keras.tensorflow()
cpu, = tf.config.list_physical_devices("CPU")  # two parts of one processor stand for two GPUs
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
for how in ("bfloat16", "float16", "two devices"):
    if how == "two devices":
        divided = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
        tf.distribute.get_strategy = lambda: divided
    settings = {"learning_rate": 0.02} if how == "two devices" else {"learning_rate": 0.02, "precision": how}
    (folder := Path(sys.argv[1]) / how).mkdir()
    model, history, _, notes = here.fitted(folder, epochs=4, **settings)
    kinds = sorted({str(weight.dtype) for weight in model.network.network.weights})
    print(json.dumps({"how": how, "history": history, "kinds": kinds, "precision": notes["precision"]}))
"""


def test_it_learns_on_several_devices_and_in_less_precision(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = {each["how"]: each for each in map(json.loads, done.stdout.splitlines())}
    assert {how: each["precision"] for how, each in told.items()} == {
        "bfloat16": "bfloat16",
        "float16": "float16",
        "two devices": "float32",
    }
    for each in told.values():
        assert each["history"][-1]["validation_accuracy"] > 0.85
        assert each["kinds"] == ["float32"]


# --- memory ------------------------------------------------------------------------------------------------------


def test_more_memory_than_there_is_is_said_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiaas.backends.memory.available", lambda: 64 * 10**9)
    huge = MLP.Params(hidden=(65_536, 65_536, 65_536))  # 8.6 thousand million weights
    data = rows()
    signature = signature_of(data, plugins.task("tabular-classification"))
    training = Training("tabular-classification", signature, 1, tmp_path, Learning(batch_size=65_536))
    began = time.monotonic()
    with pytest.raises(TrainingError, match="training this network needs about") as caught:
        MLP.fit(huge, data, rows(10), training)
    assert time.monotonic() - began < 60
    assert "model.params.hidden" in str(caught.value.hint)


def test_the_estimate_counts_weights_and_values_and_leaves_the_next_network_alone() -> None:
    from aiaas.backends.tensorflow._begin import estimate
    from aiaas.backends.tensorflow._keras import keras, seed

    def build() -> Any:
        frame = keras()
        inputs = frame.Input((None, 4))
        return frame.Model(inputs, frame.layers.Dense(3)(frame.layers.LSTM(2)(inputs)))

    lstm, dense = 4 * 2 * (4 + 2 + 1), 2 * 3 + 3
    assert estimate(build, 8, length=5) == 4 * (4 * (lstm + dense) + 2 * 8 * (5 * 4 + 2 + 3))
    seed(1)
    made = build()
    seed(1)
    assert all(np.array_equal(one, two) for one, two in zip(made.get_weights(), build().get_weights(), strict=True))
