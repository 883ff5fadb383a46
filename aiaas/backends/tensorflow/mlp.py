"""A network of dense layers over the columns of a row."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from aiaas.backends import onnx
from aiaas.backends.settings import Learning
from aiaas.contracts import Model, Training
from aiaas.contracts import Params as Base

if TYPE_CHECKING:
    from datasets import Dataset

REQUIRES = ("tensorflow",)
TASKS = ("tabular-classification", "tabular-regression")
Settings = Learning
RUNTIME, RUNTIME_REQUIRES, EXPORT_REQUIRES = onnx.RUNTIME, onnx.REQUIRES, onnx.FROM_KERAS

Width = Annotated[int, Field(ge=1, le=65_536)]


class Params(Base):
    """Hyper-parameters of the network over rows."""

    hidden: tuple[Width, ...] = Field((64, 32), max_length=16, description="Sizes of the hidden layers.")
    activation: Literal["relu", "gelu", "tanh", "selu"] = Field("relu", description="Of the hidden layers.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Share of the values dropped before each hidden layer.")
    batch_normalization: bool = Field(False, description="Normalise after each hidden layer.")
    l2: float = Field(0.0, ge=0, le=1, description="What is added to the loss for each squared weight.")
    max_categories: int = Field(
        100, ge=2, le=10_000, description="Of a column of words keep this many values; the rarer ones count as one."
    )


def fit(params: Params, train: Dataset, validation: Dataset, training: Training) -> Model:
    """Learn from rows. Raises DataError, TrainingError, Interrupted."""
    from aiaas.backends.tensorflow import _mlp

    return _mlp.fit(params, train, validation, training)


def load(directory: Path) -> Model:
    """The model that `save` wrote. Raises VerificationError."""
    from aiaas.backends.tensorflow import _mlp

    return _mlp.load(directory)


def export(directory: Path, out: Path) -> None:
    """See `Portable.export`."""
    from aiaas.backends.tensorflow import _mlp

    _mlp.export(directory, out)


def load_portable(directory: Path) -> Model:
    """See `Portable.load_portable`."""
    from aiaas.backends.tensorflow import _mlp

    return _mlp.load_portable(directory)
