"""A race within a budget of time: fits in slices, of which each goes on where the one before it ended.

A slice is a training like any other, of the same recipe with a `train.time_limit`, and so an artefact under its own
key: a race that was interrupted finds what it had finished, and goes on with the fit that it was in. Only the
checkpoints are the race's own: they outlive a slice, and are removed when the race is over.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiaas import plugins
from aiaas.errors import DataError, TrainingError, UsageError
from aiaas.pipeline.race import halving
from aiaas.pipeline.race.runner import LIMIT, Runner, failure
from aiaas.pipeline.race.telling import Teller
from aiaas.pipeline.stages import STAGES, Made
from aiaas.workspace import keys

_WORTH = 10
"""A slice that adds less than one part in so many to what a fit had is not worth beginning."""


@dataclass(frozen=True, slots=True)
class Round:
    """What came of a round: the seconds that each fit has had by its end, the score of each, who has learned all that
    its recipe says, and who of the others goes on."""

    seconds: int
    metric: str
    scores: Mapping[str, float | None]
    done: Sequence[str]
    on: Sequence[str]

    def as_dict(self) -> dict[str, Any]:
        return {
            "seconds": self.seconds,
            "metric": self.metric,
            "scores": dict(self.scores),
            "done": list(self.done),
            "on": list(self.on),
        }


@dataclass(slots=True)
class Budget:
    """So many `seconds` of training for the runners, on the rows that `made` holds."""

    seconds: int
    runners: Sequence[Runner]
    made: Made
    teller: Teller
    rounds: list[Round] = field(default_factory=list)

    def spend(self) -> None:
        """Train all as far as the budget carries them; `last` of each runner is then the recipe of a fit that is there,
        unless it has an `error`.

        Raises UsageError for a budget that is too small for one round, DataError where nothing is kept for validation,
        Interrupted.
        """
        self._check()
        place = self._place()
        with self.runners[0].work.workspace.lock(place.name):
            for runner in self._running():
                if not runner.learning:
                    self._run(runner, 0, place)
            while learning := [each for each in self._running() if each.learning]:
                if not self._round(learning, place):
                    break
            shutil.rmtree(place, ignore_errors=True)

    def _round(self, learning: Sequence[Runner], place: Path) -> bool:
        """Train each one slice further and part with the worse half of those that are not done: who is done needs no
        time, and competes with nobody for it. False where no time is left for a round."""
        seconds = halving.share(self.seconds - sum(each.spent for each in self.runners), len(learning))
        had = max(each.given for each in learning)
        if seconds < 1 or seconds * _WORTH < had:
            self._end(learning)
            return False
        for runner in learning:
            self._run(runner, seconds, place)
        scored = [each for each in learning if not each.error]
        metric = self._metric(scored)
        scores = {each.name: each.score(metric) for each in scored}
        done = [each.name for each in scored if not each.learning]
        better = plugins.task(self.runners[0].work.recipe.task).METRICS[metric]
        on = halving.better_half({name: score for name, score in scores.items() if name not in done}, better)
        for runner in learning:
            runner.learning = runner.name in on
        self.rounds.append(Round(had + seconds, metric, scores, done, on))
        self.teller.round(len(self.rounds), self.rounds[-1])
        return True

    def _end(self, learning: Sequence[Runner]) -> None:
        """Nothing is left: who had no time at all has no model either."""
        for runner in learning:
            runner.learning = False
            if not runner.given:
                runner.error = TrainingError(
                    "the others took the whole budget before its turn came", hint="give the race a larger --budget"
                )

    def _run(self, runner: Runner, seconds: int, place: Path) -> None:
        self.teller.begins(runner.name)
        runner.run(self.made, seconds, place / keys.digest_json(runner.name)[:16], self.teller.listener)
        if runner.error:
            self.teller.failed(runner.name, runner.error)

    def _running(self) -> list[Runner]:
        return [each for each in self.runners if not each.error]

    def _metric(self, scored: Sequence[Runner]) -> str:
        """The first metric of the task that all have a number for."""
        names = list(plugins.task(self.runners[0].work.recipe.task).METRICS)
        return next((name for name in names if all(each.score(name) is not None for each in scored)), names[0])

    def _check(self) -> None:
        if not self.made["preprocess"].summary["splits"]["validation"]:
            raise DataError(
                "there are no validation rows to judge a race by",
                where="preprocess.split",
                hint="give validation a share, as 0.1, or leave --budget out",
            )
        count = sum(each.learning for each in self.runners)
        if count and not halving.share(self.seconds, count):
            least = count * halving.rounds(count)
            raise UsageError(
                f"a budget of {self.seconds} s gives each of {count} fits less than a second in each of "
                f"{halving.rounds(count)} rounds",
                where="--budget",
                hint=f"{least} s is the least that can be shared out, and minutes are what a network needs",
            )

    def _place(self) -> Path:
        """Where checkpoints of this race are: the same for the same fits within the same budget. A fit that cannot even
        be begun is out."""
        fits = {}
        for runner in self.runners:
            try:
                inputs = STAGES["train"].inputs(runner.work, self.made)
            except Exception as error:
                runner.error = failure(error)
                self.teller.failed(runner.name, runner.error)
                continue
            fits[runner.name] = {**inputs, "train": {k: v for k, v in inputs["train"].items() if k != LIMIT}}
        what = {"race": self.seconds, "fits": fits}
        return self.runners[0].work.workspace.checkpoints / keys.digest_json(what)
