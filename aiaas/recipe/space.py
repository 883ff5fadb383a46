"""The search space of a recipe against the recipe itself: every end and every choice must be a value that it takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, product, takewhile
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from aiaas.contracts import Task, metrics_of
from aiaas.errors import Fault, RecipeError
from aiaas.recipe import paths, wording
from aiaas.recipe.document import Document
from aiaas.recipe.tune import COSTS, Dimension, Tune, barred, laid_over
from aiaas.recipe.validate import validated

if TYPE_CHECKING:
    from aiaas.recipe.models import Recipe

_TOGETHER = 64
"""Combinations with the other parameters' values that are looked at before a value is refused."""


def section(given: Mapping[str, Any], task: Task | None, document: Document) -> Tune | None:
    """The section `tune` by itself; every fault goes to the document."""
    found = validated(Tune, given, ("tune",), document)
    if found is None or task is None:
        return found
    allowed = [name for name in metrics_of(task) if name in task.METRICS] + list(COSTS)
    for place, name in enumerate(found.metric):
        if name not in allowed:
            alone = not isinstance(given.get("metric"), list | tuple)
            path: paths.Path = ("tune", "metric") if alone else ("tune", "metric", place)
            wording.note_name("metric", name, allowed, path, document)
    return found


def check(recipe: Recipe, document: Document) -> None:
    """Refuse what names no parameter, what the parameter does not take, and what has no rows to be judged on."""
    tune = recipe.tune
    if tune is None:
        return
    if not (recipe.preprocess.split.validates or any(each.split == "validation" for each in recipe.collect)):
        told = "needs validation rows to judge by, and preprocess.split leaves none"
        document.refuse(("tune",), told, "give preprocess.split.validation a share, such as 0.1")
    base = {name: value for name, value in recipe.written().items() if name != "tune"}
    for name, dimension in tune.space.items():
        path = ("tune", "space", name)
        if why := barred(name) or _meets(name, tune.space):
            document.refuse(path, why, key=True)
        elif fault := _fault(base, tune.space, name, dimension):
            unknown = fault.message.startswith("unknown ")
            told = f"{fault.path or name}: {fault.message}" if unknown or fault.path != name else fault.message
            document.refuse(path, told, fault.hint, key=unknown)


def _meets(name: str, space: Iterable[str]) -> str | None:
    """Why a path is one too many: what it names is searched or a part of it, by one that stands before it."""
    path = paths.parse(name)
    for other in takewhile(lambda each: each != name, space):
        known = () if barred(other) else paths.parse(other)
        if known and path[: len(known)] == known[: len(path)]:
            return f"names the same values as {other}: each can be searched by one path only"
    return None


def _fault(base: Mapping[str, Any], space: Mapping[str, Dimension], name: str, dimension: Dimension) -> Fault | None:
    """Why the recipe does not take one of the values, whatever the other parameters are; None where it takes all."""
    for value in dimension.probes:
        first: Fault | None = None
        for others in islice(_others(space, name), _TOGETHER):
            fault = _refused(base, {**others, name: value})
            if fault is None:
                break
            first = first or fault
        else:
            return first
    return None


def _others(space: Mapping[str, Dimension], name: str) -> Iterator[dict[str, JsonValue]]:
    """What the other parameters may be meanwhile: what they are in the recipe, then what may be chosen."""
    yield {}
    rest = {other: dimension.probes for other, dimension in space.items() if other != name and not barred(other)}
    for values in product(*rest.values()) if rest else ():
        yield dict(zip(rest, values, strict=True))


def _refused(base: Mapping[str, Any], values: Mapping[str, JsonValue]) -> Fault | None:
    from aiaas.recipe.models import Recipe

    try:
        Recipe.from_dict(base, laid_over(values))
    except RecipeError as error:
        return error.faults[0]
    return None
