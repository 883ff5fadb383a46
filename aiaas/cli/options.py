"""Options that several verbs share, so that they read and behave the same everywhere."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aiaas.errors import UsageError

if TYPE_CHECKING:
    from aiaas.workspace import Workspace


def look(workspace: Path | None) -> Workspace:
    """The workspace for what only reads: it need not be there."""
    from aiaas.workspace import Workspace

    return Workspace.look(workspace)


def run_ids(incomplete: str) -> list[str]:
    """The runs of the workspace in the working directory, the newest first, for a shell that completes."""
    runs = look(None).runs
    return sorted((path.name for path in runs.glob(f"{glob.escape(incomplete)}*/")), reverse=True)


RecipeArgument = Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe, a YAML file.", show_default=False)]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override a value of the recipe; repeatable.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option("--workspace", metavar="DIR", help="Where artefacts live.  [default: .aiaas]", show_default=False),
]
OfflineOption = Annotated[
    bool,
    typer.Option(
        "--offline",
        envvar="AIAAS_OFFLINE",
        show_envvar=False,
        help="Reach no other machine: use what was fetched before; also AIAAS_OFFLINE=1.",
    ),
]
RefreshOption = Annotated[bool, typer.Option("--refresh", help="Fetch remote sources again.")]
EventsOption = Annotated[
    str | None,
    typer.Option("--events", metavar="FILE", help="Write progress as JSON lines; - is stdout.", show_default=False),
]
RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="Its id here or in MLflow, or the first or last characters of it.",
        autocompletion=run_ids,
        show_default=False,
    ),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        envvar="AIAAS_DATABASE",
        show_envvar=False,
        help="A PostgreSQL that holds the keys; also AIAAS_DATABASE.  [default: the workspace]",
        show_default=False,
    ),
]


def refuse_no_folder(option: str, path: Path | None) -> None:
    """UsageError where a file that is asked for cannot be there, before anything is done for it."""
    if path is not None and path.is_dir():
        raise UsageError(f"{option}: it is a folder", where=str(path), hint="name a file in it")
    if path is not None and not path.absolute().parent.is_dir():
        raise UsageError(f"{option}: there is no folder for this file", where=str(path), hint="name a file")
