"""Batches: what makes them says which one it is asked for, and TensorFlow takes them while it computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from aiaas.backends.tensorflow._keras import tensorflow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Batch = tuple[Any, "NDArray[Any]", "NDArray[np.float32]"]
"""Inputs of the network, targets, and the weight of each row (or of each token)."""


class Batches(Protocol):
    """The rows of one split, in batches. The same epoch and step give the same batch, in every process."""

    @property
    def steps(self) -> int:
        """Batches an epoch; 0 where there are no rows."""

    def epoch(self, epoch: int, first: int) -> Iterator[Batch]:
        """The batches of an epoch (from 0), beginning with step `first`."""


def feed(network: Any, batches: Batches, place: Callable[[], tuple[int, int]]) -> Any:
    """The batches as TensorFlow takes them, from the epoch and step that `place` says whenever they are begun anew;
    each is made while the one before it is computed."""
    tf = tensorflow()
    inputs, targets, weights = next(batches.epoch(*place()))
    fixed = network.output_shape[1:]
    shape = (None, *fixed) if targets.ndim == 1 + len(fixed) and targets.shape[1:] == fixed else (None,) * targets.ndim
    signature = (
        tf.nest.map_structure(
            lambda known, value: tf.TensorSpec(known.shape, value.dtype), _structure(network), inputs
        ),
        tf.TensorSpec(shape, targets.dtype),
        tf.TensorSpec((None,) * weights.ndim, weights.dtype),
    )
    data = tf.data.Dataset.from_generator(lambda: batches.epoch(*place()), output_signature=signature)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return data.with_options(options).prefetch(2)


def _structure(network: Any) -> Any:
    """The inputs of the network as its batches have them: one, or several in a tuple."""
    return network.inputs[0] if len(network.inputs) == 1 else tuple(network.inputs)
