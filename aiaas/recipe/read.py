"""From a file, or from plain values, to a checked recipe."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from aiaas.errors import Fault, RecipeError, UsageError
from aiaas.plugins import nearest
from aiaas.recipe import overrides as outside
from aiaas.recipe import paths
from aiaas.recipe.check import check
from aiaas.recipe.compose import MAX_DEPTH, MAX_VALUES
from aiaas.recipe.document import Document, Place
from aiaas.recipe.models import Recipe
from aiaas.recipe.parse import MAX_BYTES, parse

SUFFIXES = (".yaml", ".yml")


def read(
    path: str | os.PathLike[str], overrides: Iterable[str] = (), environ: Mapping[str, str] | None = None
) -> Recipe:
    """The recipe in a file. `overrides` are texts `PATH=VALUE`; `environ` (default: the process's) may hold
    `AIAAS__PATH=VALUE`. Raises RecipeError with every fault at once."""
    file = Path(path)
    recipe = _finish(parse(content(file), str(file)), overrides, os.environ if environ is None else environ)
    recipe._file, recipe._base = file, file.absolute().parent  # wherever the program goes from here
    return recipe


def from_values(data: Mapping[str, Any], overrides: Iterable[str], *, base: Path, source: str) -> Recipe:
    """See `Recipe.from_dict`."""
    document = Document(source)
    place = Place("given", source, source, source)
    document.places[()] = place
    document.data = _plain(data, (), document, place)
    recipe = _finish(document, overrides, {})
    recipe._base = base
    return recipe


def _finish(document: Document, overrides: Iterable[str], environ: Mapping[str, str]) -> Recipe:
    if isinstance(overrides, str | Mapping):
        hint = 'as in ["model.params.alpha=0.5"]'
        raise UsageError("what is set must be a list of texts PATH=VALUE", where="set", hint=hint)
    outside.apply(document, overrides, environ)
    return check(document)


def content(file: Path) -> bytes:
    """The file's bytes, one more than allowed at most. Raises RecipeError where it cannot be read."""
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        message, hint = "there is no such file", _similar(file)
    except IsADirectoryError:
        message, hint = "is a folder, not a recipe", f"list its recipes: aiaas recipe list {file}"
    except (OSError, ValueError) as error:
        message, hint = f"cannot be read: {getattr(error, 'strerror', None) or error}", None
    raise RecipeError([Fault(str(file), "", message, hint)])


def _similar(file: Path) -> str | None:
    """A recipe with nearly this name, beside it or in ./recipes."""
    found: dict[str, Path] = {}
    for folder in (Path("recipes"), file.parent):
        try:
            found.update({entry.stem: entry for entry in folder.iterdir() if entry.suffix in SUFFIXES})
        except OSError:
            continue
    close = nearest(file.stem, found)
    return f"did you mean {found[close]}?" if close else None


def _plain(value: Any, path: paths.Path, document: Document, place: Place) -> Any:
    """Values from Python as those of a file: lists for tuples, text for paths; anything else is a fault."""
    document.places[path] = place
    if len(path) > MAX_DEPTH or len(document.places) > MAX_VALUES:
        raise RecipeError([Fault(document.source, "", f"holds more than {MAX_VALUES:,} values or {MAX_DEPTH} levels")])
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                document.refuse(path, f"a key must be text, found {type(key).__name__}")
        return {
            key: _plain(inner, (*path, key), document, place) for key, inner in value.items() if isinstance(key, str)
        }
    if isinstance(value, list | tuple):
        return [_plain(inner, (*path, index), document, place) for index, inner in enumerate(value)]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and value - value == 0:
        return value
    kind = "a number that is not finite" if isinstance(value, float) else f"a {type(value).__name__}"
    document.refuse(path, f"a recipe cannot hold {kind}")
    return None
