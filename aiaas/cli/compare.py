"""`aiaas compare`: runs, models and services on the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aiaas.cli import output
from aiaas.cli.options import JsonOption, OfflineOption, QuietOption, WorkspaceOption, refuse_no_folder
from aiaas.errors import RemoteError, UsageError

if TYPE_CHECKING:
    from aiaas.compare import Comparison, Ground


def compare_command(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="A B...",
            show_default=False,
            help="A run, NAME, NAME@ALIAS, NAME/VERSION, a bundle's folder, or a service's URL each.",
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option("--group", metavar="GROUP", help="All runs of a group, such as a sweep.", show_default=False),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option("--base", metavar="A", help="Hold all against this one, not the first.", show_default=False),
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", help="The main one, not the task's first.", show_default=False)
    ] = None,
    on: Annotated[
        Path | None,
        typer.Option(
            "--on",
            metavar="RECIPE",
            help="Ask them the test rows of this recipe, not those that the first was evaluated on.",
            show_default=False,
        ),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=0, help="Show so many rows that are answered differently.")] = 5,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, help="Seconds that a service has for a request.")
    ] = 30.0,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page as well.", show_default=False)
    ] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    workspace: WorkspaceOption = None,
    offline: OfflineOption = False,
) -> None:
    """Compare models on the same rows: metrics with intervals, tests, agreement, costs; status 8 where a service did
    not answer every row.

    Runs are taken by the scores that their evaluation kept, of rows that all have; models and services are asked.
    """
    from aiaas import compare
    from aiaas import offline as network
    from aiaas.workspace import Workspace

    output.be_quiet(quiet or json)
    if offline:
        network.forbid()
    refuse_no_folder("--html", html)
    space = Workspace.look(workspace)
    models = [*(compare.members(group, space) if group else ()), *(models or ())]
    if base is not None and base not in models and not group:  # of a group the labels will do
        raise UsageError(f"{base!r} is none of those that are compared: {', '.join(models)}", where="--base")
    if len(models) < 2:
        raise UsageError("there is nothing to compare", where=" ".join(models) or None, hint="name two or more")
    ground = _rows_of(on, workspace, offline) if on else None
    subjects = compare.gather(
        models, space, on=ground, metric=metric, timeout=timeout, tell=lambda name: output.say(f"asking {name}")
    )
    first = subjects[models.index(base)].name if base in models else base
    found = compare.compare(subjects, base=first, metric=metric, rows=rows)
    if html:
        from aiaas.workspace import atomic

        with atomic.disk_errors(html):
            atomic.write_text(html, compare.page(found))
    _report(found, json=json)


def _report(found: Comparison, *, json: bool) -> None:
    """Say what was found; RemoteError where some rows were not answered, after the table."""
    from aiaas.cli.comparison import show_comparison

    if not json:
        show_comparison(found)
    if found.failed:
        told = "; ".join(
            f"{each.name}: {sum(each.failed.values()):,} of {each.asked:,} rows"
            for each in found.standings
            if each.failed
        )
        error = RemoteError(f"not all was answered: {told}", hint="no figure is of the rows that failed")
        error.reached = found.as_dict()
        raise error
    if json:
        output.emit_json("compare", **found.as_dict())


def _rows_of(recipe: Path, workspace: Path | None, offline: bool) -> Ground:
    """The test rows of a recipe, which is carried as far as that takes."""
    from aiaas import pipeline
    from aiaas.cli.stages import open_work
    from aiaas.compare import Ground

    work = open_work(recipe, (), workspace, offline=offline, verb="compare")
    keys = {stage.name: stage.key for stage in pipeline.run(work, "preprocess").stages}
    collected, data = (work.workspace.folder(stage, keys[stage]) for stage in ("collect", "preprocess"))
    return Ground.of_rows(collected / "data.arrow", data, work.recipe.task)
