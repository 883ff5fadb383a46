"""A page of memory that all processes of a service see: a few numbers, each read and written in one step."""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import BinaryIO

EMPTY, STARTING, OPEN, LEAVING = range(4)
"""States of a worker."""
UNEVEN = 0.25
"""Of its part of all connections that a worker may hold in excess."""
STILL = 5.0
"""Seconds without a move after which a worker is not there, whatever its state says: it may be stopped."""
_HEAD = 2
_SLOT = 3
_WORD = 8


class Board:
    """`epoch` is the number of the last switch that counts: a worker that reads a higher one than before switches. Each
    worker has a slot: its state, which the supervisor writes too, how many connections it holds, and when it was
    seen to move."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self._words = memoryview(mmap.mmap(handle, os.fstat(handle).st_size)).cast("q")
        self.slots = (len(self._words) - _HEAD) // _SLOT

    @classmethod
    def make(cls, workers: int) -> tuple[Board, BinaryIO]:
        """A board for so many workers, twice as many slots on it (one may come before another has left), and the file
        that keeps it, which is nowhere on disk by its name."""
        file: BinaryIO = _nameless()
        slots = 2 * workers + 2
        file.truncate((_HEAD + _SLOT * slots) * _WORD)
        board = cls(file.fileno())
        board._words[1] = workers
        return board, file

    @property
    def epoch(self) -> int:
        return self._words[0]

    @epoch.setter
    def epoch(self, number: int) -> None:
        self._words[0] = number

    @property
    def missing(self) -> int:
        """Workers that there should be more than there are."""
        there = sum(self.state(slot) == OPEN and self.still(slot) < STILL for slot in range(self.slots))
        return max(0, self._words[1] - there)

    def free(self) -> int | None:
        """A slot that nobody has, if there is one."""
        return next((slot for slot in range(self.slots) if self.state(slot) == EMPTY), None)

    def state(self, slot: int) -> int:
        return self._words[_HEAD + _SLOT * slot]

    def set_state(self, slot: int, state: int) -> None:
        if state in (EMPTY, STARTING):
            self.set_connections(slot, 0)
        self.move(slot)
        self._words[_HEAD + _SLOT * slot] = state

    def connections(self, slot: int) -> int:
        return self._words[_HEAD + _SLOT * slot + 1]

    def set_connections(self, slot: int, count: int) -> None:
        self._words[_HEAD + _SLOT * slot + 1] = count

    def move(self, slot: int) -> None:
        self._words[_HEAD + _SLOT * slot + 2] = int(1000 * time.monotonic())

    def still(self, slot: int) -> float:
        """Seconds since the worker was seen to move: its event loop does so many times a second."""
        return time.monotonic() - self._words[_HEAD + _SLOT * slot + 2] / 1000

    def others(self, slot: int) -> Iterator[int]:
        """The connections of each other worker whose door is open."""
        return (self.connections(each) for each in range(self.slots) if each != slot and self.state(each) == OPEN)


def _nameless() -> BinaryIO:
    """A file without a name, where that is possible without a disk: a container may have none to write to."""
    if sys.platform != "linux":
        return tempfile.TemporaryFile()
    return os.fdopen(os.memfd_create("aiaas-board"), "w+b")


class Crowd:
    """A worker among others: whether it holds more connections than another one does."""

    def __init__(self, board: Board, slot: int) -> None:
        self._board = board
        self._slot = slot

    def publish(self, connections: int) -> None:
        self._board.set_connections(self._slot, connections)
        self._board.move(self._slot)

    def is_ahead(self, connections: int) -> bool:
        self.publish(connections)
        return any(each < connections for each in self._board.others(self._slot))

    def excess(self, connections: int) -> int:
        """How many more than its part of all connections it holds, where those are many more: kept alive, they do not
        find a worker that came later by themselves."""
        others = list(self._board.others(self._slot))
        part = (connections + sum(others)) / (1 + len(others))
        return int(connections - part) if connections - part > max(2.0, part * UNEVEN) else 0
