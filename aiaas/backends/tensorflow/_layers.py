"""Pieces that several networks share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from aiaas.backends.tensorflow._keras import keras, tensorflow

_MOMENTUM = 0.9


def dense_stack(tensor: Any, sizes: Sequence[int], activation: str, dropout: float) -> Any:
    """Dense layers of the given sizes, each behind dropout."""
    layers = keras().layers
    for number, size in enumerate(sizes, 1):
        tensor = dropped(tensor, dropout, f"dense{number}_dropout")
        tensor = layers.Dense(size, activation=activation, name=f"dense{number}")(tensor)
    return tensor


def dropped(tensor: Any, share: float, name: str) -> Any:
    return keras().layers.Dropout(share, name=name)(tensor) if share else tensor


def normalized(tensor: Any, name: str) -> Any:
    """Batch normalisation (Ioffe and Szegedy 2015) over all but the channels of (n, height, width, channels)."""
    return _fused_normalization()(momentum=_MOMENTUM, name=name)(tensor)


@cache
def _fused_normalization() -> Any:
    """Keras puts batch normalisation together from a dozen operations; TensorFlow has one that does it all in training,
    which is where a third of the time of a small network would go."""
    tf, layers = tensorflow(), keras().layers

    class FusedNormalization(layers.BatchNormalization):  # type: ignore[misc, name-defined]
        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            if not training:
                return super().call(inputs, training=training, mask=mask)
            normal, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
                x=tf.cast(inputs, self.compute_dtype),
                scale=tf.convert_to_tensor(self.gamma.value),
                offset=tf.convert_to_tensor(self.beta.value),
                mean=tf.zeros((0,)),
                variance=tf.zeros((0,)),
                epsilon=self.epsilon,
                is_training=True,
            )
            for moving, found in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + found * (1.0 - self.momentum))
            return normal

    return FusedNormalization


def outputs(tensor: Any, count: int) -> Any:
    """Logits or values, in float32 whatever was computed in before."""
    return keras().layers.Dense(count, dtype="float32", name="outputs")(tensor)
