"""Keras `fit`, epoch by epoch, with what makes it report, stop and resume.

Everything that a step depends on is in the checkpoint (weights, optimiser, random state, running metrics) or follows
from its number (the batch), so that a fit which was interrupted learns, bit for bit, what another would have learned.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends.settings import Learning
from aiaas.backends.tensorflow import _checkpoint
from aiaas.backends.tensorflow._feed import Batches, feed
from aiaas.backends.tensorflow._keras import keras
from aiaas.backends.tensorflow._optimizer import optimizer
from aiaas.contracts import Progress, Training
from aiaas.errors import Interrupted, TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TELL_EVERY = 0.2  # seconds between two looks of a person at the progress
_KEEP_AT_MOST = 5  # seconds since the last checkpoint, below which an epoch is not worth one of its own
_ON_NAN = "lower train.learning_rate, set train.clip_norm to 1.0, or look for extreme values in the data"


def learn(
    network: Any,
    batches: Batches,
    validation: Batches,
    training: Training,
    *,
    loss: Any,
    metrics: Sequence[Callable[[], Any]] = (),
) -> None:
    """Fit `network` on `batches` as `training.settings` say; it ends with the last weights, or with the best ones where
    the recipe stops early.

    `metrics` make what is measured besides the loss. The metrics of each epoch are reported under their names, those of
    `validation` as `validation_…`. Raises TrainingError when the loss is no number any more, and Interrupted after
    `training.should_stop()` said so.
    """
    settings: Learning = training.settings
    if not batches.steps:
        raise TrainingError("there are no training rows", hint="give train a share in preprocess.split")
    steps = settings.epochs * batches.steps
    with network.distribute_strategy.scope():
        network.compile(optimizer(settings, steps), loss, metrics=[make() for make in metrics], jit_compile=False)
        network.optimizer.build(network.trainable_variables)
    _Fit(network, batches, validation, training).run()


class _TimeIsUp(Exception):
    """The time limit of the recipe came within an epoch."""


class _Fit:
    """One fit: where it stands, and what happens after every batch and every epoch."""

    def __init__(self, network: Any, batches: Batches, validation: Batches, training: Training) -> None:
        self.network, self.batches, self.validation, self.training = network, batches, validation, training
        self.settings: Learning = training.settings
        self.state = _checkpoint.State()
        self.best: list[NDArray[Any]] = []
        self.running: list[NDArray[Any]] = []
        self.began = self.began_here = self.kept = time.monotonic()
        self.rows: Any = None
        self.held_out: Any = None
        self.told = 0.0
        self.done_here = 0

    def run(self) -> None:
        """All epochs that are still to do."""
        self._resume()
        state = self.state
        while state.epoch < self.settings.epochs and not self._over():
            with suppress(_TimeIsUp):  # what was learned of the epoch counts
                if self.running:
                    self._build_metrics()
                if state.step < self.batches.steps:
                    self._epoch()
                else:  # interrupted between the last step of an epoch and its end
                    self.restore_metrics()
            self._end_epoch()
        if self.settings.early_stopping and self.best:
            self.network.set_weights(self.best)
            self.training.notes["best_epoch"] = self.state.best_epoch + 1
        self.training.notes["epochs"] = len(state.history)

    def _resume(self) -> None:
        found = _checkpoint.load(self.training.checkpoints)
        if found is None:
            return
        self.state, values, self.best = found
        fixed = self._fixed()
        for variable, value in zip(fixed, values, strict=False):
            variable.assign(value)
        self.running = values[len(fixed) :]
        for number, metrics in enumerate(self.state.history, 1):
            self.training.report(number * self.batches.steps, metrics)

    def _epoch(self) -> None:
        """Keras `fit` over what is left of the epoch. What was running before an interruption runs on."""
        state = self.state
        if self.rows is None:
            self.rows = feed(self.network, self.batches, lambda: (state.epoch, state.step))
        self.network.fit(
            self.rows,
            initial_epoch=state.epoch,
            epochs=state.epoch + 1,
            steps_per_epoch=self.batches.steps - state.step,
            shuffle=False,
            verbose=0,
            callbacks=[_callback(self)],
        )

    def _build_metrics(self) -> None:
        """Keras makes the variables of metrics when it first sees a batch, in a look that is no step of learning."""
        before = [np.asarray(variable) for variable in self.network.variables]
        self.network.test_on_batch(*next(self.batches.epoch(self.state.epoch, 0)))
        for variable, value in zip(self.network.variables, before, strict=True):
            variable.assign(value)  # recurrent dropout draws random numbers even then

    def restore_metrics(self) -> None:
        """Put back what was running when the fit was interrupted; in an epoch from its first step there is nothing."""
        for variable, value in zip(self.network.metrics_variables, self.running, strict=False):
            variable.assign(value)
        self.running = []

    def on_batch_end(self, logs: Mapping[str, float]) -> None:
        """After each step: is it still a number, does anyone want to know, is it time to keep it or to stop?"""
        state = self.state
        state.step += 1
        self.done_here += 1
        self._check(logs["loss"], "the loss")
        now = time.monotonic()
        if now - self.told >= _TELL_EVERY:
            self.told = now
            self._tell(logs)
        if self.training.should_stop():
            self._keep()
            raise Interrupted("training was stopped", hint="run the same command again to go on")
        if now - self.kept >= self.settings.checkpoint_every:
            self._keep()
        if self._over():
            raise _TimeIsUp

    def _check(self, loss: float, what: str) -> None:
        """Raise TrainingError when the loss is no number any more."""
        if math.isfinite(loss):
            return
        state, kept = self.state, self.training.checkpoints / _checkpoint.FILE
        raise TrainingError(
            f"{what} is no number any more at step {state.epoch * self.batches.steps + state.step:,} "
            f"(epoch {state.epoch + 1})",
            where=f"{kept} holds the last good state" if kept.exists() else None,
            hint=_ON_NAN,
        )

    def _end_epoch(self) -> None:
        """Judge the epoch on the validation rows, report it, keep it."""
        state, steps = self.state, self.batches.steps
        metrics = {"epoch": float(state.epoch + 1), **_finite(self.network.get_metrics_result())}
        if self.validation.steps:
            if self.held_out is None:
                self.held_out = feed(self.network, self.validation, lambda: (0, 0))
            judged = self.network.evaluate(self.held_out, steps=self.validation.steps, verbose=0, return_dict=True)
            self._check(judged["loss"], "the loss on the validation rows")  # the last step may have spoilt the weights
            metrics |= {f"validation_{name}": value for name, value in _finite(judged).items()}
        metrics["learning_rate"] = float(keras().ops.convert_to_tensor(self.network.optimizer.learning_rate).numpy())
        state.history.append(metrics)
        self.training.report(len(state.history) * steps, metrics)
        self._remember(metrics)
        state.epoch, state.step = state.epoch + 1, 0
        self._tell(metrics)
        stop = self.training.should_stop()
        if stop or time.monotonic() - self.kept >= min(self.settings.checkpoint_every, _KEEP_AT_MOST):
            self._keep()
        if stop:
            raise Interrupted("training was stopped", hint="run the same command again to go on")

    def _remember(self, metrics: Mapping[str, float]) -> None:
        """The weights of the best epoch, where the recipe stops early."""
        early = self.settings.early_stopping
        if early is None:
            return
        name = f"validation_{early.metric}"
        if name not in metrics:
            known = sorted(each.removeprefix("validation_") for each in metrics if each.startswith("validation_"))
            raise TrainingError(
                f"early stopping watches {early.metric} of the validation rows, which is not measured",
                where="train.early_stopping",
                hint=f"watch {' or '.join(known)}" if known else "give validation a share in preprocess.split",
            )
        value = metrics[name] if early.metric == "accuracy" else -metrics[name]
        state = self.state
        if state.best is None or value > state.best + early.min_delta:
            state.best, state.best_epoch = value, state.epoch
            self.best = self.network.get_weights()

    def _over(self) -> bool:
        """Whether the time limit or the patience is spent."""
        early, state = self.settings.early_stopping, self.state
        if early and state.best is not None and state.epoch - state.best_epoch > early.patience:
            return True
        limit = self.settings.time_limit
        if limit is None or self._seconds() < limit:
            return False
        self.training.notes["time_limit_reached"] = True
        return True

    def _seconds(self) -> float:
        """Time of training, that before interruptions included."""
        return self.state.seconds + time.monotonic() - self.began

    def _keep(self) -> None:
        now = time.monotonic()
        self.state.seconds += now - self.began
        self.began = self.kept = now
        running = [] if self.state.step == 0 else self.network.metrics_variables
        _checkpoint.save(self.training.checkpoints, self.state, [*self._fixed(), *running], self.best)

    def _fixed(self) -> list[Any]:
        """Weights, random state and optimiser: what every checkpoint holds."""
        return [*self.network.variables, *self.network.optimizer.variables]

    def _tell(self, metrics: Mapping[str, float]) -> None:
        state, steps, epochs = self.state, self.batches.steps, self.settings.epochs
        done = state.epoch * steps + state.step
        spent = max(1e-9, time.monotonic() - self.began_here)
        rate = self.done_here / spent
        left = (epochs * steps - done) / rate if rate else None
        limit = self.settings.time_limit
        if limit is not None:
            left = max(0.0, min(left if left is not None else math.inf, limit - self._seconds()))
        self.training.progress(
            Progress(
                step=state.step or steps,
                steps=steps,
                epoch=state.epoch + (state.step > 0),
                epochs=epochs,
                metrics={
                    name: float(value) for name, value in metrics.items() if name not in ("epoch", "learning_rate")
                },
                examples_per_second=rate * self.settings.batch_size,
                seconds_left=left,
                ended=state.step == 0,
            )
        )


def _finite(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items() if math.isfinite(float(value))}


def _callback(fit: _Fit) -> Any:
    class Follow(keras().callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            fit.restore_metrics()  # Keras has just reset them

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            fit.on_batch_end(logs)

    return Follow()
