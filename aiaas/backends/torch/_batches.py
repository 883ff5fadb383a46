"""Batches of texts alike in length, as torch takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends.sequences import alike, by_length
from aiaas.backends.subwords import Encoded
from aiaas.backends.torch._torch import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

_IGNORED = -100  # the label of a row that counts for nothing


@dataclass(frozen=True, slots=True)
class Batches:
    """The rows of one split: `size` rows a batch at most, `tokens` tokens a batch at most, padding included. Shuffled
    anew each epoch where a seed is given, else the shortest first."""

    texts: Encoded
    labels: NDArray[np.int64]
    size: int
    tokens: int | None = None
    seed: int | None = None

    def __len__(self) -> int:
        """Batches an epoch; 0 where there are no rows."""
        return len(self.places(0))

    def places(self, epoch: int) -> list[NDArray[np.int64]]:
        """Which rows stand together in each batch of an epoch."""
        lengths = self.texts.lengths
        if self.seed is None:
            return list(by_length(lengths, self.size, self.tokens))
        return alike(lengths, self.size, self.tokens, self.seed, epoch)

    def largest(self) -> tuple[int, int]:
        """Rows and tokens a row of the batch that takes the most memory."""
        lengths = self.texts.lengths
        shapes = [(len(batch), int(lengths[batch].max())) for batch in self.places(0)]
        return max(shapes, key=lambda shape: shape[0] * shape[1], default=(0, 0))


def loader(batches: Batches, epoch: Callable[[], int], part: int, parts: int, types: bool) -> Any:
    """The batches as a DataLoader, of whichever epoch `epoch` says when it is begun. Of each batch this process gets
    every `parts`-th row, from the row `part` on: together the processes compute what one alone would."""
    frame = torch()

    class Sampler:
        def __len__(self) -> int:
            return len(batches)

        def __iter__(self) -> Iterator[list[int]]:
            for places in batches.places(epoch()):
                yield places.tolist()

    def collate(places: list[int]) -> dict[str, Any]:
        mine = np.array(places[part::parts] or places[:1])
        arrays = batches.texts.padded(mine)
        if not types:
            del arrays["token_type_ids"]
        labels = batches.labels[mine] if places[part::parts] else np.array([_IGNORED])
        return {name: frame.from_numpy(array) for name, array in (arrays | {"labels": labels}).items()}

    # A generator of its own: beginning an epoch must not draw from the numbers that dropout is made of.
    return frame.utils.data.DataLoader(
        range(len(batches.texts)), batch_sampler=Sampler(), collate_fn=collate, generator=frame.Generator()
    )
