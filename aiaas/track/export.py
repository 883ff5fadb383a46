"""A run as one file, to be kept elsewhere or handed on."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from aiaas.track import history
from aiaas.track.process import LOG
from aiaas.track.run import SENT
from aiaas.workspace import atomic

RUN = "run.json"
_ASIDE = {LOG, SENT}
"""Files that tell of the sending, and of its server."""


def export(run: history.Past, to: Path) -> int:
    """Write `to`, a ZIP with one folder: `run.json` (as `runs show --json` tells it), the journal, the events, the
    environment, and `artifacts/`. Returns how many bytes it has; it is there whole or not at all."""
    told = {**run.as_dict(), **history.details(run)}
    files = sorted(path for path in run.folder.rglob("*") if path.is_file() and not _is_aside(path, run.folder))
    with (
        atomic.open_new(to) as stream,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive,
    ):
        archive.writestr(f"{run.id}/{RUN}", json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
        for path in files:
            archive.write(path, f"{run.id}/{path.relative_to(run.folder).as_posix()}")
    return to.stat().st_size


def _is_aside(path: Path, folder: Path) -> bool:
    return path.parent == folder and (path.name in _ASIDE or path.suffix == ".lock")
