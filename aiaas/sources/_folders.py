"""Folders that are read as a whole: which files in them are wanted, and what is said when those are not there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from aiaas.contracts import Folder, Origin
from aiaas.errors import DataError
from aiaas.sources import _found

_WILD = frozenset("*?[")
_OF_THE_HUB = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")


def matching(names: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """The names that match one of the globs, sorted; a `*` ends at a slash, as in a shell."""
    return sorted(name for name in names if any(_matches(name, pattern) for pattern in wanted))


def required(wanted: Sequence[str]) -> list[str]:
    """The names that carry no wildcard: these files must be there."""
    return [each for each in wanted if not _WILD & set(each)]


def local(folder: Folder, path: Path, root: Path) -> dict[str, _found.File]:
    """The wanted files of a folder on this machine by their names in it, sorted; `root` is where relative paths start.
    DataError where it is no folder, where
    a file that must be there is not, and where there is none at all."""
    if not path.is_dir():
        raise _no_folder(folder, path, root)
    names = {str(each.relative_to(path)) for glob in folder.wanted for each in path.glob(glob) if each.is_file()}
    require(folder, names, sorted(each.name for each in path.iterdir()))
    return {name: _found.File(path / name, f"{folder.address.rstrip('/')}/{name}") for name in sorted(names)}


def require(folder: Folder, names: Iterable[str], there: Sequence[str]) -> None:
    """DataError where a file that must be there is not among the wanted `names`; `there` is what a person is told."""
    names = set(names)
    lacking = [name for name in required(folder.wanted) if name not in names]
    if lacking or not names:
        raise DataError(
            f"the folder has no {_found.listing(lacking or list(folder.wanted))}",
            where=folder.address,
            hint=f"there is in it: {_found.listing(there)}" if there else "it is empty",
        )


def fingerprint(files: Mapping[str, _found.File]) -> dict[str, str]:
    """Digests by name in the folder, so that it may be moved."""
    return {name: file.digest() for name, file in files.items()}


def origins(files: Iterable[_found.File], licence: str | None = None, revision: str | None = None) -> list[Origin]:
    return [Origin(file.shown, file.path.stat().st_size, file.digest(), licence, revision) for file in files]


def _matches(name: str, pattern: str) -> bool:
    parts, globs = name.split("/"), pattern.split("/")
    return len(parts) == len(globs) and all(map(fnmatchcase, parts, globs))


def _no_folder(folder: Folder, path: Path, root: Path) -> DataError:
    if path.exists():
        return DataError("it is a file; a folder is needed", where=folder.address, hint=f"such as {path.parent}")
    hint = _found.near(path, root) or f"looked for {path}"
    if _OF_THE_HUB.fullmatch(folder.address):
        hint = f"a model of the hub is written hf:{folder.address}; {hint}"
    return DataError("there is no such folder", where=folder.address, hint=hint)
