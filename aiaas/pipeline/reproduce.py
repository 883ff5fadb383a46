"""A run made again from its lock, in a workspace of its own, and held against what the lock says came of it."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiaas.errors import LockError, ReproductionError
from aiaas.pipeline.lock import Lock, LockedStage
from aiaas.pipeline.lock.differences import Difference, of_environment, of_git, of_inputs
from aiaas.pipeline.lock.form import Metric
from aiaas.pipeline.lock.guard import FREE
from aiaas.pipeline.lock.surroundings import git, surroundings
from aiaas.pipeline.lock.take import numbers
from aiaas.pipeline.run import Listener, reach
from aiaas.pipeline.stages import STAGES, Stage, Work
from aiaas.recipe import Recipe
from aiaas.workspace import Artefact, Workspace, atomic, keys
from aiaas.workspace.gc import REPRODUCED


@dataclass(frozen=True, slots=True)
class Compared:
    """A stage by the digests of what it made."""

    name: str
    lock: str
    here: str

    @property
    def same(self) -> bool:
        return self.lock == self.here

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "lock": self.lock, "here": self.here, "same": self.same}


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric of the test rows, then and now; None where it has no value, or is missing on that side."""

    name: str
    lock: float | None
    here: float | None

    @property
    def apart(self) -> float | None:
        """How far: absolute up to a value of one, beyond that as a share of the value; None where one has none."""
        if self.lock is None or self.here is None:
            return 0.0 if self.lock is self.here else None
        if self.lock == self.here or (math.isnan(self.lock) and math.isnan(self.here)):
            return 0.0
        far = abs(self.here - self.lock) / max(1.0, abs(self.lock))
        return far if math.isfinite(far) else None

    def within(self, tolerance: float) -> bool:
        return self.apart is not None and self.apart <= tolerance

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "lock": _plain(self.lock), "here": _plain(self.here), "apart": self.apart}


@dataclass(slots=True)
class Reproduction:
    """What came of it. `environment` is what differs there, `changes` what else stages were made of otherwise, such as
    data and code; `workspace` holds what was made where that is not the same, else it is gone."""

    recipe: str
    run: str | None
    tolerance: float | None
    environment: list[Difference]
    changes: list[str] = field(default_factory=list)
    stages: list[Compared] = field(default_factory=list)
    metrics: list[Measured] = field(default_factory=list)
    workspace: Path | None = None
    seconds: float = 0.0

    @property
    def identical(self) -> bool:
        """Whether every stage made what it had made."""
        return all(each.same for each in self.stages)

    @property
    def reproduced(self) -> bool:
        """Identical, or with every metric within the tolerance, where one is allowed."""
        if self.identical or self.tolerance is None:
            return self.identical
        return bool(self.metrics) and all(each.within(self.tolerance) for each in self.metrics)

    def as_dict(self) -> dict[str, Any]:
        return {
            "recipe": self.recipe,
            "run_id": self.run,
            "reproduced": self.reproduced,
            "identical": self.identical,
            "tolerance": self.tolerance,
            "environment": [each.as_dict() for each in self.environment],
            "changes": self.changes,
            "stages": [each.as_dict() for each in self.stages],
            "metrics": [each.as_dict() for each in self.metrics],
            "workspace": str(self.workspace) if self.workspace else None,
            "seconds": self.seconds,
        }


def recipe_of(lock: Lock, base: Path, source: str) -> Recipe:
    """The recipe that a lock holds; its relative paths start in `base`. Raises LockError for values that were altered,
    RecipeError for a recipe that this version does not take."""
    if keys.digest_json(lock.recipe.values) != lock.recipe.digest:
        raise LockError("the recipe in it was altered: its digest is another", where=source)
    return Recipe.from_dict(lock.recipe.values, base=base, source=source)


def ends_early(lock: Lock) -> str | None:
    """The last stage that the run of a lock came to, where it failed, was stopped or missed a gate before that which
    its verb is for; else None."""
    wanted = "deploy" if lock.verb == "run" else lock.verb
    return lock.stages[-1].name if wanted in STAGES and lock.stage(wanted) is None else None


def reproduce(
    lock: Lock, work: Work, *, tolerance: float | None = None, listener: Listener | None = None
) -> Reproduction:
    """Make again what the lock tells of, and compare. `work.recipe` is `recipe_of` the lock, and `work.workspace` that
    of the project: of it only what was downloaded is used; nothing is tracked or registered.

    Raises what the stages raise. Interrupted or killed, the same call goes on; one that came to its end is made anew.
    """
    started = time.perf_counter()
    stages = _stages(lock)
    name = keys.digest_json(lock.model_dump(mode="json"))[:16]
    folder = work.recipe.base.absolute()
    apart = [*of_environment(lock.environment, surroundings()), *of_git(lock.git, git(folder))]
    result = Reproduction(lock.recipe.name, lock.run, tolerance, apart)
    with work.workspace.in_use(), work.workspace.lock(f"reproduced-{name}"):
        space = _own(work.workspace, work.workspace.reproduced / name)
        rows_base = work.recipe.base / lock.recipe.rows_base if lock.recipe.rows_base else None
        made = _made(stages, replace(work, workspace=space, verb="reproduce", rows_base=rows_base), listener)
        result.stages = [Compared(each, _locked(lock, each).digest, made[each].digest) for each in made]
        result.changes = _changes(lock, made)
        result.metrics = _measured(lock, made)
        result.seconds = round(time.perf_counter() - started, 3)
        if result.identical:
            shutil.rmtree(space.root)
        else:
            result.workspace = space.root
            atomic.write_json(space.root / REPRODUCED, result.as_dict())
    return result


def enforce(result: Reproduction) -> None:
    """Raises ReproductionError where it was not reproduced; `reached` holds the whole comparison."""
    if result.reproduced:
        return
    other = [each.name for each in result.stages if not each.same]
    message = f"not reproduced: {other[0]} came out otherwise"
    far = [each for each in result.metrics if result.tolerance is not None and not each.within(result.tolerance)]
    if far:
        message += f"; {', '.join(each.name for each in far)} not within {result.tolerance:g}"
    advice = []
    if any(each.binds for each in result.environment) or result.changes:
        advice.append("bring back what the lock says: what differs stands above")
    if result.tolerance is None and result.metrics:
        advice.append("--tolerance 0.001 takes metrics that far apart for reproduced")
    hint = "; ".join(advice) or None
    error = ReproductionError(message, where=str(result.workspace), hint=hint)
    error.reached = result.as_dict()
    raise error


def _stages(lock: Lock) -> Sequence[Stage]:
    """Those to be made again. Raises LockError where the lock lacks one of them."""
    names = {each.name for each in lock.stages}
    known = [name for name in STAGES if name in names]
    if not known or names - set(STAGES):
        raise LockError(f"it names stages that there are not: {', '.join(sorted(names - set(STAGES)))}")
    needed = [STAGES[name] for name in list(STAGES)[: list(STAGES).index(known[-1]) + 1] if name not in FREE]
    if missing := [each.name for each in needed if each.name not in names]:
        raise LockError(f"it is a damaged lock: it lacks {', '.join(missing)}")
    return needed


def _own(project: Workspace, root: Path) -> Workspace:
    """A workspace for what is made again, without what an earlier reproduction finished; what was downloaded is read
    where it is, since it is what the run was made of and not what it made."""
    if (root / REPRODUCED).exists():
        shutil.rmtree(root)
    space = Workspace.open(root)
    space.downloads = project.downloads
    return space


def _made(stages: Sequence[Stage], work: Work, listener: Listener | None) -> dict[str, Artefact]:
    work.recipe.sources()
    made: dict[str, Artefact] = {}
    with work.workspace.in_use():
        for stage in stages:
            made[stage.name], told = reach(work, stage, made, None, listener)
            if listener:
                listener.stage_ends(told)
    return made


def _locked(lock: Lock, name: str) -> LockedStage:
    found = lock.stage(name)
    assert found is not None
    return found


def _changes(lock: Lock, made: Mapping[str, Artefact]) -> list[str]:
    return [
        f"{name}: {change}"
        for name, artefact in made.items()
        for change in of_inputs(name, _locked(lock, name).inputs, artefact.inputs)
    ]


def _measured(lock: Lock, made: Mapping[str, Artefact]) -> list[Measured]:
    if "evaluate" not in made:
        return []
    here = numbers(made["evaluate"].summary["metrics"])
    names = dict.fromkeys([*lock.metrics, *here])
    return [Measured(name, _number(lock.metrics.get(name)), _number(here.get(name))) for name in names]


def _number(value: Metric) -> float | None:
    return None if value is None else float(value)


def _plain(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(value)
