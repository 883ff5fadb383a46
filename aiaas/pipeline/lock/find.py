"""The lock that a person names, and where the relative paths in it start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aiaas.errors import LockError, UsageError
from aiaas.pipeline.lock.form import NAME, SUFFIX, Lock, read
from aiaas.track import environment, history
from aiaas.track.run import ARTIFACTS
from aiaas.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Found:
    """A lock, its file, and the recipe that it was taken of where that still is there; relative paths of the recipe
    start in `base`."""

    lock: Lock
    path: Path
    recipe: Path | None
    base: Path


def find(reference: str, workspace: Workspace, base: Path | None = None) -> Found:
    """The lock in a file, or that of a run of the workspace, by its id or a part of it.

    `base` says where relative paths start; without it that is the folder of the recipe: where the run had it, beside
    the lock, or at the same place in the repository around the working directory, or around the lock. Raises LockError,
    and UsageError for a run that there is not, or an id that fits several.
    """
    path, recipe = _named(reference, workspace)
    lock = read(path)
    if recipe is None or not recipe.is_file():
        recipe = _recipe(lock, path)
    if base is None and recipe is None and lock.recipe.file is not None:
        raise LockError(
            f"the recipe {lock.recipe.file} is not here, so it is not known where relative paths start",
            where=str(path),
            hint="--base DIR says where: the folder that the recipe was in",
        )
    return Found(lock, path, recipe, base or (recipe.parent if recipe else Path()))


def _named(reference: str, workspace: Workspace) -> tuple[Path, Path | None]:
    """The file, and the recipe of the run that it is of."""
    path = Path(reference)
    if path.is_file():
        run = path.absolute().parent.parent
        return path, _source(workspace, run.name) if run.parent == workspace.runs else None
    if path.suffix == SUFFIX or "/" in reference or path.is_dir():
        raise LockError("there is no such lock", where=reference, hint="name a run or a file: aiaas runs list")
    past = history.find(workspace, reference)
    kept = past.folder / ARTIFACTS / NAME
    if not kept.is_file():
        raise LockError(
            "it is still running" if past.status == "RUNNING" else "the run keeps no lock: it was killed, or is older",
            where=str(past.folder),
            hint=f"aiaas run {past.source or 'RECIPE'} makes one that does",
        )
    return kept, Path(past.source) if past.source else None


def _source(workspace: Workspace, run: str) -> Path | None:
    try:
        source = history.find(workspace, run).source
    except UsageError:
        return None
    return Path(source) if source else None


def _recipe(lock: Lock, path: Path) -> Path | None:
    """The file of the recipe, wherever it may be now."""
    if lock.recipe.file is None:
        return None
    file = Path(lock.recipe.file)
    tops = [environment.top(folder) for folder in (Path.cwd(), path.absolute().parent)]
    places = [path.parent / file.name, file, *(top / file for top in tops if top)]
    return next((place for place in places if place.is_file()), None)
