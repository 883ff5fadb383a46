"""Room in the cache for what is unpacked for the time of reading. What a killed process left there is taken away."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "unpacked-"
_LEFT = 3600.0
"""Seconds after which a folder of a process that is gone was left by it: another machine may count its own."""


@contextmanager
def folder(cache: Path) -> Iterator[Path]:
    """An empty folder, which is removed with all that is in it when the block ends."""
    cache.mkdir(parents=True, exist_ok=True)
    _sweep(cache)
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=cache) as made:
        yield Path(made)


def _sweep(cache: Path) -> None:
    for each in cache.glob(f"{_PREFIX}*-*"):
        process = each.name.removeprefix(_PREFIX).partition("-")[0]
        with suppress(OSError):
            if process.isdigit() and time.time() - each.stat().st_mtime > _LEFT and not _alive(int(process)):
                shutil.rmtree(each, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
