"""Convolutions of several widths beside each other (Kim, 2014): learned n-grams, of which the strongest count."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator

from aiaas.backends import onnx
from aiaas.backends.settings import Learning
from aiaas.backends.tensorflow._text_params import TextParams
from aiaas.contracts import Model, Training

if TYPE_CHECKING:
    from datasets import Dataset

REQUIRES = ("tensorflow",)
TASKS = ("text-classification",)
Settings = Learning
RUNTIME, RUNTIME_REQUIRES, EXPORT_REQUIRES = onnx.RUNTIME, onnx.REQUIRES, onnx.FROM_KERAS


class Params(TextParams):
    """Hyper-parameters of the convolutional network over texts."""

    widths: tuple[Annotated[int, Field(ge=1, le=64)], ...] = Field(
        (2, 3, 4), min_length=1, max_length=16, description="How many tokens the convolutions see at a time."
    )
    filters: int = Field(128, ge=1, le=8192, description="Filters of each width.")
    pooling: tuple[Literal["max", "mean", "attention"], ...] = Field(
        ("max",),
        min_length=1,
        max_length=3,
        description="What a filter's values at all tokens are brought to, several side by side: the highest, the mean, "
        "or a mean that is learned (attention).",
    )

    @field_validator("widths", "pooling")
    @classmethod
    def _once_each(cls, given: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(set(given)) < len(given):
            raise ValueError("each may stand there once")
        return given


def files(params: Params) -> dict[str, str]:
    """The pretrained vectors."""
    return params.vectors.files("vectors") if params.vectors else {}


def fit(params: Params, train: Dataset, validation: Dataset, training: Training) -> Model:
    """Learn from texts. Raises DataError, TrainingError, Interrupted."""
    from aiaas.backends.tensorflow import _texts

    return _texts.fit(params, heart, train, validation, training)


def load(directory: Path) -> Model:
    """The model that `save` wrote. Raises VerificationError."""
    from aiaas.backends.tensorflow import _texts

    return _texts.load(directory, Params, heart)


def export(directory: Path, out: Path) -> None:
    """See `Portable.export`."""
    from aiaas.backends.tensorflow import _texts

    _texts.export(directory, out, Params, heart)


def load_portable(directory: Path) -> Model:
    """See `Portable.load_portable`."""
    from aiaas.backends.tensorflow import _texts

    return _texts.load_portable(directory, Params)


def heart(params: Params, tensor: Any, lengths: Any, inside: Any) -> Any:
    """Embedded tokens (n, length, size) to one vector a text (n, width)."""
    from aiaas.backends.tensorflow._keras import keras
    from aiaas.backends.tensorflow._network_of_texts import pooled

    layers = keras().layers
    found = []
    for width in params.widths:
        name = f"convolution{width}"
        values = layers.Conv1D(params.filters, width, padding="same", activation="relu", name=name)(tensor)
        found.append(pooled(values, inside, params.pooling, name))
    return layers.Concatenate(name="pooled")(found) if len(found) > 1 else found[0]
