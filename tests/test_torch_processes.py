"""A fit of an encoder in several processes: it learns what one learns, stops and goes on as one, and leaves nothing."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from encoder_toys import make_encoder
from test_torch_training import BERT, Fit, rows, stops

from aiaas import plugins
from aiaas.backends import memory
from aiaas.backends.torch import _processes
from aiaas.backends.torch._torch import Device
from aiaas.backends.torch._worker import Job
from aiaas.contracts import Signature, Training
from aiaas.errors import AiaasError, Interrupted, TrainingError, UsageError

TWO: dict[str, Any] = {"processes": 2, "data": rows(21), "batch_size": 4, "accumulate": 2, "precision": "float32"}
"""The last batch has one row: the other process has none of it."""


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"), list(rows()["text"]))


def test_two_processes_learn_what_one_learns(encoder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Plain steps along gradients that nothing scales, so that one that is too long would be seen."""
    import torch

    asked = {**TWO, "class_weights": {"good": 2.0}, "label_smoothing": 0.1, "optimizer": "sgd", "clip_norm": None}
    one = Fit(encoder, tmp_path / "one", **{**asked, "processes": 1})
    environment = dict(os.environ)
    two = Fit(encoder, tmp_path / "two", **asked)
    assert [set(metrics) for metrics in two.history] == [set(metrics) for metrics in one.history]
    for ours, theirs in zip(two.history, one.history, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5)
    for name, value in one.weights().items():
        np.testing.assert_allclose(two.weights()[name], value, rtol=1e-3, atol=1e-5, err_msg=name)
    assert two.training.notes == one.training.notes
    assert two.told[-1].ended
    assert (two.told[-1].step, two.told[-1].metrics.keys()) == (one.told[-1].step, one.told[-1].metrics.keys())
    assert dict(os.environ) == environment
    assert not torch.distributed.is_initialized()
    assert capfd.readouterr() == ("", "")


def test_stopped_and_gone_on_they_learn_the_same_bits(encoder: Path, tmp_path: Path) -> None:
    """With random numbers drawn in each process, and the best weights kept by one."""
    asked = {**TWO, "params": {"dropout": 0.2, "attention_dropout": 0.1}, "early_stopping": {"patience": 5}}
    whole = Fit(encoder, tmp_path / "whole", **asked)
    with pytest.raises(Interrupted, match="training was stopped"):
        Fit(encoder, tmp_path / "again", stop=stops(13).__next__, **asked)
    assert len(list((tmp_path / "again" / "checkpoints").glob("checkpoint-*"))) == 1
    again = Fit(encoder, tmp_path / "again", **asked)
    assert again.history == whole.history
    assert again.training.notes["best_epoch"] == whole.training.notes["best_epoch"]
    for name, value in whole.weights().items():
        np.testing.assert_array_equal(again.weights()[name], value, err_msg=name)


# --- what becomes of the processes -------------------------------------------------------------------------------


class Calls:
    """In place of a job: a process that reads it calls a function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def follow(tmp_path: Path, job: Calls) -> None:
    """Let two processes do `job`; however that ends, they are gone."""
    training = Training("text-classification", Signature({}, None), 1, tmp_path)
    plan: Any = type("Plan", (), {"settings": BERT.Settings()})
    told = Job(plan, Device("cpu", "float32"), "", training.signature, 1, tmp_path, 2, tmp_path / "meet")
    numbers: list[int] = []
    try:
        with _processes._started(told) as workers:
            numbers += [worker.process.pid for worker in workers]
            _processes._followed(workers, pickle.dumps(job), training)
    finally:
        assert not any(alive(number) for number in numbers)


def alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("job", "kind", "message"),
    [
        (Calls(plugins.find, "tasks", "text-classify"), UsageError, "there is no task 'text-classify'; allowed"),
        (Calls(signal.raise_signal, signal.SIGKILL), TrainingError, "of 2 was ended by SIGKILL"),
        (Calls(int, "no number"), RuntimeError, "ValueError: invalid literal"),
        (Calls(os._exit, 3), RuntimeError, "of 2 ended with status 3"),
    ],
)
def test_what_a_process_fails_with_is_raised_here(
    job: Calls, kind: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=message) as caught:
        follow(tmp_path, job)
    if isinstance(caught.value, AiaasError):
        assert caught.value.hint


SLEEPS = """
import pickle, sys, time
from aiaas.backends.torch._processes import _started

class Sleeps:
    def __reduce__(self):
        return exec, (sys.argv[1],)

class Job:
    parts, threads = 2, 1

with _started(Job()) as workers:
    for worker in workers:
        worker.connection.send_bytes(pickle.dumps(Sleeps()))
    time.sleep(300)
"""


def test_no_process_outlives_the_one_that_started_it(tmp_path: Path) -> None:
    """Killed, it cannot say so. The end of standard error is the end of all that write to it."""
    work = f"import os, time; open(os.path.join({str(tmp_path)!r}, os.environ['RANK']), 'w'); time.sleep(300)"
    parent = subprocess.Popen([sys.executable, "-c", SLEEPS, work], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not ((tmp_path / "0").exists() and (tmp_path / "1").exists()):
        assert parent.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    parent.kill()
    assert parent.communicate(timeout=60)[1] == b""


# --- how many ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "kind", "gpus", "expected"),
    [("auto", "cpu", 4, 1), ("auto", "cuda", 4, 4), (3, "cpu", 0, 3), (2, "cuda", 4, 2), ("auto", "cuda", 1, 1)],
)
def test_there_is_one_for_each_gpu_unless_the_recipe_says_otherwise(
    asked: Any, kind: Any, gpus: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert _processes.count(BERT.Settings(processes=asked), Device(kind, "float32")) == expected


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(TrainingError, match="is 3, and PyTorch finds 2 GPUs here") as caught:
        _processes.count(BERT.Settings(processes=3), Device("cuda", "float32"))
    assert caught.value.where == "train.processes"


def test_the_memory_of_all_is_told_before_they_start(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(memory, "check", lambda need, *others: told.append(need))
    monkeypatch.setattr(_processes, "learn", lambda *arguments: None)
    for processes in (1, 2, 3):
        Fit(encoder, tmp_path, **{**TWO, "processes": processes})
    one, two, three = told[1::2]  # before these, whether the encoder itself can be read
    assert 2 * one < two < three
    monkeypatch.undo()
    monkeypatch.setattr(memory, "available", lambda: (one + two) // 2)
    with pytest.raises(TrainingError, match="training this encoder needs about") as caught:
        Fit(encoder, tmp_path, **TWO)
    assert "train.processes" in str(caught.value.hint)
