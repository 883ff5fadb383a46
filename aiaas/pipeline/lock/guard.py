"""A run held to a lock: refused before it begins, before a stage is made, or as soon as one comes out otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiaas.errors import LockError, ReproductionError
from aiaas.pipeline.lock.differences import PLATFORM, listed, of_environment, of_inputs, of_recipe
from aiaas.pipeline.lock.form import Lock
from aiaas.pipeline.lock.surroundings import surroundings
from aiaas.recipe import Recipe
from aiaas.workspace import Artefact

FREE = ("gate", "report")
"""Stages that no lock holds: who is champion decides what the one says, and when things were made what the other."""


class Guard:
    """The lock of `where`. What it raises names everything that differs at once."""

    def __init__(self, lock: Lock, where: Path) -> None:
        self._lock = lock
        self._where = str(where)

    def begin(self, recipe: Recipe) -> list[str]:
        """Refuse where the recipe or what it runs with is another; return what else is, which is no reason to."""
        told = [str(change) for change in of_recipe(self._lock, recipe)]
        found = of_environment(self._lock.environment, surroundings())
        refused = [each for each in found if each.binds]
        self._refuse([*told, *map(str, refused)], elsewhere=any(each.path in PLATFORM for each in refused))
        return [str(each) for each in found if not each.binds]

    def inputs(self, stage: str, key: str, inputs: Mapping[str, Any]) -> None:
        """Refuse a stage whose data, settings, packages or code are not those of the lock."""
        if stage in FREE:
            return
        locked = self._lock.stage(stage)
        if locked is None:
            raise LockError(
                f"the lock knows nothing of {stage}: it ends with {self._lock.stages[-1].name}",
                where=self._where,
                hint="aiaas run RECIPE --lock writes one of all stages",
            )
        if locked.key == key:
            return
        told = of_inputs(stage, locked.inputs, inputs) or ["the stages before it came out otherwise"]
        self._refuse([f"{stage}: {change}" for change in told])

    def outcome(self, artefact: Artefact) -> None:
        """Refuse what was made of the same and came out otherwise. Raises ReproductionError."""
        locked = self._lock.stage(artefact.stage)
        if locked is None or artefact.stage in FREE or locked.digest == artefact.digest:
            return
        raise ReproductionError(
            f"{artefact.stage} made {artefact.digest[:12]} of what {locked.digest[:12]} was made of",
            where=self._where,
            hint="another processor computes in another order; "
            f"aiaas reproduce {self._where} --tolerance 0.001 says how far the metrics are apart",
        )

    def _refuse(self, told: list[str], *, elsewhere: bool = False) -> None:
        if not told:
            return
        hint = "bring back what the lock says, or take a new one: aiaas run RECIPE --lock"
        if elsewhere:
            hint = (
                "a lock holds on the platform that it was taken on: take one here with aiaas run RECIPE --lock; "
                f"aiaas reproduce {self._where} --tolerance 0.001 says how far the metrics are apart"
            )
        one = len(told) == 1
        raise LockError(
            f"{len(told)} {'thing differs' if one else 'things differ'} from the lock{listed(told)}",
            where=self._where,
            hint=hint,
        )
