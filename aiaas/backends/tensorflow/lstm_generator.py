"""LSTM layers that read a text character by character and say what comes next."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from aiaas.backends.settings import Learning
from aiaas.contracts import Model, Training
from aiaas.contracts import Params as Base

if TYPE_CHECKING:
    from datasets import Dataset

REQUIRES = ("tensorflow",)
TASKS = ("text-generation",)
Settings = Learning
RUNTIME = "numpy"
RUNTIME_REQUIRES = ("numpy",)
EXPORT_REQUIRES: tuple[str, ...] = ()


class Params(Base):
    """Hyper-parameters of the generator."""

    embedding: int = Field(128, ge=1, le=8192, description="Numbers that stand for a character.")
    units: int = Field(256, ge=1, le=8192, description="Numbers in the state of each LSTM layer.")
    layers: int = Field(1, ge=1, le=8, description="LSTM layers.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Share of the values dropped around each layer, in training.")
    window: int = Field(
        64, ge=2, le=4096, description="Characters of running text in a row of a batch; the gradient reaches so far."
    )
    min_count: int = Field(
        2, ge=1, le=1_000_000, description="Characters that stand in the training texts less often are unknown ones."
    )
    max_characters: int = Field(20_000, ge=1, le=200_000, description="The most characters to learn.")


def fit(params: Params, train: Dataset, validation: Dataset, training: Training) -> Model:
    """Learn from texts. Raises TrainingError, Interrupted."""
    from aiaas.backends.tensorflow import _generator

    return _generator.fit(params, train, validation, training)


def load(directory: Path) -> Model:
    """The model that `save` wrote; it runs in numpy. Raises VerificationError."""
    from aiaas.backends.generator import CharacterGenerator

    return CharacterGenerator.load(directory)


def export(directory: Path, out: Path) -> None:
    """The same files: numpy reads what `save` wrote."""
    shutil.copytree(directory, out, dirs_exist_ok=True)


def load_portable(directory: Path) -> Model:
    """The model that `save` wrote, without TensorFlow. Raises VerificationError."""
    return load(directory)
