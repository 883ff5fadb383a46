"""`aiaas audit`: who asked the service what, and whether what was written of it is still as it was."""

from __future__ import annotations

import json as _json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiaas.cli import output
from aiaas.cli.options import JsonOption, WorkspaceOption
from aiaas.errors import UsageError

if TYPE_CHECKING:
    from aiaas.audit import Head

app = typer.Typer(no_args_is_help=True, help="The audit of the service: verify it, list what is in it.")


@app.command()
def verify(
    heads: Annotated[
        Path | None,
        typer.Option("--heads", metavar="FILE", help="What `audit verify --json` said before: it must still be so."),
    ] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Compute every hash again; status 7 when an entry was altered, left out, put in or moved."""
    from aiaas import audit

    found = audit.verify(_folder(workspace), _noted(heads) if heads else None)
    if json:
        output.emit_json("audit verify", chains=[each.as_dict() for each in found])
        return
    output.table(
        None, ("chain", "entries", "last hash"), [(each.chain, each.entries, each.hash) for each in found], right=(1,)
    )
    output.say("every entry is as it was written" if found else "there is no audit in this workspace")


@app.command("list")
def list_(
    tenant: Annotated[str | None, typer.Option("--tenant", metavar="NAME", help="Only of this tenant.")] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY", help="Only of this key's public part.")] = None,
    model: Annotated[str | None, typer.Option("--model", metavar="NAME", help="Only of this model.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Every entry as a line of JSON, chain by chain, each in the order in which it was written."""
    from aiaas import audit

    asked = {"tenant": tenant, "key": key, "model": model}
    wanted = {name: value for name, value in asked.items() if value is not None}
    for entry in audit.entries(_folder(workspace), wanted):
        output.out(_json.dumps(entry, ensure_ascii=False, separators=(",", ":")))


def _folder(workspace: Any) -> Path:
    from aiaas.workspace import Workspace

    return Workspace.look(workspace).audit


def _noted(path: Path) -> dict[str, Head]:
    """The heads that a file holds, by their chain."""
    from aiaas.audit import Head

    try:
        told = _json.loads(path.read_text("utf-8"))
        noted = [Head(str(each["chain"]), int(each["entries"]), str(each["hash"])) for each in told["chains"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            "the file holds no heads of an audit",
            where=str(path),
            hint="make one while all is well: aiaas audit verify --json > heads.json",
        ) from error
    return {each.chain: each for each in noted}
