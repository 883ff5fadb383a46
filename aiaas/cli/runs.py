"""`aiaas runs`: what was run in this workspace, and sending to MLflow what is not there yet."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiaas.cli import output
from aiaas.cli.options import JsonOption, WorkspaceOption
from aiaas.errors import RemoteError

if TYPE_CHECKING:
    from pathlib import Path

    from aiaas.track.history import Past
    from aiaas.workspace import Workspace

app = typer.Typer(no_args_is_help=True, help="What was run here: list, show, send to MLflow.")


@app.command("list")
def list_(json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Every run, the newest first."""
    from aiaas.track import history

    found = history.runs(_look(workspace))
    if json:
        output.emit_json("runs list", runs=[run.as_dict() for run in found])
    else:
        columns = ("run", "recipe", "s", "status", "MLflow", "metric")
        output.table(None, columns, [_row(run) for run in found])


@app.command()
def show(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Its id here or in MLflow, or the last characters of it.")],
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """One run: settings, data, metrics, what it kept and registered."""
    from aiaas.track import history

    past = history.find(_look(workspace), run)
    # The last value of every metric, the one of a training step and the final one alike.
    fields = {**past.as_dict(), **history.details(past), "folder": str(past.folder)}
    if json:
        output.emit_json("runs show", **fields)
    else:
        output.out("\n".join(describe(past, fields)))


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


def _look(workspace: Path | None) -> Workspace:
    """For what only reads."""
    from aiaas.workspace import Workspace

    return Workspace.look(workspace)
