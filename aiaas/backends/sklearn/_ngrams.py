"""Counts n-grams with numpy: exact for every n, for characters and for words.

All n-grams form a tree: an n-gram is a node, its parent the n-gram without its last token. A node is found by the
int64 `parent << 32 | token` in one hash table, whatever its length, so that a text of t tokens costs about t look-ups
for each n, and an n-gram whose beginning is unknown is never looked up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aiaas.backends.sklearn._table import Table
from aiaas.backends.sklearn._tokens import Tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHIFT = 32
TOKEN = np.int64((1 << SHIFT) - 1)
"""A key is `parent << SHIFT | token`, and `key & TOKEN` the token."""
_TEXTS, _CHARACTERS = 4096, 1 << 16  # a batch stays within the processor's caches, and memory flat


@dataclass(frozen=True, slots=True)
class Counts:
    """The n-grams of some texts: of text i the entries `starts[i]:starts[i + 1]`, sorted by feature."""

    starts: NDArray[np.int64]
    features: NDArray[np.int32]
    counts: NDArray[np.int32]


def batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in order, so many at a time that counting them takes little memory."""
    first = size = 0
    for place, text in enumerate(texts):
        if place > first and (place - first == _TEXTS or size + len(text) > _CHARACTERS):
            yield texts[first:place]
            first, size = place, 0
        size += len(text)
    if first < len(texts):
        yield texts[first:]


class NGrams:
    """The tree of n-grams with `low` to `high` tokens. Node 0 is the root, the n-gram without tokens.

    Counts are given by node. Nodes that are only the beginning of others are numbered with the rest.
    """

    def __init__(self, tokens: Tokens, low: int, high: int, keys: NDArray[np.int64] | None = None) -> None:
        """`keys` restores a tree: it is what `keys` gave."""
        self.tokens = tokens
        self.low, self.high = low, high
        self._table = Table() if keys is None else Table.of(keys)

    def __len__(self) -> int:
        """The number of nodes, the root counted."""
        return len(self._table) + 1

    @property
    def keys(self) -> NDArray[np.int64]:
        """`parent << 32 | token` of every node but the root, in their order; a parent comes before its children."""
        return self._table.keys

    def numbers_in(self, other: NGrams) -> NDArray[np.int32]:
        """The number that each node of this tree has in `other`; 0 for those that are not there, and for the root."""
        parents, tokens = self.keys >> SHIFT, self.tokens.numbers_in(other.tokens, self.keys & TOKEN)
        numbers = np.zeros(len(self), np.int32)
        for nodes in levels(parents, self.high):
            above, last = parents.take(nodes - 1), tokens.take(nodes - 1)
            known = ((last >= 0) & ((above == 0) | (numbers.take(above) > 0))).nonzero()[0]
            begins = numbers.take(above.take(known)).astype(np.int64)
            numbers[nodes.take(known)] = other._table.lookup((begins << SHIFT) | last.take(known))
        return numbers

    def spell(self) -> list[str]:
        """The n-gram of every node, the root's being empty."""
        paths: list[tuple[int, ...]] = [()]
        for parent, token in zip((self.keys >> SHIFT).tolist(), (self.keys & TOKEN).tolist(), strict=True):
            paths.append((*paths[parent], token))
        return [self.tokens.spell(path) for path in paths]

    def learn(self, texts: Sequence[str]) -> Counts:
        """Count the n-grams of one batch, giving every new one a node."""
        return self._count(texts, learn=True)

    def count(self, texts: Sequence[str]) -> Counts:
        """Count the known n-grams of one batch."""
        return self._count(texts, learn=False)

    def _count(self, texts: Sequence[str], learn: bool) -> Counts:
        tokens, lengths = self.tokens.encode(texts, learn)
        rows = np.arange(len(texts)).repeat(lengths)
        levels = list(self._levels(tokens, learn))
        place = np.concatenate([place for place, _ in levels])
        nodes = np.concatenate([nodes for _, nodes in levels])
        return _gather(rows.take(place), nodes, len(texts))

    def _levels(self, tokens: NDArray[np.int64], learn: bool) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int32]]]:
        """For n from `low` to `high`: where the known n-grams start, and their nodes."""
        place = (tokens >= 0).nonzero()[0]
        keys = tokens.take(place)
        for n in range(1, self.high + 1):
            nodes = self._table.lookup(keys)
            known = nodes.nonzero()[0]
            if known.size < nodes.size:
                if learn:
                    missing = (nodes == 0).nonzero()[0]
                    nodes[missing] = self._table.add(keys.take(missing))
                else:
                    place, nodes = place.take(known), nodes.take(known)
            if n >= self.low:
                yield place, nodes
            if n < self.high:
                following = tokens.take(place + n)
                whole = (following >= 0).nonzero()[0]
                place = place.take(whole)
                keys = nodes.take(whole).astype(np.int64)
                keys <<= SHIFT
                keys |= following.take(whole)


def levels(parents: NDArray[np.int64], high: int) -> Iterator[NDArray[np.int64]]:
    """The nodes with 1 to `high` tokens; `parents` (n - 1,) are those of all nodes but the root."""
    here = np.zeros(parents.size + 1, np.bool_)
    here[0] = True
    for _ in range(high):
        here = np.concatenate(([False], here.take(parents)))
        yield here.nonzero()[0]


def joined(parts: Sequence[Counts]) -> Counts:
    """The counts of several batches as one."""
    sizes = np.cumsum([0, *(part.features.size for part in parts)])
    starts = [part.starts[:-1] + size for part, size in zip(parts, sizes, strict=False)]
    return Counts(
        np.concatenate([*starts, sizes[-1:]]),
        np.concatenate([np.empty(0, np.int32), *(part.features for part in parts)]),
        np.concatenate([np.empty(0, np.int32), *(part.counts for part in parts)]),
    )


def renumbered(counts: Counts, numbers: NDArray[np.int32]) -> Counts:
    """The same counts where feature f is called `numbers[f]`, and left out where that is 0.

    Row, feature and count are packed into one number, which sorts several times faster than an order of pairs. They
    fit: a batch has few rows, or one with many characters.
    """
    rows = np.arange(len(counts.starts) - 1).repeat(counts.starts[1:] - counts.starts[:-1])
    features = numbers.take(counts.features)
    stays = features.nonzero()[0]
    low = int(counts.counts.max(initial=0)).bit_length()
    high = low + int(numbers.max(initial=0)).bit_length()
    packed = rows.take(stays) << high
    packed |= features.take(stays).astype(np.int64) << low
    packed |= counts.counts.take(stays)
    packed.sort()
    starts = (packed >> high).searchsorted(np.arange(len(counts.starts)))
    features = ((packed >> low) & ((1 << (high - low)) - 1)).astype(np.int32)
    return Counts(starts, features, (packed & ((1 << low) - 1)).astype(np.int32))


def _gather(rows: NDArray[np.int64], nodes: NDArray[np.int32], texts: int) -> Counts:
    """Count how often each (row, node) occurs: packed into one number, equal ones come together when sorted."""
    shift = int(nodes.max(initial=0)).bit_length()
    packed = rows << shift
    packed |= nodes
    if (texts - 1).bit_length() + shift <= 32:
        packed = packed.astype(np.uint32)  # sorts two and a half times faster
    packed.sort()
    edge = np.empty(packed.size + 1, np.bool_)
    edge[0] = edge[-1] = True
    np.not_equal(packed[1:], packed[:-1], out=edge[1:-1])
    edges = edge.nonzero()[0]
    packed = packed.take(edges[:-1]).astype(np.int64)
    starts = (packed >> shift).searchsorted(np.arange(texts + 1))
    return Counts(starts, (packed & ((1 << shift) - 1)).astype(np.int32), (edges[1:] - edges[:-1]).astype(np.int32))
