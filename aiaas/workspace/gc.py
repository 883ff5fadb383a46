"""Making room: what no recipe's last run and no registered model needs may go."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from aiaas.errors import DataError, UsageError
from aiaas.workspace.store import MANIFEST, Artefact, Workspace

REPRODUCED = "reproduced.json"
"""What stands in the workspace of a reproduction that came to its end."""
CHECKPOINT_DAYS = 7
"""How long a fit that was interrupted may be gone on with, whatever else is removed."""


def kept_for(workspace: Workspace) -> dict[str, list[str]]:
    """`{key: who needs it}`: recipes whose last run used it, and versions of registered models."""
    needed: dict[str, list[str]] = defaultdict(list)
    for file in sorted(workspace.recipes.glob("*.json")):
        for key in workspace.last(file.stem).values():
            needed[key].append(file.stem)
    for file in sorted(workspace.models.glob("*/registry.json")):
        for number, place in _bundles(file).items():
            for part in place.split("/"):
                if len(part) == 64:
                    needed[part].append(f"{file.parent.name}/{number}")
    return needed


def _bundles(registry: Path) -> dict[str, str]:
    """Where the bundle of each version lies."""
    try:
        versions = json.loads(registry.read_text("utf-8"))["versions"]
        return {number: str(version["bundle"]) for number, version in versions.items()}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(
            "the registry of a model cannot be read, so what it needs is not known",
            where=str(registry),
            hint=f"restore the file, or give the model up: rm -r {registry.parent}",
        ) from error


def collect_garbage(workspace: Workspace, *, older_than_days: float = 0, dry_run: bool = False) -> list[Artefact]:
    """Remove what nobody needs and return it. Half-made folders go as well, and what `cached` gives."""
    limit = time.time() - older_than_days * 86_400
    with workspace.alone():
        needed = kept_for(workspace)
        gone = [each for each in workspace if each.key not in needed and workspace.used_at(each) <= limit]
        if not dry_run:
            for artefact in gone:
                _remove(artefact)
            _sweep_temporary(workspace)
            for file in cached(workspace, older_than_days=older_than_days):
                file.unlink(missing_ok=True)
            _sweep_reproduced(workspace, limit)
            _sweep_checkpoints(workspace, min(limit, time.time() - CHECKPOINT_DAYS * 86_400))
    return gone


def cached(workspace: Workspace, *, older_than_days: float = 0) -> dict[Path, int]:
    """The files that fits keep because they are dear to compute, and their bytes; those not used for so long."""
    limit = time.time() - older_than_days * 86_400
    found = {}
    for file in sorted(workspace.cache.rglob("*")):
        with suppress(FileNotFoundError):  # a fit at work gave it its name just now
            state = file.stat()
            if file.is_file() and state.st_mtime <= limit:
                found[file] = state.st_size
    return found


def _remove(artefact: Artefact) -> None:
    """The manifest goes first: a kill in between leaves half an artefact, which is none."""
    (artefact.path / MANIFEST).unlink()
    shutil.rmtree(artefact.path)


def _sweep_temporary(workspace: Workspace) -> None:
    """Remove drafts whose process is gone."""
    for folder in workspace.temporary.iterdir():
        parts = folder.name.split(".")
        if len(parts) == 4 and parts[2].isdigit() and not _alive(int(parts[2])):
            shutil.rmtree(folder, ignore_errors=True)


def _sweep_checkpoints(workspace: Workspace, limit: float) -> None:
    """Remove what fits left that were interrupted before `limit` and never gone on with."""
    for folder in workspace.checkpoints.iterdir() if workspace.checkpoints.is_dir() else ():
        if max(path.stat().st_mtime for path in (folder, *folder.iterdir())) <= limit:
            shutil.rmtree(folder, ignore_errors=True)


def _sweep_reproduced(workspace: Workspace, limit: float) -> None:
    """Remove what was made again from locks; one that was interrupted may be gone on with as a fit may."""
    for folder in workspace.reproduced.iterdir() if workspace.reproduced.is_dir() else ():
        finished = (folder / REPRODUCED).exists()
        if folder.stat().st_mtime <= (limit if finished else min(limit, time.time() - CHECKPOINT_DAYS * 86_400)):
            shutil.rmtree(folder, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def only(workspace: Workspace, key: str) -> Artefact:
    """The artefact whose key begins with `key`; UsageError when there is none or more than one."""
    found = [artefact for artefact in workspace if artefact.key.startswith(key)]
    if len(found) == 1:
        return found[0]
    said = "no artefact has" if not found else f"{len(found)} artefacts have"
    raise UsageError(f"{said} a key that begins with {key!r}", hint="see `aiaas cache list`, or give more characters")
