"""One fit of an encoder through the Trainer: what happens after every step and every epoch.

Everything that a step depends on is in the checkpoint (weights, optimiser, schedule, random state, running sums) or
follows from its number (the batch), so that a fit which was interrupted learns, bit for bit, what another would have
learned.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiaas.backends.course import Course, stopped
from aiaas.backends.torch import _checkpoint, _memory
from aiaas.backends.torch._batches import Batches
from aiaas.backends.torch._group import ALONE, Group
from aiaas.backends.torch._settings import FineTuning
from aiaas.backends.torch._torch import Device
from aiaas.contracts import Training
from aiaas.errors import TrainingError


@dataclass(frozen=True, slots=True)
class Plan:
    """What is learned from what: the network and its number of layers, batches, what a row of each class counts
    (tensor of shape (classes,)), and whether the network takes `token_type_ids`."""

    network: Any
    layers: int
    train: Batches
    validation: Batches
    weights: Any
    types: bool
    settings: FineTuning


class _Over(Exception):
    """There is nothing left to do."""


def learn(plan: Plan, device: Device, training: Training, group: Group = ALONE) -> None:
    """Fit the network of `plan` as its settings say, as one of the processes of `group`; it ends with the last weights,
    or with the best ones where the recipe stops early. Raises TrainingError when the loss is no number any more, and
    Interrupted after `training.should_stop()` of the first process said so."""
    from aiaas.backends.torch import _trainer

    batches = len(plan.train)
    if not batches:
        raise TrainingError("there are no training rows", hint="give train a share in preprocess.split")
    course = Course(training, -(-batches // plan.settings.accumulate))
    folder = training.checkpoints
    kept = _checkpoint.latest(folder)
    if kept:
        course.resume(_checkpoint.read_state(kept)[0])
    fit = _Fit(course, training, group)
    (over,) = group.agree(course.over())
    if course.state.step or not over:
        with _trainer.state_of_its_own():
            given = _trainer.arguments(plan.settings, device, training.seed, folder)
            fit.trainer = trainer = _trainer.FineTuner(plan, course, given, _callback(fit), group)
            with suppress(_Over), _memory.told():
                trainer.train(resume_from_checkpoint=str(kept) if kept else None)
            trainer.accelerator.unwrap_model(plan.network, keep_fp32_wrapper=False)
    elif kept:  # interrupted when all was done
        _checkpoint.put_weights(plan.network, _checkpoint.read_tensors(kept))
    if plan.settings.early_stopping and course.state.best is not None:
        _checkpoint.put_best(folder, plan.network, course.state.best_epoch)
    course.finish()


class _Fit:
    """What happens after every step and every epoch."""

    def __init__(self, course: Course, training: Training, group: Group) -> None:
        self.course, self.training, self.group = course, training, group
        self.trainer: Any = None

    def begin(self) -> None:
        """Judge an epoch whose last step was done before an interruption."""
        if self.course.state.step == self.course.steps:
            self.end_epoch()

    def step(self, control: Any) -> None:
        """After each step: is it still a number, does anyone want to know, is it time to keep it or to stop?"""
        course, trainer = self.course, self.trainer
        rows = trainer.add_up()
        if course.stepped(rows, trainer.sums.loss):
            course.tell(trainer.sums.metrics)
        stop, keep, late = self.group.agree(self.training.should_stop(), course.keep_now(), course.late())
        if stop:
            self.stop()
        if keep or late:
            trainer.keep(self.training.checkpoints)
        if late:  # what was learned of the epoch counts
            control.should_epoch_stop = True

    def stop_if_asked(self) -> None:
        """Keep where the fit stands and raise Interrupted, if that was asked for."""
        if self.group.agree(self.training.should_stop())[0]:
            self.stop()

    def stop(self) -> None:
        """Keep where the fit stands and raise Interrupted."""
        self.trainer.keep(self.training.checkpoints)
        raise stopped()

    def end_epoch(self) -> None:
        """Judge the epoch on the validation rows, report it, keep it."""
        course, trainer = self.course, self.trainer
        judged = trainer.judge()
        if judged:  # the last step may have spoilt the weights
            course.check(judged["validation_loss"], "the loss on the validation rows")
        best = course.judge({**trainer.sums.metrics, **judged}, trainer.learning_rate)
        trainer.forget_sums()
        if best and self.group.first:
            _checkpoint.keep_best(self.training.checkpoints, trainer.model, course.state.best_epoch)
        over, done, stop, keep = self.group.agree(
            course.over(), course.done(), self.training.should_stop(), course.keep_epoch()
        )
        if (keep and not done) or (stop and not course.cut):
            trainer.keep(self.training.checkpoints)
        if stop:
            raise stopped()
        if over:
            raise _Over


def _callback(fit: _Fit) -> Any:
    from transformers import TrainerCallback

    class Follow(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            fit.begin()

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            fit.step(control)

        def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            fit.end_epoch()

        def on_prediction_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            fit.stop_if_asked()

    return Follow()
