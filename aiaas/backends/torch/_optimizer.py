"""Optimisers and schedules by the names of the recipe, and which weights learn how fast."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from typing import Any

from aiaas.backends.torch._settings import FineTuning
from aiaas.backends.torch._torch import torch

_ONE_CYCLE_WARMUP = 0.25
_LEAST = 1e-3  # of a rate that falls to nothing: the last step still moves


def optimizer(settings: FineTuning, network: Any, decaying: Collection[str], layers: int) -> Any:
    """The optimiser over the weights of `network` that learn. Those whose names are in `decaying` lose `weight_decay`,
    but for the embeddings: a token that no text holds stays what it was."""
    groups: dict[tuple[float, float], list[Any]] = {}
    for name, weight in network.named_parameters():
        if not weight.requires_grad:
            continue
        depth = _depth(name, layers)
        decay = settings.weight_decay if name in decaying and depth <= layers else 0.0
        groups.setdefault((settings.learning_rate * settings.layer_decay**depth, decay), []).append(weight)
    optimizers = torch().optim
    given = [{"params": weights, "lr": rate, "weight_decay": decay} for (rate, decay), weights in groups.items()]
    match settings.optimizer:
        case "sgd":
            return optimizers.SGD(given, momentum=settings.momentum, nesterov=settings.momentum > 0)
        case "adam":
            return optimizers.Adam(given, fused=True)
        case "rmsprop":
            return optimizers.RMSprop(given, momentum=settings.momentum)
    return optimizers.AdamW(given, fused=True)


def _depth(name: str, layers: int) -> int:
    """How many layers lie above a weight: 0 of the head, 1 of the last layer, `layers` + 1 of the embeddings."""
    if "embedding" in name:
        return layers + 1
    found = re.search(r"\.(\d+)\.", name)
    return layers - int(found[1]) if found else 0


def schedule(settings: FineTuning, optimizer: Any, steps: int) -> Any:
    """The schedule over `steps` steps in all."""
    return torch().optim.lr_scheduler.LambdaLR(optimizer, lambda step: share_of_rate(settings, step, steps))


def share_of_rate(settings: FineTuning, step: int, steps: int) -> float:
    """The learning rate of a step (from 0), as a share of the highest."""
    warmup = settings.warmup or (_ONE_CYCLE_WARMUP if settings.schedule == "one_cycle" else 0.0)
    share = step / max(1, steps)
    rise = min(1.0, (share + 1 / max(1, steps)) / warmup) if warmup else 1.0
    return rise * _fall(settings.schedule, min(1.0, max(0.0, (share - warmup) / (1 - warmup))))


def _fall(name: str, share: float) -> float:
    """What is left of the rate after a share of the steps behind the warm-up."""
    match name:
        case "step":
            return 1.0 if share < 0.5 else 0.1 if share < 0.75 else 0.01
        case "linear":
            return _LEAST + (1 - _LEAST) * (1 - share)
        case "cosine" | "one_cycle":
            return _LEAST + (1 - _LEAST) * 0.5 * (1 + math.cos(math.pi * share))
    return 1.0
