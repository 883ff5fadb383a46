"""A search for better settings: trials of one recipe, judged on its validation rows; the test rows stay unseen.

Each trial is the recipe with other values, carried up to its fit: an artefact of the workspace as in a run, so that
stages which a trial does not change are made once, and a fit that was interrupted goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from aiaas import plugins
from aiaas.errors import AiaasError, DataError, Interrupted, TrainingError, UsageError
from aiaas.pipeline.run import Listener, run
from aiaas.pipeline.stages import STAGES, Work
from aiaas.pipeline.tune import keeping
from aiaas.pipeline.tune.objectives import Objective, objectives
from aiaas.pipeline.tune.outcome import Outcome, Trial
from aiaas.pipeline.tune.study import Begun, Search
from aiaas.pipeline.tune.trial import Attempt
from aiaas.recipe import Recipe
from aiaas.track import Run
from aiaas.workspace import Artefact, keys

__all__ = ["Objective", "Outcome", "Teller", "Trial", "tune"]


class Teller(Protocol):
    """Whom a search tells how it goes, from the thread that searches."""

    @property
    def listener(self) -> Listener | None:
        """Told of the stages of what all trials have in common."""

    def begins(self, trial: Begun, outcome: Outcome) -> None: ...
    def ended(self, trial: Trial, outcome: Outcome) -> None: ...


class Silent:
    """Tells nobody."""

    listener = None

    def begins(self, trial: Begun, outcome: Outcome) -> None: ...
    def ended(self, trial: Trial, outcome: Outcome) -> None: ...


def tune(work: Work, *, out: Path | None = None, teller: Teller | None = None) -> Outcome:
    """Try settings from the space of the recipe until there were `trials` of them or time is up, and write the recipe
    with the best ones to `out`, by default beside it.

    Interrupted or killed, the same call goes on; called by several processes at once, they share the trials. Raises
    TrainingError when every trial failed, UsageError without a space, DataError without validation rows, and what would
    fail every trial alike.
    """
    if work.recipe.tune is None:
        hint = "write tune: {space: {model.params.NAME: [..]}} into it"
        raise UsageError("the recipe says nothing to search in", where=work.recipe.where("tune"), hint=hint)
    plugins.require(("optuna",), "a search")
    out = keeping.target(work.recipe, out)
    began = time.perf_counter()
    base = replace(work, recipe=work.recipe.settled(), verb="tune")
    tell = teller or Silent()
    with work.workspace.in_use():
        rows, name = _rows(base, work.recipe, tell)
        base = replace(base, group=name, refresh=False)  # what was fetched for one trial is what all have
        wanted = objectives(work.recipe)
        search = Search.open(work.workspace, name, work.recipe, wanted)
        outcome = Outcome(name, wanted, rows, work.recipe.tune.trials, was=search.own)
        _see(outcome, search)
        kept = _parent(base, work.recipe, name)
        try:
            _search(base, work.recipe, search, outcome, kept, tell)
            outcome.importance = search.importance()
            _write(outcome, work, out, kept)
        except BaseException as error:
            _see(outcome, search)
            _close(outcome, search, kept, "KILLED" if isinstance(error, Interrupted | KeyboardInterrupt) else "FAILED")
            if isinstance(error, AiaasError):
                error.reached = outcome.as_dict()
            raise
        _close(outcome, search, kept, "FINISHED" if outcome.best else "FAILED", work.warn)
    outcome.seconds = round(time.perf_counter() - began, 3)
    _refuse_failed(outcome)
    return outcome


def _rows(base: Work, recipe: Recipe, tell: Teller) -> tuple[int, str]:
    """How many rows judge, and the name of the search: the same for equal rows, values, space and code."""
    made: dict[str, Artefact] = {}
    for stage in run(base, "inspect", tell.listener).stages:
        found = base.workspace.find(stage.name, stage.key)
        assert found is not None
        made[stage.name] = found
    count = int(made["preprocess"].summary["splits"]["validation"])
    if not count:
        raise DataError(
            "there are no validation rows to judge a search by",
            where="preprocess.split",
            hint="give validation a share, as 0.1",
        )
    assert recipe.tune is not None
    what = {
        "recipe": {name: each for name, each in base.recipe.resolved().items() if name not in ("evaluate", "deploy")},
        "train": keys.digest_json(STAGES["train"].inputs(base, made)),
        "judged": keys.digest_code("evaluate", "tasks"),
        **recipe.tune.model_dump(mode="json", include={"space", "metric"}),
    }
    return count, f"tune-{recipe.name}-{keys.digest_json(what)[:10]}"


def _search(base: Work, recipe: Recipe, search: Search, outcome: Outcome, kept: Run, tell: Teller) -> None:
    """Trial after trial, until there is none to be done here."""
    assert recipe.tune is not None
    while (begun := search.next()) is not None:
        try:
            tell.begins(begun, outcome)
            Attempt(begun, base, outcome.wanted, outcome.rows, pruning=recipe.tune.pruning).carry(kept, None)
        finally:
            begun.leave()
        outcome.here += 1
        _see(outcome, search)
        tell.ended(next(each for each in outcome.trials if each.number == begun.number), outcome)


def _see(outcome: Outcome, search: Search) -> None:
    """Take what all processes found by now."""
    outcome.trials = [Trial.of(each, search) for each in search.tried()]


def _parent(base: Work, recipe: Recipe, name: str) -> Run:
    """The run that those of the trials are parts of."""
    kept = Run.start(base.workspace, recipe.name, source=recipe.file, verb="tune")
    kept.params({each: value for each, value in recipe.flat().items() if each.startswith("tune.")})
    kept.text("recipe.yaml", recipe.to_yaml())
    kept.tags({"aiaas.group": name, "aiaas.label": "search"})
    kept.flush()
    return kept


def _write(outcome: Outcome, work: Work, out: Path, kept: Run) -> None:
    """The best settings as a recipe, what was tried as JSON and as a page."""
    best = outcome.best
    if best is None:
        return
    outcome.file = keeping.write_recipe(work.recipe, outcome, out)
    kept.artifact(outcome.file, "best.yaml")
    kept.metrics({f"best.{name}": value for name, value in best.metrics.items()})
    kept.tags({"aiaas.best_trial": best.number})
    outcome.page = keeping.write_page(outcome, work.recipe, work.workspace)
    kept.artifact(outcome.page, "tune.html")


def _close(outcome: Outcome, search: Search, kept: Run, status: str, warn: Callable[[str], None] | None = None) -> None:
    """End the run of the search, and let go of the study."""
    search.close()
    sent = kept.finish(status)  # type: ignore[arg-type]
    outcome.run_id = sent.run_id
    if sent.problem and warn:
        warn(f"tracking: {sent.problem}; the runs are kept here, `aiaas runs sync` sends them later")


def _refuse_failed(outcome: Outcome) -> None:
    """TrainingError where nothing came of any trial."""
    failed = [each for each in outcome.trials if each.state == "failed"]
    if outcome.best or not failed or outcome.count("running"):
        return
    error = TrainingError(
        f"all {len(outcome.trials)} trials failed; the last: {failed[-1].error}",
        where="tune.space",
        hint="change the space or the recipe: with other values the search begins anew",
    )
    error.reached = outcome.as_dict()
    raise error
