"""Which form of attention a network learns with.

On a processor, torch's fused attention goes back through the layers slowly: with texts of some 50 tokens it takes three
times as long as two products of matrices with the weights between them written down, and half of a whole step. Written
down, the weights take memory with the square of the length, so that batches of long texts keep the fused form. The
answer follows from the data and the device alone: a fit that goes on elsewhere computes the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiaas.backends.torch._torch import Device

_MOST = 2 * 2**30  # bytes of what is written down
_PER_WEIGHT = 2.5  # values kept for each weight of the attention


@contextmanager
def quick(network: Any, layers: int, device: Device, rows: int, length: int) -> Iterator[None]:
    """Within the block the network has the form that learns soonest from batches of `rows` texts of `length` tokens."""
    before = network.config._attn_implementation
    written = layers * values(network, rows, length) * (4 if device.precision == "float32" else 2)
    if device.kind == "cpu" and before == "sdpa" and written <= _MOST:
        network.set_attn_implementation("eager")
    try:
        yield
    finally:
        if network.config._attn_implementation != before:
            network.set_attn_implementation(before)


def is_written(network: Any) -> bool:
    """Whether the weights of the attention are kept for the way back."""
    config = network.config
    dropped = any(getattr(config, name, 0) for name in ("attention_probs_dropout_prob", "attention_dropout"))
    return dropped or config._attn_implementation == "eager"


def values(network: Any, rows: int, length: int) -> float:
    """Values that a layer keeps where they are written down (Korthikanti et al., 2022, equation 2)."""
    return _PER_WEIGHT * getattr(network.config, "num_attention_heads", 12) * rows * length**2
