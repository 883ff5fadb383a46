"""Texts as sequences of numbers, and batches of sequences that are alike in length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PADDING = 0
"""What stands behind the end of a sequence in a batch; no token has this number."""

_MULTIPLE = 8  # of which every padded length is one: few shapes, each of which a framework prepares once
_AT_ONCE = 4096  # texts whose tokens are in memory together
_POOL = 64  # batches whose rows are sorted among themselves


@dataclass(frozen=True, slots=True)
class Sequences:
    """Sequences one after the other: the i-th is `tokens[starts[i]:starts[i + 1]]`. Four bytes a token."""

    tokens: NDArray[np.int32]
    starts: NDArray[np.int64]

    @classmethod
    def joined(cls, parts: Sequence[Sequences]) -> Sequences:
        """The sequences of several parts as one."""
        if not parts:
            return cls(np.empty(0, np.int32), np.zeros(1, np.int64))
        sizes = np.cumsum([0, *(part.tokens.size for part in parts)])
        starts = [part.starts[:-1] + size for part, size in zip(parts, sizes, strict=False)]
        return cls(np.concatenate([part.tokens for part in parts]), np.concatenate([*starts, sizes[-1:]]))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.starts)

    def padded(self, places: NDArray[np.int64]) -> NDArray[np.int32]:
        """The sequences at `places` (n,) as one array (n, length), `PADDING` behind their ends; the length is that of
        the longest, rounded up."""
        lengths = self.lengths[places]
        width = int(rounded(lengths).max(initial=_MULTIPLE))
        inside = np.arange(width) < lengths[:, None]
        batch = np.full(inside.shape, PADDING, np.int32)
        batch[inside] = self.tokens[ranges(self.starts[places], lengths)]
        return batch

    def cut(self, length: int) -> Sequences:
        """The first `length` tokens of every sequence."""
        if self.lengths.max(initial=0) <= length:
            return self
        lengths = np.minimum(self.lengths, length)
        kept = self.tokens[ranges(self.starts[:-1], lengths)]
        return Sequences(kept, np.concatenate(([0], np.cumsum(lengths))))

    def followed_by(self, other: Sequences) -> Sequences:
        """Each sequence with that of `other` behind it."""
        both = Sequences.joined([self, other])
        order = np.arange(len(both)).reshape(2, len(self)).T.ravel()
        tokens = both.tokens[ranges(both.starts[order], both.lengths[order])]
        return Sequences(tokens, self.starts + other.starts)


def rounded(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The lengths that sequences of these lengths are padded to."""
    return (lengths + _MULTIPLE - 1) // _MULTIPLE * _MULTIPLE


def ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """start, start + 1, … of each range, one range after the other."""
    before = np.cumsum(lengths) - lengths
    places: NDArray[np.int64] = np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths)
    return places


def by_length(lengths: NDArray[np.int64], size: int, tokens: int | None = None) -> Iterator[NDArray[np.int64]]:
    """The places of all sequences in batches of `size` at most, the shortest first: the least padding there can be.
    Where `tokens` is given, a batch holds no more of them, padding included, unless one sequence alone does."""
    order = np.argsort(lengths, kind="stable")
    for first, end in bounds(lengths[order], size, tokens):
        yield order[first:end]


def bounds(lengths: NDArray[np.int64], size: int, tokens: int | None = None) -> list[tuple[int, int]]:
    """Where batches of sequences begin and end, whose lengths ascend; see `by_length`."""
    found, first = [], 0
    while first < len(lengths):
        end = min(first + size, len(lengths))
        if tokens is not None:
            padded = np.arange(1, end - first + 1) * lengths[first:end]
            end = first + max(1, int(np.searchsorted(padded, tokens, "right")))
        found.append((first, end))
        first = end
    return found


def scored(
    texts: Sequence[Any],
    outputs: int,
    encode: Callable[[Sequence[Any]], Any],
    score: Callable[[Any], NDArray[np.float32]],
    size: int,
    tokens: int | None = None,
) -> NDArray[np.float32]:
    """Scores (n, outputs) of texts, in their order, computed in batches as `by_length` makes them.

    `encode` makes of some texts what has `lengths` (n,) and `padded(places)`; `score` gives the scores of a padded
    batch. Some thousands of texts are encoded at a time.
    """
    scores = np.empty((len(texts), outputs), np.float32)
    for first in range(0, len(texts), _AT_ONCE):
        encoded = encode(texts[first : first + _AT_ONCE])
        for places in by_length(encoded.lengths, size, tokens):
            scores[first + places] = score(encoded.padded(places))
    return scores


def shuffled(lengths: NDArray[np.int64], size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """The places of all sequences in batches of `size`, shuffled, yet each of sequences alike in length.

    All are shuffled; the rows of some batches at a time are sorted by padded length, which leaves those of one length
    as shuffled; and the batches are shuffled again, so that the network sees long and short ones in turn. Equal
    arguments give equal batches.
    """
    random = np.random.Generator(np.random.Philox([seed, epoch]))
    order, padded = random.permutation(len(lengths)), rounded(lengths)
    pools = (order[first : first + _POOL * size] for first in range(0, len(order), _POOL * size))
    alike = [pool[np.argsort(padded[pool], kind="stable")] for pool in pools]
    batches = [pool[first : first + size] for pool in alike for first in range(0, len(pool), size)]
    return [batches[place] for place in random.permutation(len(batches))]


def alike(lengths: NDArray[np.int64], size: int, tokens: int | None, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """The places of all sequences in batches as `by_length` makes them, shuffled: which of the sequences of one length
    stand together is as random as the order of the batches. How many batches there are, and how long those are, is the
    same in every epoch. Equal arguments give equal batches."""
    random = np.random.Generator(np.random.Philox([seed, epoch]))
    order = random.permutation(len(lengths))
    order = order[np.argsort(lengths[order], kind="stable")]
    batches = [order[first:end] for first, end in bounds(lengths[order], size, tokens)]
    return [batches[place] for place in random.permutation(len(batches))]
