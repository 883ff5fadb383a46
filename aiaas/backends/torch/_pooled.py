"""One vector of a text out of those of its tokens, and a head over it: the network of torch/text_embedding."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aiaas.backends.linear_head import Head
from aiaas.backends.torch._encoder import takes_types
from aiaas.backends.torch._saved import write_network
from aiaas.backends.torch._torch import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

Pooling = Literal["mean", "cls"]
Precision = Literal["float32", "bfloat16"]


def pooled(encoder: Any, pooling: Pooling, normalise: bool, head: Head | None = None) -> Any:
    """A network over `encoder`: tokens (n, length) to vectors (n, size), or to probabilities (n, classes) where there
    is a head. What is padding changes nothing."""
    frame = torch()

    class Pooled(torch().nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder
            self.head = None if head is None else _linear(head)

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any = None) -> Any:
            types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
            tokens = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **types).last_hidden_state
            tokens = tokens.to(frame.float32)
            if pooling == "cls":
                vectors = tokens[:, 0]
            else:
                inside = attention_mask.unsqueeze(-1).to(frame.float32)
                vectors = (tokens * inside).sum(1) / inside.sum(1)
            if normalise:
                vectors = frame.nn.functional.normalize(vectors, dim=1)
            return vectors if self.head is None else frame.softmax(self.head(vectors), dim=-1)

    return Pooled().eval()


def _linear(head: Head) -> Any:
    frame = torch()
    layer = frame.nn.Linear(*head.weights.shape)
    with frame.no_grad():
        layer.weight.copy_(frame.from_numpy(np.ascontiguousarray(head.weights.T)))
        layer.bias.copy_(frame.from_numpy(head.bias))
    return layer


class TorchNetwork:
    """An encoder and what is made of its tokens, as the function that a model calls: arrays in, arrays out."""

    def __init__(
        self, encoder: Any, pooling: Pooling, normalise: bool, head: Head | None, precision: Precision, device: str
    ) -> None:
        """`encoder` has weights in float32 and is not changed."""
        frame = torch()
        self.encoder = encoder
        if precision == "bfloat16":
            encoder = copy.deepcopy(encoder).to(frame.bfloat16)
        self.network = pooled(encoder, pooling, normalise, head).to(device)
        self.device = device
        self._types = takes_types(encoder)

    def __call__(self, batch: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        """Vectors or probabilities (n, outputs) of a batch as `Encoded.padded` gives it."""
        frame = torch()
        inputs = {
            name: frame.from_numpy(values).to(self.device)
            for name, values in batch.items()
            if self._types or name != "token_type_ids"
        }
        with frame.inference_mode():
            return np.asarray(self.network(**inputs).cpu().numpy(), np.float32)

    def save(self, directory: Path) -> None:
        """Write the encoder into `directory`; the head is the model's affair."""
        write_network(directory, self.encoder)
