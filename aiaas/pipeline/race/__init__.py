"""Several recipes trained on one and the same split: collected and preprocessed once, judged on the same rows.

The rows are those of the first recipe; each has its own model and its own training. Everything is an artefact of the
workspace as in a run, so that a race that was interrupted goes on, and a recipe that is raced twice is trained once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aiaas.compare import Comparison, Costs, compare, of_evaluation
from aiaas.compare.comparison import SAMPLES
from aiaas.errors import DataError, Interrupted
from aiaas.pipeline.race.budget import Budget, Round
from aiaas.pipeline.race.entrants import Entrant, entrants
from aiaas.pipeline.race.outcome import Finisher, Outcome
from aiaas.pipeline.race.runner import Runner, failure
from aiaas.pipeline.race.telling import Silent, Teller
from aiaas.pipeline.result import Result
from aiaas.pipeline.run import run
from aiaas.pipeline.stages import STAGES, Work
from aiaas.recipe import Recipe
from aiaas.workspace import Artefact, keys

__all__ = ["Budget", "Finisher", "Outcome", "Round", "Teller", "race"]

_DATA = "inspect"
"""The last stage that all have in common."""
_JUDGED = list(STAGES)[list(STAGES).index("deploy") - 1]
"""The last stage of a race: what is registered is decided by whoever reads its table."""

RESPECTS = ("training_seconds", "size_mb")
"""What it costs to have a model, as far as training tells."""


def race(recipes: Sequence[Recipe], work: Work, *, budget: int | None = None, teller: Teller | None = None) -> Outcome:
    """Train all on the rows of the first and judge them on its test rows; with a `budget` in seconds of training,
    shared out by successive halving. `work` says where and how; its recipe counts for nothing.

    A recipe that fails is told and kept in its `error`; the others go on. Raises UsageError for what cannot be raced,
    what collecting and preprocessing the rows raise, and Interrupted, after which the same call goes on.
    """
    tell = teller or Silent()
    field = entrants(recipes)
    first = field[0]
    outcome = Outcome(_group(field, budget), {}, budget)
    for each in field:
        if told := each.told(first):
            outcome.notes.append(told)
            tell.warn(told)
    base = replace(work, recipe=first.recipe, verb="race", rows_base=first.recipe.base, group=outcome.group)
    try:
        _carry(outcome, field, base, tell)
    except Interrupted as error:
        error.reached = outcome.as_dict()
        raise
    return outcome


def _carry(outcome: Outcome, field: Sequence[Entrant], base: Work, tell: Teller) -> None:
    """The rows, then all fits, then all judgements; what came of them is in `outcome` as soon as it is there."""
    with base.workspace.in_use():
        data = run(base, _DATA, tell.listener)
        outcome.data = data.data
        made = _made(base, data)
        base = replace(base, refresh=False)  # what was fetched for the first is what all have
        runners = [Runner.of(each.name, replace(base, recipe=each.recipe)) for each in field]
        if outcome.budget is not None:
            spender = Budget(outcome.budget, runners, made, tell)
            outcome.rounds = spender.rounds
            spender.spend()
        for runner in runners:
            outcome.finishers.append(_finish(runner, made, tell))
        outcome.comparison = _compared(outcome.standing, field[0].recipe)


def _group(field: Sequence[Entrant], budget: int | None) -> str:
    """A name for the runs of this race, the same whenever it goes on."""
    return f"race-{keys.digest_json([budget, *(each.recipe.resolved() for each in field)])[:10]}"


def _made(work: Work, result: Result) -> dict[str, Artefact]:
    made = {}
    for stage in result.stages:
        found = work.workspace.find(stage.name, stage.key)
        assert found is not None
        made[stage.name] = found
    return made


def _compared(standing: Sequence[Finisher], first: Recipe) -> Comparison | None:
    """All that were judged against the first of them; None where that is the only one."""
    if len(standing) < 2:
        return None
    subjects = [of_evaluation(each.name, each.judged, each.costs) for each in standing if each.judged]
    intervals = first.evaluate.intervals
    samples = intervals.samples or SAMPLES
    return compare(subjects, respects=RESPECTS, level=intervals.level, samples=samples, seed=first.seed)


def _finish(runner: Runner, made: dict[str, Artefact], tell: Teller) -> Finisher:
    """The run of an entrant, with what its fit of the budget left where there was one, up to the judgement."""
    recipe = runner.work.recipe
    if runner.error:
        return Finisher(runner.name, recipe, error=runner.error)
    tell.begins(runner.name)
    work = replace(runner.work, recipe=runner.last)
    try:
        result = run(work, _JUDGED, tell.listener, enforce=False)
        mine = _made(work, result)
        if mine["preprocess"].digest != made["preprocess"].digest:
            raise DataError("the data changed during the race", hint="run the same command again")
    except Exception as error:
        told = failure(error)
        tell.failed(runner.name, told)
        return Finisher(runner.name, recipe, error=told)
    return Finisher(
        runner.name,
        runner.last,
        result,
        mine["evaluate"].path,
        Costs(
            size_mb=_bytes(mine["train"], "model/") / 1e6,
            training_seconds=round(runner.spent or mine["train"].seconds, 3),
        ),
        runner.given if runner.last is not recipe else None,
    )


def _bytes(artefact: Artefact, folder: str) -> int:
    return sum(size for name, size in artefact.sizes.items() if name.startswith(folder))
