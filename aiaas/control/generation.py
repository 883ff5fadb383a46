"""A counter that all processes of a machine share: compared at every request, so reading it costs no call."""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from pathlib import Path

_NUMBER = struct.Struct("<Q")


def reserve(file: int, size: int) -> None:
    """Make the file at least so long, with room on the disk for all of it: a page in memory that the disk has no room
    for ends the process that writes to it."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    elif os.fstat(file).st_size < size:
        os.ftruncate(file, size)


class Generation:
    """The counter in the file at `path`, which is made when it is not there."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        reserve(self._file, mmap.PAGESIZE)
        self._memory = mmap.mmap(self._file, mmap.PAGESIZE)

    @property
    def value(self) -> int:
        found: int = _NUMBER.unpack_from(self._memory)[0]
        return found

    def grow(self) -> None:
        """Tell everybody that something changed."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            _NUMBER.pack_into(self._memory, 0, self.value + 1)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        self._memory.close()
        os.close(self._file)
