"""An embedding of the tokens that the texts hold, in place of one of the whole vocabulary, while a network learns.

The others have no gradient and do not decay, so that they stay as they are whatever happens: nothing is learned
differently. Yet an optimiser goes through all of them at every step: of 250,000 tokens, as multilingual encoders have
them, that takes longer than the layers do, and more memory than these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends.subwords import Encoded
from aiaas.backends.torch._torch import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WORTH = 0.5  # of the vocabulary: with more of it in the texts, nothing is won


@dataclass(frozen=True, slots=True)
class Narrow:
    """Which tokens are left: the new number of a token is its place in `used`."""

    used: NDArray[np.int64]

    def numbered(self, texts: Encoded) -> Encoded:
        """The texts in new numbers."""
        return replace(texts, tokens=np.searchsorted(self.used, texts.tokens).astype(np.int32))

    def put_on(self, network: Any) -> Any:
        """Give the network the small embedding; returns the whole one for `take_off`."""
        frame, whole = torch(), network.get_input_embeddings()
        small = frame.nn.Embedding(len(self.used), whole.embedding_dim, whole.padding_idx, _weight=self._of(whole))
        small.weight.requires_grad_(whole.weight.requires_grad)
        network.set_input_embeddings(small)
        return whole

    def _of(self, whole: Any) -> Any:
        return whole.weight.detach()[torch().from_numpy(self.used)].clone()

    def take_off(self, network: Any, whole: Any) -> None:
        """Give the network the whole embedding back, with what the small one learned."""
        frame, small = torch(), network.get_input_embeddings()
        with frame.no_grad():
            whole.weight[frame.from_numpy(self.used)] = small.weight.detach().to(whole.weight.device)
        whole.to(small.weight.device)
        network.set_input_embeddings(whole)


def narrow(network: Any, texts: Sequence[Encoded]) -> Narrow | None:
    """The tokens of all `texts`; None where that is most of the vocabulary, or where the network looks at the numbers
    of tokens itself. Numbers up to that of the padding stay as they are: RoBERTa finds the padding by its number."""
    embedding = network.get_input_embeddings()
    if type(embedding).__name__ != "Embedding" or network.config.is_encoder_decoder:
        return None
    low = np.arange(max(each.padding for each in texts) + 1)
    used = np.unique(np.concatenate([low, *(each.tokens.astype(np.int64) for each in texts)]))
    return Narrow(used) if len(used) < _WORTH * embedding.num_embeddings else None
