"""`aiaas runs`: what was run in this workspace, taking it away or along, and sending to MLflow what is not there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aiaas.cli import output, watch
from aiaas.cli.options import JsonOption, RunArgument, WorkspaceOption, look, refuse_no_folder, run_ids
from aiaas.errors import RemoteError

if TYPE_CHECKING:
    from aiaas.track.history import Past
    from aiaas.workspace import Workspace

Status = Literal["running", "finished", "failed", "killed"]

app = typer.Typer(no_args_is_help=True, help="What was run here: list, show, follow, delete, export, send to MLflow.")


@app.command("list")
def list_(
    recipe: Annotated[
        str | None, typer.Option("--recipe", metavar="NAME", help="Only those of the recipe.", show_default=False)
    ] = None,
    status: Annotated[Status | None, typer.Option("--status", help="Only these.", show_default=False)] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="At most so many.", show_default=False)
    ] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """The runs, the newest first."""
    from aiaas.track import history

    space = look(workspace)
    found = [run for run in history.runs(space) if recipe in (None, run.name) and status in (None, run.status.lower())][
        :limit
    ]
    if json:
        output.emit_json("runs list", runs=[run.as_dict() for run in found])
    elif not found:
        output.say(f"no {'such ' if recipe or status else ''}run in {space.root}")
    else:
        columns = ("run", "recipe", "s", "status", "MLflow", "metric")
        output.table(None, columns, [_row(run) for run in found])


@app.command()
def show(
    run: RunArgument,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """One run: settings, data, metrics, what it kept and registered."""
    from aiaas.track import history

    past = history.find(look(workspace), run)
    # The last value of every metric, the one of a training step and the final one alike.
    fields = {**past.as_dict(), **history.details(past), "folder": str(past.folder)}
    if json:
        output.emit_json("runs show", **fields)
    else:
        output.out("\n".join(describe(past, fields)))


app.command("logs")(watch.logs)
app.command("watch")(watch.watch)


@app.command()
def delete(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="The runs, as for show.", autocompletion=run_ids, show_default=False),
    ],
    unsent: Annotated[bool, typer.Option("--unsent", help="Also what MLflow does not have.")] = False,
    mlflow: Annotated[bool, typer.Option("--mlflow", help="In MLflow too, where it can be restored.")] = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Take runs away: all that are named, or none. What they registered stays."""
    from aiaas.track import history, removal

    space = look(workspace)
    found = list({past.id: past for past in (history.find(space, each) for each in runs)}.values())
    removal.delete(space, found, unsent=unsent, mlflow=mlflow)
    if json:
        output.emit_json("runs delete", deleted=[past.id for past in found], mlflow=mlflow)
    for past in found if not json else ():
        output.out(f"{past.id}  deleted")


@app.command()
def export(
    run: RunArgument,
    to: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The ZIP file.  [default: RUN.zip]", show_default=False),
    ] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """A run as one ZIP file: what `show` tells, its journal, events, environment and what it kept."""
    from aiaas.track import export, history

    past = history.find(look(workspace), run)
    file = to or Path(f"{past.id}.zip")
    refuse_no_folder("--output", file)
    size = export.export(past, file)
    if json:
        output.emit_json("runs export", id=past.id, file=str(file), bytes=size)
    else:
        output.out(str(file))


@app.command()
def sync(json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Send to MLflow every run, model and alias that it does not have yet."""
    from aiaas.track import history

    answers = history.sync(_open(workspace))
    sent = [answer for answer in answers if answer["tracked"]]
    kept = [answer for answer in answers if not answer["tracked"]]
    if not json:
        for answer in answers:
            name = answer.get("id", "aliases")
            output.out(
                f"{name}  sent as {answer['run_id']}" if answer["tracked"] else f"{name}  kept: {answer['problem']}"
            )
        if not answers:
            output.out("everything is sent")
    if failed := [answer for answer in kept if answer["problem"] != "it is still running"]:
        raise RemoteError(
            f"{len(failed)} of {len(answers)} could not be sent: {failed[0]['problem']}",
            hint="check MLFLOW_TRACKING_URI, then run the same command again",
        )
    if json:
        output.emit_json("runs sync", sent=sent, kept=kept)


def describe(past: Past, fields: dict[str, Any]) -> Sequence[str]:
    """A run in lines for a person."""
    tracked = past.run_id or "no"
    lines = [
        f"{past.id}  {past.status}",
        f"  recipe    {past.name}" + (f"  ({past.source})" if past.source else ""),
        f"  started   {when(past.started)}" + (f", {past.seconds:.1f} s" if past.seconds is not None else ""),
        f"  in MLflow {tracked}" + (f": {past.problem}" if past.problem else ""),
        f"  folder    {past.folder}",
    ]
    for title in ("metrics", "params", "tags"):
        lines += [f"  {title}", *(f"    {name}: {value}" for name, value in sorted(fields[title].items()))]
    lines += ["  data", *(f"    {each['name']} {each['digest'][:12]}  {each['source']}" for each in fields["datasets"])]
    lines += ["  kept", *(f"    {name}" for name in fields["artifacts"])]
    return [*lines, *(f"  registered {each['name']} {each['digest'][:12]}" for each in past.models)]


def when(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


def _row(run: Past) -> tuple[object, ...]:
    seconds = None if run.seconds is None else f"{run.seconds:.1f}"
    return run.id, run.name, seconds, run.status, "yes" if run.tracked else "no", _judged(run)


def _judged(run: Past) -> str:
    """The first metric: the number of rows is none, nor is what a single class reached."""
    flat = (pair for pair in run.metrics.items() if pair[0] != "rows" and "." not in pair[0])
    return next((f"{name} {value:.4g}" for name, value in flat if isinstance(value, float)), "")


def _open(workspace: Path | None) -> Workspace:
    from aiaas.workspace import Workspace

    return Workspace.open(workspace)
