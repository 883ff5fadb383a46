"""Where a value came from."""

from __future__ import annotations

from typing import Any

from aiaas.recipe import paths
from aiaas.recipe.document import Document

DEFAULT = "default"
_STEPS: paths.Path = ("preprocess", "steps")


def origin(document: Document, path: paths.Path) -> str:
    """`--set`, `environment NAME`, `file:line:column` or `default`."""
    place = document.places.get(path)
    return place.origin if place else DEFAULT


def locate(document: Document, path: paths.Path) -> paths.Path:
    """The path with indexes for `.0` and for the names of steps, as far as the data knows it."""
    here: list[str | int] = []
    value: Any = document.data
    for part in path:
        index: str | int = part
        if isinstance(value, list) and isinstance(part, str):
            index = int(part) if part.isdecimal() else _step(value, part)
            if tuple(here) == _STEPS and isinstance(index, int) and not part.isdecimal():
                here.append(index)
                value, index = value[index], part
        here.append(index)
        try:
            value = value[index]
        except (KeyError, IndexError, TypeError):
            value = None
    return tuple(here)


def _step(steps: list[Any], name: str) -> str | int:
    names = [next(iter(step), None) if isinstance(step, dict) else step for step in steps]
    return names.index(name) if name in names else name
