"""How much memory a fit will take, said before it starts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiaas.backends import memory
from aiaas.backends.torch import _attention
from aiaas.backends.torch._adapt import layers_of
from aiaas.backends.torch._settings import FineTuning
from aiaas.backends.torch._torch import Device, torch
from aiaas.errors import TrainingError

_MOMENTS = {"sgd": 1, "adam": 2, "adamw": 2, "rmsprop": 1}
_PER_VALUE = 17  # values that a layer keeps for each of its outputs
HINT = (
    "lower train.batch_size, train.batch_tokens or model.params.max_length, set train.gradient_checkpointing, or let "
    "fewer weights learn: model.params.freeze, model.params.lora"
)


def check(network: Any, settings: FineTuning, device: Device, rows: int, length: int, parts: int = 1) -> None:
    """Raise TrainingError with the estimate when the fit needs more memory than there is: on a processor `parts`
    processes share it, while each has a GPU of its own."""
    need = estimate(network, settings, device, -(-rows // parts), length)
    if parts == 1:
        hint = HINT
    else:
        need, hint = need + _of_several(network), f"{HINT}, or let fewer processes learn: train.processes"
    if device.kind == "cuda":
        memory.check(need, "training this encoder", hint, torch().cuda.mem_get_info()[0])
    else:
        memory.check(parts * need, "training this encoder", hint)


@contextmanager
def told() -> Iterator[None]:
    """Turn what torch raises when memory runs out all the same into an error that says what lowers it."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch().OutOfMemoryError) and "allocate memory" not in str(error):
            raise
        raise TrainingError("the memory does not suffice for training this encoder", hint=HINT) from error


def _of_several(network: Any) -> int:
    """Bytes that one of several processes has besides: a network of its own, and the gradients as they are sent."""
    return sum(4 * math.prod(each.shape) * (2 if each.requires_grad else 1) for each in network.parameters())


def estimate(network: Any, settings: FineTuning, device: Device, rows: int, length: int) -> int:
    """Bytes for batches of `rows` texts of `length` tokens: every weight; of each that learns its gradient and what the
    optimiser remembers; and what the layers keep for the way back (Korthikanti et al., 2022, equation 2)."""
    learning = sum(math.prod(each.shape) for each in network.parameters() if each.requires_grad)
    weights = 4 * (1 + _MOMENTS[settings.optimizer]) * learning
    size = 4 if device.precision == "float32" else 2
    config, layers = network.config, max(1, len(layers_of(network)))
    hidden = getattr(config, "hidden_size", 768)
    tokens = rows * length
    scores = _attention.values(network, rows, length) if _attention.is_written(network) else 0
    layer = size * (_PER_VALUE * hidden * tokens + scores)
    if settings.gradient_checkpointing:
        return int(weights + layer + layers * size * tokens * hidden)
    return int(weights + layers * layer)
