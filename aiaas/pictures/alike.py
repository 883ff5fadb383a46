"""Pictures that look alike: saved again, made smaller or a little brighter, but not merely of the same thing.

A difference hash (Krawetz, 2013) finds candidates: 64 bits, each of which says whether a field of an 8 x 9 grid is
clearly brighter than the one before. Candidates are compared pixel by pixel. Pictures of few shapes (digits, shoes) are
all like each other, so two count as alike only where they stand apart from the others as well.
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
_STEP = 0.1
"""How much brighter a field must be, in standard deviations: in an even ground the least noise would decide."""
BITS = 10
"""Bits in which the hashes of pictures that look alike may differ."""
CORRELATED, SURE = 0.98, 0.998
"""How far their brightness must go together: at least, and so far that nothing else is asked."""
APART, FEW = 6, 8
"""To at most `FEW` others one of the two must be less than `APART` times as far as to the other; how far is 1 less
their correlation."""
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
    pixels = grey.reshape(-1, _HEIGHT * _WIDTH)
    steps = fields[:, :, 1:] - fields[:, :, :-1] > _STEP * pixels.std(axis=1)[:, None, None]
    hashes = np.packbits(steps.reshape(len(grey), 64), axis=1).view("<u8").reshape(-1)
    pixels = pixels - pixels.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(pixels, axis=1, keepdims=True)
    return Looks(hashes, pixels / np.where(lengths > 0, lengths, 1))


def joined(several: list[Looks]) -> Looks:
    """Those of all pictures together."""
    import numpy as np

    hashes = np.concatenate([np.empty(0, np.uint64), *(each.hashes for each in several)])
    pixels = np.concatenate([np.empty((0, _HEIGHT * _WIDTH), np.float32), *(each.pixels for each in several)])
    return Looks(hashes, pixels)


def pairs(pictures: Looks) -> NDArray[np.intp]:
    """The places (n, 2) of pictures of which one looks like an earlier one, which comes second; ascending. A picture
    without any contrast looks like none."""
    import numpy as np

    pieces = [np.empty((0, 2), np.intp), *_candidates(pictures)]
    found = np.concatenate(pieces)
    close = np.concatenate([_together(pictures.pixels, piece) for piece in pieces])
    rows, place = np.unique(found, return_inverse=True)
    crowd = _crowd(pictures.pixels, rows)[place.reshape(found.shape)].min(axis=1, initial=1.0)
    return np.asarray(found[(close >= SURE) | (1 - crowd >= APART * (1 - close))])


def _candidates(pictures: Looks) -> Iterator[NDArray[np.intp]]:
    """Pairs of pictures with similar hashes whose brightness goes together, of each with the nearest before it."""
    import numpy as np

    hashes = pictures.hashes
    for start in range(0, len(pictures), _BLOCK):
        block = hashes[start : start + _BLOCK]
        before = hashes[: start + len(block)]
        apart = np.bitwise_count(block[:, None] ^ before[None, :])
        apart[np.arange(len(before))[None, :] >= start + np.arange(len(block))[:, None]] = 255
        for row in np.flatnonzero(apart.min(axis=1, initial=255) <= BITS).tolist():
            near = np.flatnonzero(apart[row] <= BITS)
            near = np.sort(near[np.argsort(apart[row][near], kind="stable")[:_NEAREST]])
            found = np.column_stack([np.full(len(near), start + row), near])
            yield found[_together(pictures.pixels, found) >= CORRELATED]


def _together(pixels: NDArray[np.float32], found: NDArray[np.intp]) -> NDArray[np.float32]:
    """The correlation (n,) of the brightness of each pair."""
    import numpy as np

    return np.asarray(np.einsum("ij,ij->i", pixels[found[:, 0]], pixels[found[:, 1]]))


def _crowd(pixels: NDArray[np.float32], rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """How far the brightness of each of the rows goes together with that of the picture behind the `FEW` nearest."""
    import numpy as np

    behind = np.full(len(rows), -1.0, np.float32)
    if len(pixels) > FEW + 1:
        for start in range(0, len(rows), _BLOCK):
            close = pixels[rows[start : start + _BLOCK]] @ pixels.T  # the picture itself is the nearest
            behind[start : start + _BLOCK] = np.partition(close, -FEW - 2, axis=1)[:, -FEW - 2]
    return behind
