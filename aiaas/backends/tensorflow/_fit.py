"""Keras `fit`, epoch by epoch, with what makes it report, stop and resume.

Everything that a step depends on is in the checkpoint (weights, optimiser, random state, running metrics) or follows
from its number (the batch), so that a fit which was interrupted learns, bit for bit, what another would have learned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends.course import Course, stopped
from aiaas.backends.settings import Learning
from aiaas.backends.tensorflow import _checkpoint
from aiaas.backends.tensorflow._feed import Batches, feed
from aiaas.backends.tensorflow._keras import keras
from aiaas.backends.tensorflow._optimizer import optimizer
from aiaas.contracts import Training
from aiaas.errors import TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
    """One fit: what happens after every batch and every epoch."""

    def __init__(self, network: Any, batches: Batches, validation: Batches, training: Training) -> None:
        self.network, self.batches, self.validation, self.training = network, batches, validation, training
        self.course = Course(training, batches.steps)
        self.best: list[NDArray[Any]] = []
        self.running: list[NDArray[Any]] = []
        self.rows: Any = None
        self.held_out: Any = None

    def run(self) -> None:
        """All epochs that are still to do."""
        self._resume()
        course = self.course
        while not course.over():
            with suppress(_TimeIsUp):  # what was learned of the epoch counts
                if self.running:
                    self._build_metrics()
                if course.state.step < self.batches.steps:
                    self._epoch()
                else:  # interrupted between the last step of an epoch and its end
                    self.restore_metrics()
            self._end_epoch()
        if course.settings.early_stopping and self.best:
            self.network.set_weights(self.best)
        course.finish()

    def _resume(self) -> None:
        found = _checkpoint.load(self.training.checkpoints)
        if found is None:
            return
        state, values, self.best = found
        fixed = self._fixed()
        for variable, value in zip(fixed, values, strict=False):
            variable.assign(value)
        self.running = values[len(fixed) :]
        self.course.resume(state)

    def _epoch(self) -> None:
        """Keras `fit` over what is left of the epoch. What was running before an interruption runs on."""
        state = self.course.state
        if self.rows is None:
            self.rows = feed(self.network, self.batches, self._place)
        self.network.fit(
            self.rows,
            initial_epoch=state.epoch,
            epochs=state.epoch + 1,
            steps_per_epoch=self.batches.steps - state.step,
            shuffle=False,
            verbose=0,
            callbacks=[_callback(self)],
        )

    def _place(self) -> tuple[int, int]:
        return self.course.state.epoch, self.course.state.step

    def _build_metrics(self) -> None:
        """Keras makes the variables of metrics when it first sees a batch, in a look that is no step of learning."""
        before = [np.asarray(variable) for variable in self.network.variables]
        self.network.test_on_batch(*next(self.batches.epoch(self.course.state.epoch, 0)))
        for variable, value in zip(self.network.variables, before, strict=True):
            variable.assign(value)  # recurrent dropout draws random numbers even then

    def restore_metrics(self) -> None:
        """Put back what was running when the fit was interrupted; in an epoch from its first step there is nothing."""
        for variable, value in zip(self.network.metrics_variables, self.running, strict=False):
            variable.assign(value)
        self.running = []

    def on_batch_end(self, logs: Mapping[str, float]) -> None:
        """After each step: is it still a number, does anyone want to know, is it time to keep it or to stop?"""
        course = self.course
        if course.stepped(self.training.settings.batch_size, logs["loss"]):
            course.tell(logs)
        if self.training.should_stop():
            self._keep()
            raise stopped()
        if course.keep_now():
            self._keep()
        if course.late():
            self._keep()
            raise _TimeIsUp

    def _end_epoch(self) -> None:
        """Judge the epoch on the validation rows, report it, keep it."""
        course = self.course
        metrics = dict(self.network.get_metrics_result())
        if self.validation.steps:
            if self.held_out is None:
                self.held_out = feed(self.network, self.validation, lambda: (0, 0))
            judged = self.network.evaluate(self.held_out, steps=self.validation.steps, verbose=0, return_dict=True)
            course.check(judged["loss"], "the loss on the validation rows")  # the last step may have spoilt the weights
            metrics |= {f"validation_{name}": value for name, value in judged.items()}
        rate = float(keras().ops.convert_to_tensor(self.network.optimizer.learning_rate).numpy())
        if course.judge(metrics, rate):
            self.best = self.network.get_weights()
        stop = self.training.should_stop()
        if course.keep_epoch() or (stop and not course.cut):
            self._keep()
        if stop:
            raise stopped()

    def _keep(self) -> None:
        self.course.kept()
        state = self.course.state
        running = [] if state.step == 0 else self.network.metrics_variables
        _checkpoint.save(self.training.checkpoints, state, [*self._fixed(), *running], self.best)

    def _fixed(self) -> list[Any]:
        """Weights, random state and optimiser: what every checkpoint holds."""
        return [*self.network.variables, *self.network.optimizer.variables]


def _callback(fit: _Fit) -> Any:
    class Follow(keras().callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            fit.restore_metrics()  # Keras has just reset them

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            fit.on_batch_end(logs)

    return Follow()
