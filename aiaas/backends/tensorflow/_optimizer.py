"""Optimisers and schedules by the names of the recipe."""

from __future__ import annotations

import math
from typing import Any

from aiaas.backends.settings import Learning
from aiaas.backends.tensorflow._keras import keras

_ONE_CYCLE_WARMUP = 0.25
_LEAST = 1e-3  # of a rate that falls to nothing: the last step still moves


def optimizer(settings: Learning, steps: int) -> Any:
    """The optimiser with its schedule over `steps` steps in all. Gains and offsets do not decay."""
    optimizers = keras().optimizers
    common = {"learning_rate": schedule(settings, steps), "global_clipnorm": settings.clip_norm}
    match settings.optimizer:
        case "sgd":
            return optimizers.SGD(momentum=settings.momentum, nesterov=settings.momentum > 0, **common)
        case "adam":
            return optimizers.Adam(**common)
        case "rmsprop":
            return optimizers.RMSprop(momentum=settings.momentum, **common)
    decaying = optimizers.AdamW(weight_decay=settings.weight_decay, **common)
    decaying.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return decaying


def schedule(settings: Learning, steps: int) -> Any:
    """The learning rate as a function of the step, or a number where it never changes."""
    warmup = settings.warmup or (_ONE_CYCLE_WARMUP if settings.schedule == "one_cycle" else 0.0)
    if settings.schedule == "constant" and not warmup:
        return settings.learning_rate
    frame = keras()
    ops = frame.ops

    class Schedule(frame.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc, name-defined]
        """Up to the height in the first steps, then as the recipe says."""

        def __call__(self, step: Any) -> Any:
            share = ops.cast(step, "float32") / max(1, steps)
            rise = ops.minimum(1.0, (share + 1 / max(1, steps)) / warmup) if warmup else 1.0
            return settings.learning_rate * rise * self._fall(ops.maximum(0.0, (share - warmup) / (1 - warmup)))

        def _fall(self, share: Any) -> Any:
            match settings.schedule:
                case "step":
                    return ops.where(share < 0.5, 1.0, ops.where(share < 0.75, 0.1, 0.01))
                case "linear":
                    return _LEAST + (1 - _LEAST) * (1 - ops.minimum(1.0, share))
                case "cosine" | "one_cycle":
                    return _LEAST + (1 - _LEAST) * 0.5 * (1 + ops.cos(math.pi * ops.minimum(1.0, share)))
            return 1.0

        def get_config(self) -> dict[str, Any]:
            return {}

    return Schedule()
