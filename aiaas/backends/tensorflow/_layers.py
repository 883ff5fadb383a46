"""Pieces that several networks share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiaas.backends.tensorflow._keras import keras


def dense_stack(tensor: Any, sizes: Sequence[int], activation: str, dropout: float) -> Any:
    """Dense layers of the given sizes, each behind dropout."""
    layers = keras().layers
    for number, size in enumerate(sizes, 1):
        tensor = dropped(tensor, dropout, f"dense{number}_dropout")
        tensor = layers.Dense(size, activation=activation, name=f"dense{number}")(tensor)
    return tensor


def dropped(tensor: Any, share: float, name: str) -> Any:
    return keras().layers.Dropout(share, name=name)(tensor) if share else tensor


def outputs(tensor: Any, count: int) -> Any:
    """Logits or values, in float32 whatever was computed in before."""
    return keras().layers.Dense(count, dtype="float32", name="outputs")(tensor)
