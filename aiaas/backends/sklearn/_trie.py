"""n-grams that were counted, in an order that follows from the n-grams alone, so that counts can be added up.

A trie has a level for each length. Within a level n-grams stand in the order of their beginnings and then of their last
tokens. Numbers of one trie become those of another without changing their order, so two sorted levels are merged as
such, and what lies on disk is merged in passing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aiaas.backends.sklearn._ngrams import SHIFT, TOKEN, NGrams, levels

if TYPE_CHECKING:
    from numpy.typing import NDArray

GONE = -1
"""The place of what was left out."""


@dataclass(frozen=True, slots=True)
class Level:
    """n-grams of one length. `keys` (n,) are `place of the beginning in the level before << 32 | token`, rising;
    `texts` says in how many texts each stands, `total` how often in all."""

    keys: NDArray[np.int64]
    texts: NDArray[np.int64]
    total: NDArray[np.int64]

    def __len__(self) -> int:
        return self.keys.size

    def __getitem__(self, part: slice) -> Level:
        return Level(self.keys[part], self.texts[part], self.total[part])

    @classmethod
    def joined(cls, parts: Sequence[Level]) -> Level:
        """The parts one after the other."""
        if len(parts) == 1:
            return parts[0]
        none = np.empty(0, np.int64)
        columns = ([getattr(part, name) for part in parts] for name in ("keys", "texts", "total"))
        return cls(*(np.concatenate([none, *column]) for column in columns))


Trie = list[Level]
"""A level for each length from 1 on."""


def trie_of(tree: NGrams, texts: NDArray[np.int64], total: NDArray[np.int64]) -> Trie:
    """The n-grams of `tree` with the counts of its nodes."""
    parents, last = tree.keys >> SHIFT, tree.keys & TOKEN
    place = np.zeros(len(tree), np.int64)
    trie: Trie = []
    for nodes in levels(parents, tree.high):
        keys = (place.take(parents.take(nodes - 1)) << SHIFT) | last.take(nodes - 1)
        order = keys.argsort()
        nodes = nodes.take(order)
        place[nodes] = np.arange(nodes.size)
        trie.append(Level(keys.take(order), texts.take(nodes), total.take(nodes)))
    return trie


def with_tokens(trie: Trie, tokens: NDArray[np.int64]) -> Trie:
    """The same n-grams where token t is called `tokens[t]`."""
    place = np.zeros(1, np.int64)
    changed: Trie = []
    for level in trie:
        keys = (place.take(level.keys >> SHIFT) << SHIFT) | tokens.take(level.keys & TOKEN)
        order = keys.argsort()
        place = np.empty(order.size, np.int64)
        place[order] = np.arange(order.size)
        changed.append(Level(keys.take(order), level.texts.take(order), level.total.take(order)))
    return changed


def added(keys: NDArray[np.int64], level: Level) -> tuple[Level, NDArray[np.int64]]:
    """The level in which equal `keys` (n,) are one, their counts added up, and where in it each went.

    Fast where the keys are a few rising runs: those are merged, not sorted.
    """
    order = keys.argsort(kind="stable")
    keys = keys.take(order)
    first = np.concatenate(([True], keys[1:] != keys[:-1])) if keys.size else np.empty(0, np.bool_)
    starts = first.nonzero()[0]
    places = np.empty(keys.size, np.int64)
    places[order] = first.cumsum() - 1
    sums = [
        np.add.reduceat(count.take(order), starts) if starts.size else count[:0] for count in (level.texts, level.total)
    ]
    return Level(keys.take(starts), *sums), places


def merged(tries: Sequence[Trie]) -> Trie:
    """All n-grams of the tries, which call their tokens alike, with their counts added up."""
    if len(tries) == 1:
        return list(tries[0])
    places = [np.zeros(1, np.int64)] * len(tries)
    whole: Trie = []
    for parts in zip(*tries, strict=True):
        keys = [
            (place.take(part.keys >> SHIFT) << SHIFT) | (part.keys & TOKEN)
            for place, part in zip(places, parts, strict=True)
        ]
        level, all_places = added(np.concatenate(keys), Level.joined(parts))
        places = np.split(all_places, np.cumsum([len(part) for part in parts])[:-1])
        whole.append(level)
    return whole


def size_of(trie: Trie) -> int:
    """The number of n-grams."""
    return sum(map(len, trie))
