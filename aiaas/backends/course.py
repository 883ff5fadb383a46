"""The course of a fit over epochs: where it stands, what is told and reported, when it is over. For every framework.

What happens here depends on the epoch, the step and the metrics alone, so that a fit which was interrupted and begun
again is told from one that was not by nothing but its clock.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from aiaas.backends.settings import EarlyStopping
from aiaas.contracts import Progress, Training
from aiaas.errors import Interrupted, TrainingError

TELL_EVERY = 0.2  # seconds between two looks of a person at the progress
_KEEP_AT_MOST = 5  # seconds since the last checkpoint, below which an epoch is not worth one of its own
_ON_NAN = "lower train.learning_rate, set train.clip_norm to 1.0, or look for extreme values in the data"


class Lasting(Protocol):
    """What the recipe says of how long a fit lasts, and how often it keeps where it stands."""

    @property
    def epochs(self) -> int: ...
    @property
    def time_limit(self) -> int | None: ...
    @property
    def early_stopping(self) -> EarlyStopping | None: ...
    @property
    def checkpoint_every(self) -> int: ...


@dataclass(slots=True)
class State:
    """Where a fit stands: `step` steps of `epoch` are done, both from 0; `seconds` of training were spent.

    `history` holds a mapping an epoch as it was reported. `best` is the best value of the metric that early stopping
    watches, `best_epoch` the epoch that had it and whose weights are kept.
    """

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    best: float | None = None
    best_epoch: int = 0


class Course:
    """One fit of `steps` steps an epoch, as `training.settings` say."""

    def __init__(self, training: Training, steps: int) -> None:
        self.training, self.steps = training, steps
        self.settings: Lasting = training.settings
        self.state = State()
        self._began = self._began_here = self._kept = time.monotonic()
        self._told = 0.0
        self._steps_here = self._rows_here = 0
        self.cut = False
        """Whether the time limit cut short the epoch that was judged last. It was kept where it stood and no end of it
        is: a fit with a longer limit still does its other steps."""

    def resume(self, state: State) -> None:
        """Go on from `state`, whose epochs are reported again."""
        self.state = state
        for number, metrics in enumerate(state.history, 1):
            self.training.report(number * self.steps, metrics)

    def stepped(self, rows: int, loss: float) -> bool:
        """Count one step; True where a person should see the metrics now. Raises TrainingError when the loss is no
        number any more."""
        self.state.step += 1
        self._steps_here += 1
        self._rows_here += rows
        self.check(loss, "the loss")
        if time.monotonic() - self._told < TELL_EVERY:
            return False
        self._told = time.monotonic()
        return True

    def check(self, loss: float, what: str) -> None:
        """Raise TrainingError unless the loss is a number."""
        if math.isfinite(loss):
            return
        state = self.state
        kept = any(self.training.checkpoints.iterdir()) if self.training.checkpoints.is_dir() else False
        raise TrainingError(
            f"{what} is no number any more at step {state.epoch * self.steps + state.step:,} (epoch {state.epoch + 1})",
            where=f"{self.training.checkpoints} holds the last good state" if kept else None,
            hint=_ON_NAN,
        )

    def keep_now(self) -> bool:
        """Whether it is time for a checkpoint within an epoch."""
        return time.monotonic() - self._kept >= self.settings.checkpoint_every

    def keep_epoch(self) -> bool:
        """Whether it is time for a checkpoint at the end of an epoch; always where the time limit ends the fit there:
        one with a longer limit goes on from it."""
        if self.cut:
            return False
        least = min(self.settings.checkpoint_every, _KEEP_AT_MOST)
        return time.monotonic() - self._kept >= least or self._spent()

    def kept(self) -> None:
        """A checkpoint is being written: what is in `state` must be true now."""
        now = time.monotonic()
        self.state.seconds += now - self._began
        self._began = self._kept = now

    def judge(self, metrics: Mapping[str, float], learning_rate: float) -> bool:
        """The end of an epoch: report its metrics (those of validation rows as `validation_…`), and begin the next.
        True where its weights are the best so far. Raises TrainingError when early stopping watches what is not there.
        """
        state = self.state
        told = {"epoch": float(state.epoch + 1), **_finite(metrics), "learning_rate": learning_rate}
        state.history.append(told)
        self.training.report(len(state.history) * self.steps, told)
        best = self._is_best(told)
        self.cut = state.step < self.steps
        state.epoch, state.step = state.epoch + 1, 0
        self.tell(told)
        return best

    def _is_best(self, metrics: Mapping[str, float]) -> bool:
        early, state = self.settings.early_stopping, self.state
        if early is None:
            return False
        name = f"validation_{early.metric}"
        if name not in metrics:
            known = sorted(each.removeprefix("validation_") for each in metrics if each.startswith("validation_"))
            raise TrainingError(
                f"early stopping watches {early.metric} of the validation rows, which is not measured",
                where="train.early_stopping",
                hint=f"watch {' or '.join(known)}" if known else "give validation a share in preprocess.split",
            )
        value = metrics[name] if early.metric == "accuracy" else -metrics[name]
        if state.best is not None and value <= state.best + early.min_delta:
            return False
        state.best, state.best_epoch = value, state.epoch
        return True

    def over(self) -> bool:
        """Whether all epochs are done, or the time limit or the patience is spent; never within an epoch, which is
        ended first."""
        return not self.state.step and (self.done() or self.late())

    def done(self) -> bool:
        """Whether all epochs are done or the patience is spent: more time would change nothing."""
        early, state = self.settings.early_stopping, self.state
        if state.epoch >= self.settings.epochs:
            return True
        return early is not None and state.best is not None and state.epoch - state.best_epoch > early.patience

    def late(self) -> bool:
        """Whether the time limit is spent. Within an epoch a fit then keeps where it stands, before it judges what was
        learned of the epoch."""
        if self._spent():
            self.training.notes["time_limit_reached"] = True
            return True
        return False

    def _spent(self) -> bool:
        limit = self.settings.time_limit
        return limit is not None and self.seconds() >= limit

    def seconds(self) -> float:
        """Time of training, that before interruptions included."""
        return self.state.seconds + time.monotonic() - self._began

    def tell(self, metrics: Mapping[str, float]) -> None:
        """Show a person how far it has come."""
        state, steps, epochs = self.state, self.steps, self.settings.epochs
        spent = max(1e-9, time.monotonic() - self._began_here)
        rate = self._steps_here / spent
        left = (epochs * steps - state.epoch * steps - state.step) / rate if rate else None
        limit = self.settings.time_limit
        if limit is not None:
            left = max(0.0, min(left if left is not None else math.inf, limit - self.seconds()))
        self.training.progress(
            Progress(
                step=state.step or steps,
                steps=steps,
                epoch=state.epoch + (state.step > 0),
                epochs=epochs,
                metrics={
                    name: float(value) for name, value in metrics.items() if name not in ("epoch", "learning_rate")
                },
                examples_per_second=self._rows_here / spent,
                seconds_left=left,
                ended=state.step == 0,
            )
        )

    def finish(self) -> None:
        """Note what the run should remember."""
        if self.settings.early_stopping and self.state.best is not None:
            self.training.notes["best_epoch"] = self.state.best_epoch + 1
        self.training.notes["epochs"] = len(self.state.history)


def stopped() -> Interrupted:
    """What a fit raises once it kept where it stands."""
    return Interrupted("training was stopped", hint="run the same command again to go on")


def _finite(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items() if math.isfinite(float(value))}
