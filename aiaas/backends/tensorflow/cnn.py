"""A convolutional network over pictures: a plain stack, or one with shortcuts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from aiaas.backends import onnx
from aiaas.backends.augment import Augment
from aiaas.backends.settings import Learning
from aiaas.contracts import Model, Training
from aiaas.contracts import Params as Base

if TYPE_CHECKING:
    from datasets import Dataset

REQUIRES = ("tensorflow",)
TASKS = ("image-classification",)
Settings = Learning
RUNTIME, RUNTIME_REQUIRES, EXPORT_REQUIRES = onnx.RUNTIME, onnx.REQUIRES, onnx.FROM_KERAS

Side = Annotated[int, Field(ge=4, le=1024)]
Width = Annotated[int, Field(ge=1, le=4096)]


class Params(Base):
    """Hyper-parameters of the network over pictures."""

    layout: Literal["plain", "residual"] = Field(
        "plain", description="A stack of convolutions, or one in which each block has a shortcut around it."
    )
    size: tuple[Side, Side] | None = Field(
        None,
        description="Height and width that pictures are brought to, such as [32, 32]; by default those of the "
        "first training picture, at most 128.",
    )
    channels: Literal[1, 3] | None = Field(
        None, description="1 for grey, 3 for colour; by default 1 where the first training pictures are all grey."
    )
    resize: Literal["stretch", "crop", "pad"] = Field(
        "stretch", description="What happens to a picture of other proportions: stretched, cut, or given a border."
    )
    scaling: Literal["unit", "standardize"] = Field(
        "standardize",
        description="Pixels from 0 to 1, or with mean 0 and deviation 1 a channel, as on the training rows.",
    )
    stem: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="Filters of a first 2x2 convolution that halves the picture: a quarter of the work.",
    )
    filters: tuple[Width, ...] = Field(
        (32, 64, 128),
        min_length=1,
        max_length=8,
        description="Filters of each block; the picture is halved after each.",
    )
    convolutions: int = Field(1, ge=1, le=8, description="Convolutions in a block.")
    kernel: int = Field(3, ge=1, le=15, description="Height and width of a convolution.")
    padding: Literal["same", "valid"] = Field(
        "same", description="Whether a convolution keeps the size of the picture."
    )
    batch_normalization: bool = Field(True, description="Normalise after each convolution.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Share of the values dropped after each block, in training.")
    global_pooling: Literal["max", "average", "none"] = Field(
        "max", description="What the last block is brought to: its highest or mean value a filter, or all its values."
    )
    dense: tuple[Width, ...] = Field((), max_length=4, description="Sizes of dense layers before the outputs.")
    dense_dropout: float = Field(0.0, ge=0, lt=1, description="Share of the values dropped before each dense layer.")
    augment: Augment = Field(default_factory=Augment, description="How training pictures are varied.")

    @property
    def smallest(self) -> int:
        """Pixels that a picture must have on each side: what convolutions take off, and halvings, leave one at last."""
        side = 1
        shrinks = self.padding == "valid" and self.layout == "plain"
        for number in range(len(self.filters), 0, -1):
            if number < len(self.filters) or self.global_pooling == "none":
                side *= 2
            side += self.convolutions * (self.kernel - 1) if shrinks else 0
        return side * 2 if self.stem else side

    @model_validator(mode="after")
    def _large_enough(self) -> Params:
        if self.size and min(self.size) < self.smallest:
            raise ValueError(
                f"size {list(self.size)} is too small for these layers, which want {self.smallest} pixels a side; "
                "give fewer filters, or a larger size"
            )
        return self


def fit(params: Params, train: Dataset, validation: Dataset, training: Training) -> Model:
    """Learn from encoded pictures. Raises DataError, TrainingError, Interrupted."""
    from aiaas.backends.tensorflow import _cnn

    return _cnn.fit(params, train, validation, training)


def load(directory: Path) -> Model:
    """The model that `save` wrote. Raises VerificationError."""
    from aiaas.backends.tensorflow import _cnn

    return _cnn.load(directory)


def export(directory: Path, out: Path) -> None:
    """See `Portable.export`."""
    from aiaas.backends.tensorflow import _cnn

    _cnn.export(directory, out)


def load_portable(directory: Path) -> Model:
    """See `Portable.load_portable`."""
    from aiaas.backends.tensorflow import _cnn

    return _cnn.load_portable(directory)
