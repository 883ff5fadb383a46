"""The search itself: a study of Optuna in SQLite, which outlives its processes and is shared by several.

A trial is begun by one process, which holds its lock as long as it lives. One that was begun and whose lock nobody
holds was left by a process that is gone: whoever comes next goes on with it, under its number and with its settings, so
that none is lost and none is tried twice. What is suggested follows from the trials before and the number alone.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import JsonValue

from aiaas.pipeline.tune.dimensions import inside, suggest, told
from aiaas.pipeline.tune.objectives import Objective
from aiaas.recipe import Recipe, Tune
from aiaas.workspace import Workspace, atomic, keys

FILE = "studies.db"
_WAIT_SECONDS = 60
"""How long a process waits for another one to write."""
_BEFORE_PRUNING = 5
"""Trials that are judged to their end before one is given up halfway."""
_FIRST_STEP = 2
"""The first report that a fit is given up by."""

Values = dict[str, JsonValue]


@dataclass(slots=True)
class Begun:
    """A trial in the hands of this process: `adopted` from one that is gone, or new."""

    number: int
    values: Values
    adopted: bool
    _trial: Any
    _lock: FileLock
    _reported: set[int]
    _began: float = field(default_factory=time.time)

    def report(self, step: int, value: float) -> bool:
        """Note how good the fit is at a step, once; True where it is worse than the others were."""
        if step in self._reported:
            return False
        self._reported.add(step)
        self._trial.report(value, step)
        return bool(self._trial.should_prune())

    def done(self, values: Sequence[float], metrics: Mapping[str, float], key: str) -> None:
        """It was judged: the values of the objectives, all that was measured, and the key of the training."""
        self._note(metrics=dict(metrics), key=key)
        self._trial.study.tell(self._trial, list(values))

    def pruned(self) -> None:
        self._end("PRUNED")

    def failed(self, error: str) -> None:
        self._note(error=error)
        self._end("FAIL")

    def leave(self) -> None:
        """Let go of it, finished or not."""
        self._lock.release()

    def _end(self, state: str) -> None:
        from optuna.trial import TrialState

        self._note()
        self._trial.study.tell(self._trial, state=TrialState[state])

    def _note(self, **told: Any) -> None:
        for name, value in {**told, "spent": [self._began, time.time()]}.items():
            self._trial.set_user_attr(name, value)


class Search:
    """A study and what is searched. Opened by every process that takes part."""

    def __init__(self, study: Any, name: str, recipe: Recipe, space: Workspace) -> None:
        assert recipe.tune is not None
        self.study, self.name = study, name
        self._tune: Tune = recipe.tune
        self._seed, self._space = recipe.seed, space
        self._own = self._of_recipe(recipe)

    @classmethod
    def open(cls, space: Workspace, name: str, recipe: Recipe, wanted: Sequence[Objective]) -> Search:
        """The study of this name, made where it is not there: its first trial is then the recipe as it stands."""
        import optuna
        from sqlalchemy import URL

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        folder = space.root / "tune"
        with atomic.disk_errors(folder), space.lock("tune"):
            folder.mkdir(exist_ok=True)
            url = URL.create("sqlite", database=str(folder / FILE)).render_as_string()
            storage = optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": {"timeout": _WAIT_SECONDS}})
            study = optuna.create_study(
                study_name=name,
                storage=storage,
                directions=["maximize" if each.better == "higher" else "minimize" for each in wanted],
                pruner=optuna.pruners.MedianPruner(_BEFORE_PRUNING, _FIRST_STEP, n_min_trials=_BEFORE_PRUNING),
                load_if_exists=True,
            )
            search = cls(study, name, recipe, space)
            if search._own is not None and not study.get_trials(deepcopy=False):
                study.enqueue_trial(search._own)
        return search

    def next(self) -> Begun | None:
        """A trial that another process left, else a new one, unless there were enough of them, or time is up."""
        from optuna.trial import Trial, TrialState

        with self._space.lock(self.name):
            there = self.study.get_trials(deepcopy=False)
            for each in there:
                if each.state != TrialState.RUNNING or (lock := self._hold(each.number)) is None:
                    continue
                self._sample(each.number)
                left = Trial(self.study, each._trial_id)
                now = self.study.get_trials(deepcopy=False)[each.number]
                if now.state == TrialState.RUNNING:
                    return Begun(each.number, self._values(left), True, left, lock, set(now.intermediate_values))
                lock.release()  # it was finished, and let go of, just now
            begun = sum(each.state != TrialState.WAITING for each in there)
            limit = self._tune.time_limit
            if begun >= self._tune.trials or (limit is not None and spent(there) >= limit):
                return None
            self._sample(begun)
            new = self.study.ask()
            lock = self._hold(new.number)
            assert lock is not None
            return Begun(new.number, self._values(new), False, new, lock, set())

    @property
    def own(self) -> Values | None:
        """What the recipe itself says, as it would be tried; None where the space does not have it."""
        return None if self._own is None else self.settings(self._own)

    def close(self) -> None:
        """Let go of the database."""
        storage = self.study._storage
        backend = getattr(storage, "_backend", storage)
        backend.remove_session()
        backend.engine.dispose()

    def tried(self) -> list[Any]:
        """Every trial that was begun, as Optuna keeps it."""
        from optuna.trial import TrialState

        return [each for each in self.study.get_trials() if each.state != TrialState.WAITING]

    def settings(self, params: Mapping[str, Any]) -> Values:
        """What a trial tried, as the recipe takes it; those that it has."""
        return {name: told(self._tune.space[name], value) for name, value in params.items()}

    def importance(self) -> dict[str, float]:
        """What share each parameter has in whether a trial is among the best, by PED-ANOVA; {} of too few trials."""
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
        from optuna.trial import TrialState

        count = len(self.study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]))
        if count < 2 * _BEFORE_PRUNING:
            return {}
        best = PedAnovaImportanceEvaluator(target_quantile=max(0.1, _BEFORE_PRUNING / count))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that all trials are equally good shows in the result
            found = get_param_importances(self.study, evaluator=best)
        return {name: round(share, 4) for name, share in found.items()}

    # --- one trial ------------------------------------------------------------------------------------------------

    def _hold(self, number: int) -> FileLock | None:
        """The lock of a trial; None where another process has it."""
        lock = FileLock(self._space.locks / f"{self.name}.{number}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            return None
        return lock

    def _sample(self, number: int) -> None:
        """Suggest by a sampler that begins anew with every trial: after an interruption it suggests what it would have
        suggested without."""
        from optuna.samplers import TPESampler

        self.study.sampler = TPESampler(seed=int(keys.digest_json([self.name, self._seed, number])[:8], 16))

    def _values(self, trial: Any) -> Values:
        return self.settings({name: suggest(trial, name, each) for name, each in self._tune.space.items()})

    def _of_recipe(self, recipe: Recipe) -> dict[str, Any] | None:
        """What the recipe itself says, as Optuna takes it; None where that is not in the space."""
        said = recipe.flat()
        found = {name: inside(each, said[name]) for name, each in self._tune.space.items() if name in said}
        return None if len(found) < len(self._tune.space) or None in found.values() else found


def spent(trials: Sequence[Any]) -> float:
    """Seconds in which at least one trial went on, however many did."""
    total, until = 0.0, 0.0
    for begin, end in sorted(each.user_attrs["spent"] for each in trials if "spent" in each.user_attrs):
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total


def place(space: Workspace, name: str) -> Path:
    """The folder of what a search found."""
    return space.root / "tune" / name
