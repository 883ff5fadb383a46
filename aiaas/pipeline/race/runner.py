"""One entrant on its way: fits of so many seconds, and how good the model is on the validation rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from aiaas.errors import AiaasError, Interrupted
from aiaas.pipeline.run import Listener, reach
from aiaas.pipeline.stages import STAGES, Made, Work
from aiaas.pipeline.validation import judged
from aiaas.recipe import Recipe

LIMIT = "time_limit"


@dataclass(slots=True)
class Runner:
    """An entrant and how far it has come: `given` are the seconds that it had so far, `spent` those that its fits took,
    `scores` what its model is worth on the validation rows, by metric. `learning` says that more time would bring it
    on, `last` is the recipe of its last fit."""

    name: str
    work: Work
    last: Recipe
    learning: bool
    given: int = 0
    spent: float = 0.0
    scores: Mapping[str, float] | None = None
    error: AiaasError | None = None

    @classmethod
    def of(cls, name: str, work: Work) -> Runner:
        return cls(name, work, work.recipe, limited(work.recipe, 1) is not None)

    def run(self, made: Made, seconds: int, checkpoints: Path, listener: Listener | None) -> None:
        """Train for `seconds` more, or to the end where the fit knows no limit, and judge what came of it. A failure is
        kept in `error`. Raises Interrupted."""
        own = getattr(self.work.recipe.train, LIMIT, None)
        self.given += seconds
        bounded = self.learning and (own is None or self.given < own)
        short = limited(self.work.recipe, self.given) if bounded else None
        self.last = short or self.work.recipe
        try:
            work = replace(self.work, recipe=self.last, checkpoints=checkpoints)
            fitted, told = reach(work, STAGES["train"], made, None, listener)
            if listener:
                listener.stage_ends(told)
            self.scores = judged(self.work, made, fitted)
        except Exception as error:
            self.learning, self.error = False, failure(error)
            self.spent += seconds
            return
        self.learning = short is not None and bool(fitted.summary["notes"].get("time_limit_reached"))
        # Of a fit that was interrupted only the last part is known; a slice that was used up took what it was given.
        self.spent += max(fitted.seconds, seconds) if self.learning else fitted.seconds

    def score(self, metric: str) -> float | None:
        return None if self.scores is None else self.scores.get(metric)


def limited(recipe: Recipe, seconds: int) -> Recipe | None:
    """The recipe with `train.time_limit`; None where its model knows none."""
    settings = type(recipe.train)
    if LIMIT not in settings.model_fields:
        return None
    try:
        train = settings.model_validate({**recipe.train.model_dump(mode="json"), LIMIT: seconds})
    except ValidationError:  # such as of one that holds all rows, and is told so
        return None
    return recipe.model_copy(update={"train": train})


def failure(error: Exception) -> AiaasError:
    """What a recipe failed of, in a form that can be told; Interrupted is raised again."""
    if isinstance(error, Interrupted):
        raise error
    return error if isinstance(error, AiaasError) else AiaasError(f"a fault of ours: {error!r}")
