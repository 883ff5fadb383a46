"""A sweep: the same recipe with each combination of some values, every one a run of its own in one group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aiaas.errors import AiaasError, Interrupted
from aiaas.pipeline.race.runner import failure
from aiaas.pipeline.race.telling import Silent, Teller
from aiaas.pipeline.result import Result
from aiaas.pipeline.run import run
from aiaas.pipeline.stages import STAGES, Work
from aiaas.recipe import Recipe
from aiaas.workspace import keys

_JUDGED = list(STAGES)[list(STAGES).index("deploy") - 1]
"""The last stage: which of them is registered is decided by whoever compares them."""


@dataclass(frozen=True, slots=True)
class Swept:
    """A point of the grid; `result` is None where it failed."""

    label: str
    result: Result | None = None
    error: AiaasError | None = None

    def as_dict(self) -> dict[str, Any]:
        if self.error:
            return {"label": self.label, "error": self.error.as_dict()}
        assert self.result is not None
        return {"label": self.label, **self.result.as_dict()}


@dataclass(slots=True)
class Sweep:
    """All points in their order. `group` is what their runs have in common."""

    group: str
    runs: list[Swept] = field(default_factory=list)

    @property
    def failed(self) -> list[Swept]:
        return [each for each in self.runs if each.error]

    def as_dict(self) -> dict[str, Any]:
        return {"group": self.group, "runs": [each.as_dict() for each in self.runs]}


def sweep(points: Mapping[str, Recipe], work: Work, teller: Teller | None = None) -> Sweep:
    """Carry each recipe, by its label, up to the judgement; gates are told and end nothing. `work` says where and how.

    One that fails is kept with its error, and the others go on. Raises Interrupted, after which the same call goes on.
    """
    tell = teller or Silent()
    done = Sweep(_group(list(points.values())))
    for label, recipe in points.items():
        tell.begins(label)
        own = replace(work, recipe=recipe, group=done.group, label=label, refresh=work.refresh and not done.runs)
        try:
            done.runs.append(Swept(label, run(own, _JUDGED, tell.listener, enforce=False)))
        except Interrupted as error:
            error.reached = done.as_dict()
            raise
        except Exception as error:
            failed = failure(error)
            tell.failed(label, failed)
            done.runs.append(Swept(label, error=failed))
    return done


def _group(recipes: Sequence[Recipe]) -> str:
    """The same for the same grid, whenever it goes on."""
    return f"sweep-{keys.digest_json([each.resolved() for each in recipes])[:10]}"
