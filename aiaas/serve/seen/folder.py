"""The folder in which the workers of a running service keep their numbers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from aiaas.workspace import Workspace

_LOCK = "lock"


@contextmanager
def metrics_folder(workspace: Workspace) -> Iterator[Path]:
    """A new folder, for the process that starts the workers; removed at the end. Those of services that were killed are
    removed as well. It is none of the system's temporary files, which may be cleared away under a service in use."""
    from aiaas.workspace import atomic

    place = workspace.root / "metrics"
    with atomic.disk_errors(place), workspace.lock("metrics"):
        place.mkdir(exist_ok=True)
        for left in place.iterdir():
            _remove(left)
        folder = Path(mkdtemp(dir=place))
        lock = FileLock(folder / _LOCK)
        lock.acquire()
    try:
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _remove(folder: Path) -> None:
    """Remove a folder that no running process holds."""
    try:
        with FileLock(folder / _LOCK, blocking=False):
            shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        pass
