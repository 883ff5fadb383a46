"""The verb serve: models that answer over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aiaas.cli import output
from aiaas.cli.options import JsonOption, QuietOption, WorkspaceOption

if TYPE_CHECKING:
    from aiaas.serve import Started


def serve_command(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...", show_default=False, help="NAME, NAME@ALIAS, NAME/VERSION or a bundle's folder."
        ),
    ],
    host: Annotated[str, typer.Option("--host", help="The address to listen on; loopback only.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")] = 8000,
    access_log: Annotated[
        Literal["file", "stderr", "off"],
        typer.Option(
            "--access-log", metavar="WHERE", help="A line for each request: file (in the workspace), stderr or off."
        ),
    ] = "file",
    json: JsonOption = False,
    quiet: QuietOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Answer POST /v1/models/NAME/predict until SIGTERM or Ctrl-C, then finish what was begun."""
    output.be_quiet(quiet or json)
    from aiaas import serve
    from aiaas.workspace import Workspace

    def ready(started: Started) -> None:
        if json:
            output.emit_json("serve", **started.as_dict())
        answering = ", ".join(f"{each['name']} ({each['runtime']})" for each in started.models)
        output.say(f"ready: {started.url}  {answering}")

    serve.serve(
        models, Workspace.look(workspace), host=host, port=port, access_log=serve.AccessLogs(access_log), on_ready=ready
    )
