"""What differs between two recipes, defaults included, so that what is left out and what is said alike are alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiaas.recipe.models import Recipe

ABSENT = object()
"""Stands where a recipe has no such value."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A value by its dotted name, as in `Recipe.flat`; `ABSENT` where one of the recipes has none."""

    path: str
    before: Any
    after: Any

    def as_dict(self) -> dict[str, Any]:
        """With `before` and `after` as far as there are such."""
        values = {"before": self.before, "after": self.after}
        return {"path": self.path, **{name: value for name, value in values.items() if value is not ABSENT}}


def differences(before: Recipe, after: Recipe) -> list[Difference]:
    """Every value in which two recipes differ, in the order of the first, then those that only the second has."""
    old, new = before.flat(), after.flat()
    return [
        Difference(path, old.get(path, ABSENT), new.get(path, ABSENT))
        for path in dict.fromkeys([*old, *new])
        if old.get(path, ABSENT) != new.get(path, ABSENT)
    ]
