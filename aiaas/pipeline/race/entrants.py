"""Several recipes as entrants of one race: each has its own model, all have the rows of the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiaas.errors import UsageError
from aiaas.pipeline.differences import differences
from aiaas.recipe import Recipe

_OF_DATA = ("seed", "collect", "preprocess", "inspect")
"""What of a recipe decides the rows and their split."""
_OF_MODEL = ("gates", "calibrate", "thresholds")
"""What under `evaluate` belongs to a model; how all are judged is the first recipe's."""
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Entrant:
    """A recipe as it takes part: with the data of the first. `other` says in which of its own values it differs from
    that, by their dotted paths."""

    name: str
    recipe: Recipe
    other: Sequence[str] = ()

    def told(self, first: Entrant) -> str | None:
        """That its data is not what its recipe says; None where it is."""
        if not self.other:
            return None
        more = f" and {len(self.other) - _SHOWN} more" if len(self.other) > _SHOWN else ""
        said = ", ".join(self.other[:_SHOWN]) + more
        return f"{self.name} says something else of the data ({said}); here it has that of {first.name}"


def entrants(recipes: Sequence[Recipe]) -> list[Entrant]:
    """The recipes with the data of the first, under names that tell them apart.

    Raises UsageError where there are fewer than two, where two are the same, or where they are of different tasks.
    """
    if len(recipes) < 2:
        raise UsageError("a race needs two recipes at least", hint="for one there is `aiaas run`")
    first, *others = recipes
    for each in others:
        if each.task != first.task:
            raise UsageError(
                f"{each.name} is for {each.task} and {first.name} for {first.task}: what they give cannot be compared",
                where=each.where("task"),
                hint="race recipes of one task",
            )
    found = [
        Entrant(name, _with_rows_of(first, each), _other(first, each))
        for name, each in zip(_names(recipes), recipes, strict=True)
    ]
    for place, one in enumerate(found):
        for two in found[:place]:
            if _model(one.recipe) == _model(two.recipe):
                raise UsageError(
                    f"{two.name} and {one.name} say the same of the model and its training",
                    hint="leave one out, or change what they are to be compared in",
                )
    return found


def _with_rows_of(first: Recipe, own: Recipe) -> Recipe:
    if own is first:
        return own
    judged = first.evaluate.model_copy(
        update={name: getattr(own.evaluate, name) for name in _OF_MODEL if name in type(own.evaluate).model_fields}
    )
    return own.model_copy(update={"evaluate": judged, **{name: getattr(first, name) for name in _OF_DATA}})


def _other(first: Recipe, own: Recipe) -> Sequence[str]:
    """What `own` says otherwise of the rows. How a source is described does not change them."""
    ours, theirs = (_rows(recipe) for recipe in (first, own))
    if first.base.resolve() != own.base.resolve() and any(":" not in source.source for source in own.collect):
        return ("the folder of its files", *(each.path for each in differences(ours, theirs)))
    return tuple(each.path for each in differences(ours, theirs))


def _rows(recipe: Recipe) -> dict[str, object]:
    said = {name: value for name, value in recipe.resolved().items() if name in _OF_DATA}
    for source in said["collect"]:
        source.pop("licence", None)
    return said


def _model(recipe: Recipe) -> dict[str, object]:
    said = recipe.resolved()
    return {"base": str(recipe.base.resolve()), "model": said["model"], "train": said["train"]}


def _names(recipes: Sequence[Recipe]) -> list[str]:
    """The names of the recipes; where two have the same, those of their files, or else their number behind it."""
    names = [recipe.name for recipe in recipes]
    files = [recipe.file.stem if recipe.file else recipe.name for recipe in recipes]
    for place, name in enumerate(names):
        if [recipe.name for recipe in recipes].count(name) > 1:
            names[place] = files[place]
    return [name if names.count(name) == 1 else f"{name} ({place})" for place, name in enumerate(names, 1)]
