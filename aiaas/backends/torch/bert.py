"""A pretrained encoder of the BERT family, fine-tuned to labels of texts or of pairs of texts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from aiaas.backends import onnx
from aiaas.backends.torch import _params
from aiaas.backends.torch._adapt import Frozen, Lora
from aiaas.backends.torch._settings import FineTuning
from aiaas.contracts import Folder, Model, Training

if TYPE_CHECKING:
    from datasets import Dataset

REQUIRES = ("torch", "transformers", "accelerate", "peft", "tokenizers", "safetensors")
TASKS = ("text-classification",)
OPTIONAL = ("text_pair",)
Settings = FineTuning
RUNTIME, RUNTIME_REQUIRES = onnx.RUNTIME, onnx.OF_TEXTS
EXPORT_REQUIRES, QUANTIZE_REQUIRES = onnx.FROM_TORCH, onnx.TO_INT8


class Params(_params.EncoderParams):
    """Hyper-parameters of a fine-tuned encoder."""

    dropout: float | None = Field(
        None, ge=0, lt=1, description="In training: the share of the values dropped; by default what the encoder says."
    )
    attention_dropout: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="The same of the weights of the attention; with 0, they need not be written down.",
    )
    freeze: Frozen = Field(
        "none",
        description="What does not learn: none, embeddings, the embeddings and this many of the first layers, or the "
        "whole encoder below the head.",
    )
    lora: Lora | None = Field(
        None, description="Learn low-rank matrices in place of the encoder's own, such as {rank: 8}."
    )

    @model_validator(mode="after")
    def _go_together(self) -> Params:
        if self.lora is not None and self.freeze != "none":
            raise ValueError("freeze goes without lora, beside which nothing of the encoder learns")
        return self


def files(params: Params) -> Mapping[str, str | Folder]:
    """The folder of the encoder."""
    return _params.files(params)


def fit(params: Params, train: Dataset, validation: Dataset, training: Training) -> Model:
    """Learn from texts or pairs. Raises DataError, TrainingError, Interrupted."""
    from aiaas.backends.torch import _classifier

    return _classifier.fit(params, train, validation, training)


def load(directory: Path) -> Model:
    """The model that `save` wrote. Raises VerificationError."""
    from aiaas.backends.torch import _classifier

    return _classifier.load(directory)


def export(directory: Path, out: Path) -> None:
    """See `Portable.export`."""
    from aiaas.backends.torch import _classifier

    _classifier.export(directory, out)


def quantize(portable: Path, out: Path) -> None:
    """See `Quantizable.quantize`."""
    from aiaas.backends.torch import _portable

    _portable.quantize(portable, out)


def load_portable(directory: Path) -> Model:
    """See `Portable.load_portable`."""
    from aiaas.backends.torch import _classifier

    return _classifier.load_portable(directory)
