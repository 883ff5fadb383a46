"""A hash table of int64 keys that numpy fills and asks many keys at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio: spreads neighbouring keys (Knuth 6.4)
_NONE = np.int64(-1)


class Table:
    """Non-negative int64 keys → 1, 2, 3 … in the order found; 0 is the id of every key that is not there.

    Open addressing with linear probing, never more than half full. Each round treats all keys that are still
    undecided at once, so that the work is a few passes of numpy however many keys are asked. The slots hold ids alone
    and the keys lie densely beside them: half the memory of slots that hold keys.
    """

    def __init__(self) -> None:
        self._keys = np.full(1 << 9, _NONE)
        self._size = 0
        self._clear(1 << 10)

    @classmethod
    def of(cls, keys: NDArray[np.int64]) -> Table:
        """The table in which the distinct `keys` have the ids 1, 2, 3 …"""
        table = cls()
        table._keys = np.concatenate(([_NONE], keys))
        table._size = keys.size
        table._rehash(keys.size)
        return table

    def __len__(self) -> int:
        return self._size

    @property
    def keys(self) -> NDArray[np.int64]:
        """Every key in the order of its id, the first one with the id 1."""
        return self._keys[1 : self._size + 1]

    def _clear(self, slots: int) -> None:
        self._slots = np.zeros(slots, np.int32)
        self._mask = np.int64(slots - 1)
        self._shift = np.uint64(65 - slots.bit_length())

    def _rehash(self, room: int) -> None:
        """Make the slots enough for `room` keys and put the present ones into them."""
        self._clear(1 << max(10, (2 * room - 1).bit_length()))
        keys, ids = self.keys, np.arange(1, self._size + 1, dtype=np.int32)
        slots = self._home(keys)
        while ids.size:
            free = (self._slots.take(slots) == 0).nonzero()[0]
            # Of several ids that want one slot the last written stays; the others see it taken and go on.
            self._slots[slots.take(free)] = ids.take(free)
            lost = (self._slots.take(slots) != ids).nonzero()[0]
            ids, slots = ids.take(lost), (slots.take(lost) + 1) & self._mask

    def _home(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        mixed = keys.view(np.uint64) * _GOLDEN
        mixed >>= self._shift
        return mixed.view(np.int64)

    def lookup(self, keys: NDArray[np.int64]) -> NDArray[np.int32]:
        """The id of each of the (contiguous) keys."""
        slots = self._home(keys)
        ids = self._slots.take(slots)
        # An empty slot holds 0, which is the answer; only a slot that holds another key needs a further look.
        open_ = ((self._keys.take(ids) != keys) & (ids > 0)).nonzero()[0]
        if open_.size:
            keys, slots = keys.take(open_), slots.take(open_)
        while open_.size:
            slots += 1
            slots &= self._mask
            seen = self._slots.take(slots)
            ids[open_] = seen
            again = ((self._keys.take(seen) != keys) & (seen > 0)).nonzero()[0]
            open_, keys, slots = open_.take(again), keys.take(again), slots.take(again)
        return ids

    def add(self, keys: NDArray[np.int64]) -> NDArray[np.int32]:
        """The id of each of the (contiguous) keys, none of which is in the table yet; they may repeat."""
        self._reserve(self._size + keys.size)
        ids = np.zeros(keys.size, np.int32)
        open_, slots = np.arange(keys.size), self._home(keys)
        while open_.size:
            self._claim(keys, open_, slots)
            seen = self._slots.take(slots)
            ids[open_] = seen
            lost = (self._keys.take(seen) != keys.take(open_)).nonzero()[0]
            open_, slots = open_.take(lost), (slots.take(lost) + 1) & self._mask
        return ids

    def _claim(self, keys: NDArray[np.int64], open_: NDArray[np.int64], slots: NDArray[np.int64]) -> None:
        """Give each free slot that is wanted to one of the keys that want it, with the next id."""
        free = (self._slots.take(slots) == 0).nonzero()[0]
        slots = slots.take(free)
        candidate = np.arange(1, free.size + 1, dtype=np.int32)
        self._slots[slots] = candidate  # the last written stays
        chosen = (self._slots.take(slots) == candidate).nonzero()[0]
        first, self._size = self._size + 1, self._size + chosen.size
        self._slots[slots.take(chosen)] = np.arange(first, self._size + 1, dtype=np.int32)
        self._keys[first : self._size + 1] = keys.take(open_.take(free.take(chosen)))

    def _reserve(self, room: int) -> None:
        if room >= self._keys.size:
            larger = np.full(room + room // 2 + 1, _NONE)
            larger[: self._size + 1] = self._keys[: self._size + 1]
            self._keys = larger
        if 2 * room > self._slots.size:
            self._rehash(room)
