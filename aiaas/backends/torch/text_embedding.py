"""Vectors of texts from a pretrained encoder as it is; with labels, a linear head over them: minutes, not hours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from aiaas import contracts
from aiaas.backends import onnx
from aiaas.backends.torch import _params
from aiaas.contracts import Folder, Model, Training
from aiaas.errors import Fault, RecipeError

if TYPE_CHECKING:
    from datasets import Dataset

REQUIRES = ("torch", "transformers", "tokenizers", "safetensors", "scikit-learn")
TASKS = ("text-embedding", "text-classification")
RUNTIME, RUNTIME_REQUIRES = onnx.RUNTIME, onnx.OF_TEXTS
EXPORT_REQUIRES, QUANTIZE_REQUIRES = onnx.FROM_TORCH, onnx.TO_INT8

_OF_HEAD = ("C", "class_weight")


class Params(_params.EncoderParams):
    """Which encoder, how a vector is made of its tokens, and the head over the vectors."""

    pooling: Literal["mean", "cls"] = Field(
        "mean", description="What the vector of a text is: the mean of those of its tokens, or that of the first (cls)."
    )
    normalise: bool = Field(True, description="Scale every vector to length 1, so that a product is a cosine.")
    prefix: str = Field(
        "", max_length=1000, description="What stands before every text, such as `query: ` as e5 was trained with."
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description="Of the sums: auto learns a head in bfloat16 where the processor is faster with it and no vector "
        "changes (cosine above 0.999), and answers in float32. With bfloat16 the model itself answers in it too: of a "
        "text alone and the same among others, the third digit then differs.",
    )
    C: float | None = Field(
        None,
        gt=0,
        le=1e6,
        description="Of the head: how far its weights may go to fit; null: what is right most often on the validation "
        "rows.",
    )
    class_weight: Literal["balanced"] | None = Field(
        None, description="Of the head: balanced: a rare label counts as much as a frequent one; null: every row alike."
    )


class Settings(contracts.Params):
    """Where texts are embedded. Nothing of the encoder is learned."""

    device: Literal["auto", "cpu", "gpu"] = Field("auto", description="Where to compute: auto takes a GPU there is.")
    threads: int | None = Field(None, ge=1, le=1024, description="Threads of the processor; by default one a core.")


def files(params: Params) -> dict[str, Folder]:
    """The folder of the encoder."""
    return _params.files(params)


def check(params: Params, task: str) -> list[tuple[str, str]]:
    """The parameters that do not go with the task, and why."""
    if task == "text-classification":
        return []
    defaults = type(params)()
    why = f"belongs to the head of a classifier; {task} has none"
    return [(name, why) for name in _OF_HEAD if getattr(params, name) != getattr(defaults, name)]


def fit(params: Params, train: Dataset, validation: Dataset, training: Training) -> Model:
    """Embed the texts, and with labels learn the head. Raises RecipeError, DataError, TrainingError, Interrupted."""
    from aiaas.backends.torch import _frozen

    faults = [
        Fault("recipe", f"model.params.{name}", f"{name} {why}", f"leave {name} out")
        for name, why in check(params, training.task)
    ]
    if faults:
        raise RecipeError(faults)
    return _frozen.fit(params, train, validation, training)


def load(directory: Path) -> Model:
    """The model that `save` wrote. Raises VerificationError."""
    from aiaas.backends.torch import _frozen

    return _frozen.load(directory)


def export(directory: Path, out: Path) -> None:
    """See `Portable.export`."""
    from aiaas.backends.torch import _frozen

    _frozen.export(directory, out)


def quantize(portable: Path, out: Path) -> None:
    """See `Quantizable.quantize`."""
    from aiaas.backends.torch import _portable

    _portable.quantize(portable, out)


def load_portable(directory: Path) -> Model:
    """See `Portable.load_portable`."""
    from aiaas.backends.torch import _vectors

    return _vectors.load_portable(directory)
