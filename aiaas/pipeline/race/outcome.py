"""What a race leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiaas.compare import Comparison, Costs
from aiaas.errors import AiaasError
from aiaas.pipeline.race.budget import Round
from aiaas.pipeline.result import Result
from aiaas.recipe import Recipe

_TOLD: tuple[str, ...] = ("run_id", "tracked", "model_digest", "metrics", "gates")


@dataclass(frozen=True, slots=True)
class Finisher:
    """One that took part. `result` is that of its run up to the judgement, `judged` the folder of its evaluation, both
    None where it failed; `costs` say what its training took, and `given` how many seconds a budget gave it, where that
    ended its fit."""

    name: str
    recipe: Recipe
    result: Result | None = None
    judged: Path | None = None
    costs: Costs = field(default_factory=Costs)
    given: int | None = None
    error: AiaasError | None = None

    @property
    def missed(self) -> list[str]:
        """The metrics whose gates it did not meet."""
        return [] if self.result is None else [each["metric"] for each in self.result.gates if not each["met"]]

    def as_dict(self) -> dict[str, Any]:
        said: dict[str, Any] = {"name": self.name, "recipe": str(self.recipe.file) if self.recipe.file else None}
        if self.error:
            return {**said, "error": self.error.as_dict()}
        assert self.result is not None
        told = self.result.as_dict()
        kept = {name: told[name] for name in _TOLD if name in told}
        return {**said, **self.costs.known(), "given_seconds": self.given, **kept}


@dataclass(slots=True)
class Outcome:
    """All that took part, in the order in which they were named, on the rows of the first. `group` is what their runs
    in MLflow have in common; `comparison` is None where fewer than two were judged."""

    group: str
    data: dict[str, Any]
    budget: int | None = None
    rounds: Sequence[Round] = ()
    finishers: list[Finisher] = field(default_factory=list)
    comparison: Comparison | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def standing(self) -> list[Finisher]:
        """Those that did not fail."""
        return [each for each in self.finishers if not each.error]

    @property
    def failed(self) -> list[Finisher]:
        return [each for each in self.finishers if each.error]

    def as_dict(self) -> dict[str, Any]:
        budget = {"budget_seconds": self.budget, "rounds": [each.as_dict() for each in self.rounds]}
        return {
            "group": self.group,
            "data": self.data,
            **(budget if self.budget else {}),
            "recipes": [each.as_dict() for each in self.finishers],
            "comparison": self.comparison.as_dict() if self.comparison else None,
            "notes": self.notes,
        }
