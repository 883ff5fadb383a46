"""Bytes added to the end of a file: all of them or none."""

from __future__ import annotations

import os


def append(file: int, data: bytes, size: int) -> None:
    """Write `data` to a file that is opened for appending and has `size` bytes. Raises OSError, and then the file is as
    long as it was: a full disk takes half a line otherwise."""
    try:
        written = os.write(file, data)
        while written < len(data):
            written += os.write(file, data[written:])
    except OSError:
        os.ftruncate(file, size)
        raise


def is_there(file: int) -> bool:
    """Whether an open file still has a name; what is written to one without is lost when it is closed."""
    return os.fstat(file).st_nlink > 0
