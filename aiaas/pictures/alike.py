"""Pictures that look alike: saved again, made smaller or a little brighter, but not merely of the same thing.

A difference hash (Krawetz, 2013) finds candidates: 64 bits, each of which says whether a field of an 8 x 9 grid is
brighter than the one before. Pictures of few shapes (digits, shoes) share many of them, so candidates are compared
pixel by pixel as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiaas.pictures.decode import decode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HEIGHT, _WIDTH, _FIELD = 32, 36, 4
BITS = 6
"""Bits in which the hashes of pictures that look alike may differ."""
CORRELATED = 0.98
"""How far their brightness must go together."""
_BLOCK = 512
_NEAREST = 64
"""Candidates of one picture that are compared with it, the nearest first."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What some pictures look like: hashes (n,), and brightness (n, pixels), of the mean 0 and of length 1."""

    hashes: NDArray[np.uint64]
    pixels: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.hashes)


def looks(pictures: list[bytes]) -> Looks:
    """What encoded pictures look like. Raises DataError for one that cannot be decoded."""
    import numpy as np

    grey = np.empty((len(pictures), _HEIGHT, _WIDTH), np.float32)
    for place, data in enumerate(pictures):
        grey[place] = decode(data, _HEIGHT, _WIDTH, 1)[..., 0]
    fields = grey.reshape(-1, _HEIGHT // _FIELD, _FIELD, _WIDTH // _FIELD, _FIELD).mean((2, 4))
    bits = (fields[:, :, 1:] > fields[:, :, :-1]).reshape(len(grey), 64)
    hashes = np.packbits(bits, axis=1).view("<u8").reshape(-1)
    pixels = grey.reshape(len(grey), -1)
    pixels = pixels - pixels.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(pixels, axis=1, keepdims=True)
    return Looks(hashes, pixels / np.where(lengths > 0, lengths, 1))


def joined(several: list[Looks]) -> Looks:
    """Those of all pictures together."""
    import numpy as np

    hashes = np.concatenate([np.empty(0, np.uint64), *(each.hashes for each in several)])
    pixels = np.concatenate([np.empty((0, _HEIGHT * _WIDTH), np.float32), *(each.pixels for each in several)])
    return Looks(hashes, pixels)


def pairs(pictures: Looks) -> Iterator[tuple[int, int]]:
    """The places of pictures of which one looks like an earlier one, which comes second; ascending by the first. A
    picture without any contrast looks like none."""
    import numpy as np

    hashes, pixels = pictures.hashes, pictures.pixels
    for start in range(0, len(pictures), _BLOCK):
        block = hashes[start : start + _BLOCK]
        before = hashes[: start + len(block)]
        apart = np.bitwise_count(block[:, None] ^ before[None, :])
        apart[np.arange(len(before))[None, :] >= start + np.arange(len(block))[:, None]] = 255
        for row in np.flatnonzero(apart.min(axis=1, initial=255) <= BITS).tolist():
            near = np.flatnonzero(apart[row] <= BITS)
            near = near[np.argsort(apart[row][near], kind="stable")[:_NEAREST]]
            alike = near[pixels[near] @ pixels[start + row] >= CORRELATED]
            yield from ((start + row, int(place)) for place in alike)
