"""The way to a network that can be trained: devices, a look at the memory, the seed, then its layers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from aiaas.backends import memory
from aiaas.backends.settings import Learning
from aiaas.backends.tensorflow._keras import forget, keras, seed, set_up
from aiaas.contracts import Training
from aiaas.errors import TrainingError

_COPIES = 4  # of each weight: itself, its gradient, two moments of the optimiser
_BYTES = 4


def begin(
    build: Callable[[], Any], training: Training, *, hint: str, length: int = 1, convolutions: bool = False
) -> Any:
    """The network that `build` makes, under the strategy of its devices, after the memory was found to suffice.

    `length` is that of the longest sequence in a batch, `hint` says which parameters make the network smaller,
    `convolutions` that the time goes into them. Raises TrainingError with the estimate before anything large is made.
    """
    settings: Learning = training.settings
    _check(settings, training)
    strategy = set_up(settings, convolutions=convolutions)
    memory.check(estimate(build, settings.batch_size, length), "training this network", f"lower {hint}")
    seed(training.seed)
    with strategy.scope():
        network = build()
    training.notes |= {"weights": network.count_params(), "precision": network.dtype_policy.compute_dtype}
    return network


def _check(settings: Learning, training: Training) -> None:
    """What is said of labels must not be passed over where there are none."""
    for name in ("class_weights", "label_smoothing"):
        if getattr(settings, name) and not training.signature.labels:
            raise TrainingError(
                f"{name} is for classifiers; {training.task} has no labels", where=f"train.{name}", hint="leave it out"
            )


def estimate(build: Callable[[], Any], batch_size: int, length: int = 1) -> int:
    """Bytes: the weights with what training keeps of each, and the outputs of all layers for a batch, once forward and
    once back. Nothing is allocated: the variables of this network never get values."""
    frame = keras()
    with frame.StatelessScope(initialize_variables=False):
        network = build()
    weights = sum(math.prod(each.shape) for each in network.weights)
    values = sum(
        math.prod(length if size is None else size for size in tensor.shape[1:])
        for layer in network.layers
        for tensor in frame.tree.flatten(layer.output)
    )
    forget()  # the variables, or they would get values with the next ones
    return int(_BYTES * (_COPIES * weights + 2 * batch_size * values))
