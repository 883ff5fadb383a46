"""Pieces of the networks over texts. What is padding changes nothing: it is zero where a convolution sees it, and no
pooling looks at it. So a text is answered alike alone and beside a longer one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from aiaas.backends.sequences import PADDING
from aiaas.backends.tensorflow._keras import keras, tensorflow
from aiaas.backends.tensorflow._layers import dense_stack, dropped, outputs
from aiaas.backends.tensorflow._text_params import TextParams

EMBEDDING = "embedding"
"""The layer that pretrained vectors are put into."""

Pooling = Literal["last", "max", "mean", "attention"]
_LOWEST = -1e4  # below every value of a network; finite, and in the range of float16


def network(params: TextParams, tokens: int, size: int, classes: int, heart: Callable[[Any, Any, Any], Any]) -> Any:
    """Numbers of tokens (n, length) to logits (n, classes). `heart` makes one vector (n, width) a text of the embedded
    tokens (n, length, size), the lengths (n,), and which places are tokens (n, length, 1)."""
    frame = keras()
    numbers = frame.Input((None,), dtype="int32", name="tokens")
    mask = frame.ops.not_equal(numbers, PADDING)
    lengths = frame.ops.sum(frame.ops.cast(mask, "int32"), axis=1)
    inside = frame.ops.expand_dims(mask, -1)
    frozen = params.vectors is not None and params.vectors.freeze
    embedded = frame.layers.Embedding(tokens, size, trainable=not frozen, name=EMBEDDING)(numbers)
    if params.embedding_dropout:
        embedded = frame.layers.SpatialDropout1D(params.embedding_dropout, name="embedding_dropout")(embedded)
    tensor = heart(masked(embedded, inside, 0.0), lengths, inside)
    tensor = dense_stack(tensor, params.dense, "relu", params.dropout)
    return frame.Model(numbers, outputs(dropped(tensor, params.dropout, "dropout"), classes))


def masked(tensor: Any, inside: Any, value: float) -> Any:
    """`tensor` (n, length, width) with `value` where there is padding."""
    ops = keras().ops
    return ops.where(inside, tensor, ops.cast(value, tensor.dtype))


def reversed_within(tensor: Any, lengths: Any) -> Any:
    """The values (n, length, width) of each text's tokens from the last to the first; padding stays behind them.

    An LSTM that reads this, and one that reads what is given, needs no mask: what it makes of a token depends on those
    before it alone. Without one it is twice as fast.
    """
    tf = tensorflow()

    class Reversed(keras().layers.Layer):  # type: ignore[misc]
        def call(self, values: Any, lengths: Any) -> Any:
            return tf.reverse_sequence(values, lengths, seq_axis=1)

        def compute_output_shape(self, values_shape: Any, lengths_shape: Any) -> Any:
            return values_shape

    return Reversed()(tensor, lengths)


def pooled(tensor: Any, inside: Any, kinds: Sequence[Pooling], name: str) -> Any:
    """The values (n, length, width) of a text's tokens as one vector (n, width a kind). `last` is the network's own
    affair."""
    layers, ops = keras().layers, keras().ops
    found = []
    for kind in kinds:
        match kind:
            case "max":
                found.append(ops.max(masked(tensor, inside, _LOWEST), axis=1))
            case "mean":
                tokens = ops.sum(ops.cast(inside, tensor.dtype), axis=1)
                found.append(ops.sum(masked(tensor, inside, 0.0), axis=1) / tokens)
            case "attention":  # after Yang et al., 2016: how much each token tells
                told = layers.Dense(tensor.shape[-1], activation="tanh", name=f"{name}_attention")(tensor)
                told = layers.Dense(1, use_bias=False, name=f"{name}_attention_score")(told)
                share = ops.softmax(masked(told, inside, _LOWEST), axis=1)
                found.append(ops.sum(share * tensor, axis=1))
    return layers.Concatenate(name=f"{name}_pooled")(found) if len(found) > 1 else found[0]
