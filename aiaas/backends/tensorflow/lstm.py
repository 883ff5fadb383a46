"""An LSTM over a text's characters or words, read in both directions: it knows their order, however far apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

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
    """Hyper-parameters of the LSTM."""

    units: int = Field(64, ge=1, le=4096, description="Width of the LSTM's state, in each direction.")
    layers: int = Field(1, ge=1, le=8, description="LSTMs one above the other.")
    bidirectional: bool = Field(True, description="Read from the end as well.")
    pooling: tuple[Literal["last", "max", "mean", "attention"], ...] = Field(
        ("max",),
        min_length=1,
        max_length=4,
        description="What the states at all tokens are brought to, several side by side: the last one, the highest or "
        "mean value, or a mean that is learned (attention).",
    )

    @field_validator("pooling")
    @classmethod
    def _once_each(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(kinds)) < len(kinds):
            raise ValueError("each kind of pooling may stand there once")
        return kinds


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
    from aiaas.backends.tensorflow._network_of_texts import masked, pooled, reversed_within

    frame = keras()
    last = []
    for number in range(1, params.layers + 1):
        forward = _lstm(params, f"lstm{number}")(tensor)
        last = [reversed_within(forward, lengths)[:, 0]]
        read = [forward]
        if params.bidirectional:
            # The mask changes no answer. It keeps tf2onnx from taking the two for its own idea of a bidirectional LSTM,
            # which begins at the end of the padding.
            other_way = masked(reversed_within(tensor, lengths), inside, 0.0)
            backward = _lstm(params, f"lstm{number}_backward")(other_way)
            read.append(reversed_within(backward, lengths))
            last.append(read[1][:, 0])  # at the first token it has read the whole
        tensor = frame.layers.Concatenate(name=f"lstm{number}_read")(read) if len(read) > 1 else forward
    found = last if "last" in params.pooling else []
    others = [kind for kind in params.pooling if kind != "last"]
    if others:
        found = [*found, pooled(tensor, inside, others, "lstm")]
    return frame.layers.Concatenate(name="pooled")(found) if len(found) > 1 else found[0]


def _lstm(params: Params, name: str) -> Any:
    from aiaas.backends.tensorflow._keras import keras

    return keras().layers.LSTM(params.units, return_sequences=True, name=name)
