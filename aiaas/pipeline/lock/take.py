"""A lock made of what a run made."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiaas.pipeline.lock.form import Environment, Lock, LockedRecipe, LockedStage, Metric
from aiaas.pipeline.lock.surroundings import git, surroundings
from aiaas.pipeline.stages.work import Work
from aiaas.track import environment
from aiaas.track.values import finite, flatten
from aiaas.workspace import Artefact, keys


def take(work: Work, made: Mapping[str, Artefact], *, run: str | None = None, here: Environment | None = None) -> Lock:
    """The lock of what the stages made, in their order; `run` is the id of the run that made them, `here` what it was
    made with, where that is known already."""
    recipe = work.recipe.settled()  # a search is no part of a run
    values = recipe.resolved()
    folder = (recipe.file.parent if recipe.file else recipe.base).absolute()
    return Lock(
        written=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        run=run,
        verb=work.verb,
        recipe=LockedRecipe(
            name=recipe.name,
            file=_file(recipe.file.absolute()) if recipe.file else None,
            rows_base=os.path.relpath(work.rows_base, recipe.base) if work.rows_base else None,
            digest=keys.digest_json(values),
            values=values,
        ),
        seeds={path: value for path, value in flatten(values) if _is_seed(path, value)},
        stages=[
            LockedStage(name=each.stage, key=each.key, digest=each.digest, inputs=dict(each.inputs))
            for each in made.values()
        ],
        metrics=numbers(made["evaluate"].summary["metrics"]) if "evaluate" in made else {},
        model_digest=made["train"].summary["model_digest"] if "train" in made else None,
        environment=here or surroundings(),
        git=git(folder),
    )


def of_keys(work: Work, stages: Mapping[str, str]) -> Lock:
    """The lock of what is in the workspace under these keys, by stage."""
    made = {name: work.workspace.find(name, key) for name, key in stages.items()}
    return take(work, {name: each for name, each in made.items() if each})


def numbers(metrics: Mapping[str, Any]) -> dict[str, Metric]:
    """The metrics of all test rows, without counts and what is told of classes, slices and intervals; what JSON does
    not have is a word."""
    kept = {name: value for name, value in metrics.items() if value is None or isinstance(value, float)}
    return {name: None if value is None else finite(float(value)) for name, value in kept.items()}


def _is_seed(path: str, value: Any) -> bool:
    return path.rpartition(".")[2] == "seed" and isinstance(value, int)


def _file(file: Path) -> str:
    """From the top of the repository, so that it is the same wherever that is checked out."""
    top = environment.top(file.parent)
    resolved = file.resolve()
    return resolved.relative_to(top).as_posix() if top and resolved.is_relative_to(top) else file.name
