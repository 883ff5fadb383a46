"""`aiaas cache`: what the workspace holds, why it holds it, and making room."""

from __future__ import annotations

import time
from json import dumps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiaas.cli import output
from aiaas.cli.options import JsonOption, WorkspaceOption

if TYPE_CHECKING:
    from aiaas.workspace import Artefact, Workspace

app = typer.Typer(no_args_is_help=True, help="What the workspace holds: list, explain, make room.")


@app.command("list")
def list_(json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Every artefact: stage, key, size, when it was last used; and how much fits keep that is dear to compute."""
    from aiaas.workspace.gc import cached, kept_for

    space = _look(workspace)
    needed = kept_for(space)
    rows = [_row(space, artefact, needed) for artefact in space]
    dear = sum(cached(space).values())
    if json:
        output.emit_json("cache list", artefacts=rows, bytes=sum(row["bytes"] for row in rows), cached=dear)
        return
    output.table(
        None,
        ("stage", "key", "MB", "last used", "kept for"),
        [
            (row["stage"], row["key"][:12], row["bytes"] / 1e6, _ago(row["used"]), ", ".join(row["kept_for"]))
            for row in rows
        ],
    )
    if dear:
        output.out(f"and {dear / 1e6:.1f} MB of tokens, vectors and the like, which a fit would compute again")


@app.command()
def explain(
    key: Annotated[str, typer.Argument(metavar="KEY", help="A key, or its first characters.")],
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """What an artefact was made from: every input that its key holds."""
    from aiaas.workspace.gc import only

    artefact = only(_look(workspace), key)
    if json:
        output.emit_json(
            "cache explain",
            stage=artefact.stage,
            key=artefact.key,
            path=str(artefact.path),
            inputs=artefact.inputs,
            summary=artefact.summary,
        )
        return
    output.out(f"{artefact.stage} {artefact.key}\n  {artefact.path}\n  made in {artefact.seconds:.1f} s from")
    for path, value in flat(artefact.inputs):
        output.out(f"    {path}: {value if isinstance(value, str) else dumps(value, ensure_ascii=False)}")


@app.command()
def gc(
    older_than: Annotated[
        float, typer.Option("--older-than", metavar="DAYS", min=0, help="Only what was not used for so long.")
    ] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Remove what no recipe's last run and no registered model needs, and tokens and vectors that fits keep."""
    from aiaas.workspace.gc import cached, collect_garbage

    space = _open(workspace)
    dear = cached(space, older_than_days=older_than)
    gone = collect_garbage(space, older_than_days=older_than, dry_run=dry_run)
    freed, dear_freed = sum(artefact.bytes for artefact in gone), sum(dear.values())
    if json:
        output.emit_json(
            "cache gc", removed=[each.key for each in gone], bytes=freed, cached=dear_freed, dry_run=dry_run
        )
        return
    more = f", and {dear_freed / 1e6:.1f} MB of tokens, vectors and the like" if dear else ""
    output.out(f"{'would remove' if dry_run else 'removed'} {len(gone)} artefacts, {freed / 1e6:.1f} MB{more}")


def flat(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """The leaves of nested JSON by dotted path."""
    if isinstance(value, dict) and value:
        return [leaf for name, each in value.items() for leaf in flat(each, f"{path}.{name}" if path else name)]
    if isinstance(value, list) and value:
        return [leaf for index, each in enumerate(value) for leaf in flat(each, f"{path}[{index}]")]
    return [(path, value)]


def _open(workspace: Any) -> Workspace:
    from aiaas.workspace import Workspace

    return Workspace.open(workspace)


def _look(workspace: Any) -> Workspace:
    """For what only reads."""
    from aiaas.workspace import Workspace

    return Workspace.look(workspace)


def _row(space: Workspace, artefact: Artefact, needed: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "stage": artefact.stage,
        "key": artefact.key,
        "bytes": artefact.bytes,
        "used": space.used_at(artefact),
        "kept_for": needed.get(artefact.key, []),
    }


def _ago(moment: float) -> str:
    seconds = time.time() - moment
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return "just now"
