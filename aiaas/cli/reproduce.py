"""`aiaas reproduce`: a run made again from its lock, and what came out otherwise."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aiaas.cli import output
from aiaas.cli.options import JsonOption, OfflineOption, QuietOption, WorkspaceOption, run_ids
from aiaas.errors import RecipeError, UsageError

if TYPE_CHECKING:
    from aiaas.pipeline.lock import Found
    from aiaas.pipeline.reproduce import Reproduction


def reproduce_command(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN|LOCK",
            help="A run by its id or a part of it, or the file of a lock.",
            autocompletion=run_ids,
            show_default=False,
        ),
    ],
    tolerance: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Take metrics this far apart for reproduced, where digests differ; of values above 1, this share of "
            "them.  [default: identical digests]",
            show_default=False,
        ),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where relative paths of the recipe start.  [default: the folder of the recipe]",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    workspace: WorkspaceOption = None,
    offline: OfflineOption = False,
) -> None:
    """Run again what a lock tells of, in a workspace of its own, and compare: status 6 where it comes out otherwise."""
    from aiaas import offline as network
    from aiaas.cli.progress import Lines, show_progress
    from aiaas.cli.training import show_training
    from aiaas.pipeline import lock
    from aiaas.pipeline import reproduce as again
    from aiaas.pipeline.stages import Work
    from aiaas.workspace import Workspace

    output.be_quiet(quiet)
    if offline:
        network.forbid()
    if tolerance is not None and not (math.isfinite(tolerance) and tolerance >= 0):
        raise UsageError(f"--tolerance is a number from 0 on, not {tolerance}")
    if base is not None and not base.is_dir():
        raise UsageError("there is no such folder", where=f"--base {base}")
    found = lock.find(run, Workspace.look(workspace), base)
    recipe = again.recipe_of(found.lock, found.base, str(found.path))
    _warn_of_recipe(found)
    if last := again.ends_early(found.lock):
        output.warn(f"the run of the lock got no further than {last}, and no more than that is made again")
    work = Work(
        recipe,
        Workspace.open(workspace),
        offline,
        verb="reproduce",
        warn=output.warn,
        progress=show_progress(),
        training=show_training(),
    )
    result = again.reproduce(found.lock, work, tolerance=tolerance, listener=Lines())
    show(result)
    again.enforce(result)
    if json:
        output.emit_json("reproduce", **result.as_dict())


def _warn_of_recipe(found: Found) -> None:
    """Tell of a recipe that was changed since; it is the lock's that is run."""
    from aiaas import recipe
    from aiaas.pipeline.lock.differences import of_recipe

    if found.recipe is None:
        return
    try:
        changes = of_recipe(found.lock, recipe.read(found.recipe))
    except RecipeError:
        output.warn(f"{found.recipe} has faults now; it is the lock's recipe that is run")
        return
    if changes:
        told = "; ".join(map(str, changes[:3])) + (f"; and {len(changes) - 3} more" if len(changes) > 3 else "")
        output.warn(f"{found.recipe} says otherwise than the lock, whose recipe is run: {told}")


def show(result: Reproduction) -> None:
    """The comparison as tables on stderr."""
    from aiaas.pipeline.lock.differences import SHOWN, said

    if result.environment:
        rows = [(each.path, *map(said, (each.lock, each.here))) for each in result.environment[:SHOWN]]
        more = len(result.environment) - SHOWN
        output.table("Environment", ("what differs", "lock", "here"), rows, stderr=True)
        if more > 0:
            output.say(f"and {more} more")
    else:
        output.say("the environment is the same")
    for change in result.changes[:SHOWN]:
        output.say(output.wrapped(change))
    stages = [
        (each.name, each.lock[:12], each.here[:12], "identical" if each.same else "OTHER") for each in result.stages
    ]
    output.table("Digests", ("stage", "lock", "here", ""), stages, stderr=True)
    if not result.identical and result.metrics:
        rows = [
            (each.name, *(_number(value) for value in (each.lock, each.here, each.apart))) for each in result.metrics
        ]
        output.table("Metrics", ("metric", "lock", "here", "apart"), rows, stderr=True, right=(1, 2, 3))
    if result.reproduced:
        told = "identical" if result.identical else f"metrics within {result.tolerance:g}"
        output.say(f"reproduced: {told}, in {result.seconds:.1f} s")
    if result.workspace:
        output.say(f"what was made is kept until the next time: {result.workspace}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"
