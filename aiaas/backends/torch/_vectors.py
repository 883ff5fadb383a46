"""The model of torch/text_embedding: texts in, vectors out, or probabilities where there is a head."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from aiaas.backends import arrays
from aiaas.backends.encoders import PortableEncoder, distinct
from aiaas.backends.linear_head import Head
from aiaas.backends.sequences import scored
from aiaas.backends.subwords import Encoded, Subwords, Text
from aiaas.backends.torch._saved import SETTINGS
from aiaas.contracts import Params

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEAD = "head.npz"

_BATCH, _TOKENS = 256, 2048  # of a batch at most


class Saved(Params):
    """What `model.json` holds."""

    format: Literal[1] = 1
    pooling: Literal["mean", "cls"]
    normalise: bool
    prefix: str
    precision: Literal["float32", "bfloat16"]
    size: int
    classes: int
    """0 where the vectors themselves are the answer."""

    @property
    def outputs(self) -> int:
        return self.classes or self.size


class Network(Protocol):
    """What computes the outputs of a batch."""

    def __call__(self, batch: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        """Vectors or probabilities (n, outputs) of a batch as `Encoded.padded` gives it."""

    def save(self, directory: Path) -> None:
        """Write the weights into `directory`; equal weights, equal bytes."""


class Vectors:
    """Texts in, vectors or probabilities out. Equal texts are computed once."""

    def __init__(self, saved: Saved, subwords: Subwords, network: Network, head: Head | None) -> None:
        """`head` is what is saved; where there is one, `network` has it already."""
        self.saved, self.subwords, self.network, self.head = saved, subwords, network, head

    def predict(self, examples: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (n, size), or probabilities (n, classes); of a text that is longer than the encoder reads, the
        beginning decides."""
        once, places_of = distinct(examples)
        return scored(once, self.saved.outputs, self._encoded, self.network, _BATCH, _TOKENS)[places_of]

    def tokens(self, examples: Sequence[str]) -> list[int]:
        """Tokens that are read of each example: those of a longer one that are kept."""
        lengths: list[int] = self._encoded(examples).lengths.tolist()
        return lengths

    def _encoded(self, texts: Sequence[Text]) -> Encoded:
        return self.subwords.encode([f"{self.saved.prefix}{text}" for text in texts])

    def save(self, directory: Path) -> None:
        """Write settings, tokenizer, weights and head."""
        arrays.write_json(directory / SETTINGS, self.saved.model_dump(mode="json"))
        self.subwords.save(directory)
        self.network.save(directory)
        if self.head is not None:
            arrays.write_arrays(directory / HEAD, {"weights": self.head.weights, "bias": self.head.bias})


def load_portable(directory: Path) -> PortableEncoder:
    """What `export` of torch/text_embedding wrote, or its int8 form, without torch. Raises VerificationError."""
    saved = arrays.read_settings(directory / SETTINGS, Saved)
    model = PortableEncoder(directory, saved.prefix)
    if model.outputs != saved.outputs:
        raise arrays.damaged(directory / SETTINGS, "the files of the model do not fit each other")
    return model


def read_head(directory: Path, saved: Saved) -> Head | None:
    """The head that `Vectors.save` wrote. Raises VerificationError where it is not that of the settings."""
    if not saved.classes:
        return None
    path = directory / HEAD
    found: dict[str, Any] = arrays.read_arrays(path, {"weights": (np.float32, 2), "bias": (np.float32, 1)})
    if found["weights"].shape != (saved.size, saved.classes) or found["bias"].shape != (saved.classes,):
        raise arrays.damaged(path, "the head does not have the shape that the settings of the model say")
    return Head(found["weights"], found["bias"])
