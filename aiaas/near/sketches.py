"""What is kept of a text: its shingles, and keys of which two similar texts share at least one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aiaas.near.shingles import Unit, mixed, shingles

PERMUTATIONS = 128
FOUND = 0.99
"""How sure a pair that is just similar enough is to share a key."""
KEPT = 1024
"""The most shingles that are kept of a text, those with the lowest hashes: a random sample, by which the similarity of
long texts is estimated (standard error below 0.016)."""
LONGEST = 2**20
"""Characters by which a text is compared: its first."""
_CHUNK = 1024  # shingles whose 128 hashes fit into the processor's cache


class Sketcher:
    """Sketches texts, the same in every process. `threshold` is the Jaccard similarity of two texts that count as
    nearly equal: shingles they share, of all that either has."""

    def __init__(self, threshold: float, unit: Unit = "character", size: int | None = None) -> None:
        self.threshold, self.unit, self.size = threshold, unit, size
        self.bands, self.rows = banding(threshold)
        draws = np.random.Generator(np.random.Philox(key=1997))
        self._factors = draws.integers(0, 2**32, PERMUTATIONS, np.uint32) | np.uint32(1)
        self._terms = draws.integers(0, 2**32, PERMUTATIONS, np.uint32)

    def sketch(self, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
        """`keys` (n, bands), `counts` (n,) of the shingles kept, and all of these, `shingles` (sum of counts,),
        ascending in each text. Sketches of texts that follow each other are joined along their first axis."""
        parts = [self._sketch(part) for part in _portions(texts)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _sketch(self, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
        hashes, counts = shingles(texts, self.unit, self.size)
        keys = self._keys(hashes, counts)
        if counts.max(initial=0) > KEPT:
            place = np.arange(len(hashes)) - np.repeat(np.cumsum(counts) - counts, counts)
            hashes, counts = hashes[place < KEPT], np.minimum(counts, KEPT)
        return {"keys": keys, "counts": counts.astype(np.uint32), "shingles": hashes}

    def _keys(self, hashes: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint64]:
        """A text without shingles has keys of its own kind; nothing is compared by them."""
        keys = np.zeros((len(counts), self.bands), np.uint64)
        filled = np.flatnonzero(counts)
        if not len(filled):
            return keys
        lowest = self._lowest(hashes, np.cumsum(counts[filled]) - counts[filled])
        parts = lowest[:, : self.bands * self.rows].reshape(len(filled), self.bands, self.rows).astype(np.uint64)
        key = parts[:, :, 0]
        for place in range(1, self.rows):
            key = mixed(key) + parts[:, :, place]
        keys[filled] = mixed(key)
        return keys

    def _lowest(self, hashes: NDArray[np.uint32], starts: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The MinHash signature (n, PERMUTATIONS): of each text and each permutation of all 32-bit numbers,
        x → ax + b with an odd a, the lowest of what the shingles become. Two texts agree in as large a share of it as
        they do in their shingles."""
        lowest = np.full((len(starts), PERMUTATIONS), 2**32 - 1, np.uint32)
        for begin in range(0, len(hashes), _CHUNK):
            first, last = np.searchsorted(starts, begin, "right") - 1, np.searchsorted(starts, begin + _CHUNK)
            permuted = hashes[begin : begin + _CHUNK, None] * self._factors
            permuted += self._terms
            reached = np.minimum.reduceat(permuted, np.maximum(starts[first:last] - begin, 0), axis=0)
            np.minimum(lowest[first:last], reached, out=lowest[first:last])
        return lowest


def _portions(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts, some at once, one portion at least; of long ones what counts."""
    portion: list[str] = []
    size = 0
    for text in texts:
        portion.append(text[:LONGEST])
        size += len(portion[-1])
        if size >= LONGEST:
            yield portion
            portion, size = [], 0
    if portion or not texts:
        yield portion


def banding(threshold: float) -> tuple[int, int]:
    """Bands, and rows of the signature in each: the most selective that let a pair just at the threshold share a band
    with a chance of `FOUND`, which is 1 - (1 - t^rows)^bands."""
    for rows in range(PERMUTATIONS, 1, -1):
        bands = PERMUTATIONS // rows
        if 1 - (1 - threshold**rows) ** bands >= FOUND:
            return bands, rows
    return PERMUTATIONS, 1
