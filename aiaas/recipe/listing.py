"""The recipes of a folder, for people who look for one to start from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiaas.errors import RecipeError, UsageError
from aiaas.recipe.read import SUFFIXES, read

_HEAD = 4096


@dataclass(frozen=True, slots=True)
class Listed:
    """One recipe file. `command` and `expect` are its first two comment lines; of a recipe with faults only these,
    the file and the number of faults are known."""

    file: str
    name: str | None
    task: str | None
    model: str | None
    command: str | None
    expect: str | None
    faults: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def listing(folder: Path = Path("recipes")) -> list[Listed]:
    """The recipes in `folder` and below it, by file name, hidden folders such as a workspace left out; the environment
    changes nothing. Raises UsageError where there is no such folder."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="name the folder: aiaas recipe list FOLDER")
    files = sorted(file for file in folder.rglob("*") if file.suffix in SUFFIXES and file.is_file())
    return [_listed(file) for file in files if not any(part[0] == "." for part in file.relative_to(folder).parts)]


def _listed(file: Path) -> Listed:
    command, expect = _head(file)
    try:
        recipe = read(file, environ={})
    except RecipeError as error:
        return Listed(str(file), None, None, None, command, expect, len(error.faults))
    model = f"{recipe.model.backend}/{recipe.model.architecture}"
    return Listed(str(file), recipe.name, recipe.task, model, command, expect)


def _head(file: Path) -> tuple[str | None, str | None]:
    """The first two lines, as far as they are comments."""
    try:
        with file.open("rb") as stream:
            lines = stream.read(_HEAD).decode("utf-8-sig", "replace").splitlines()
    except OSError:
        return None, None
    comments: list[str | None] = []
    for line in lines[:2]:
        if not line.startswith("#"):
            break
        comments.append(line.lstrip("# ").rstrip())
    return (*comments, None, None)[0], (*comments, None, None)[1]
