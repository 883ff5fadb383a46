"""Options that several verbs share, so that they read and behave the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
