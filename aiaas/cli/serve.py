"""The verb serve: models that answer over HTTP."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aiaas.cli import output
from aiaas.cli.options import DatabaseOption, JsonOption, QuietOption, WorkspaceOption
from aiaas.errors import UsageError

if TYPE_CHECKING:
    from aiaas.serve import Started, Tls


def serve_command(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...", show_default=False, help="NAME, NAME@ALIAS, NAME/VERSION or a bundle's folder."
        ),
    ],
    host: Annotated[
        str, typer.Option("--host", help="The address to listen on; another than loopback only with TLS and a key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option("--workers", min=1, max=256, help="Processes that share the port.")] = 1,
    idle: Annotated[
        float | None,
        typer.Option(
            "--idle",
            min=1,
            metavar="SECONDS",
            show_default=False,
            help="Unload a model that nobody asked for so long; it comes back on request.",
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            "--memory",
            metavar="SIZE",
            show_default=False,
            help="What all models of all workers may take, such as 800MB or 2GB; the least used are unloaded.",
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", metavar="FILE", help="The certificate and its chain, as PEM.")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option("--tls-key", metavar="FILE", help="The key of the certificate, as PEM.")
    ] = None,
    database: DatabaseOption = None,
    access_log: Annotated[
        Literal["file", "stderr", "off"],
        typer.Option(
            "--access-log", metavar="WHERE", help="A line for each request: file (in the workspace), stderr or off."
        ),
    ] = "file",
    limit: Annotated[
        list[str] | None,
        typer.Option(
            "--limit",
            metavar="NAME=NUMBER",
            show_default=False,
            help="What a request may ask for: seconds, rows, prompts, body (bytes), waiting, batch_rows, batch_tokens, "
            "refusals (a second); repeatable.",
        ),
    ] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Answer POST /v1/models/NAME/predict until SIGTERM or Ctrl-C, then finish what was begun. Whoever asks needs a
    key; where there is none yet, the first is made and shown."""
    output.be_quiet(quiet)
    from aiaas import serve
    from aiaas.workspace import Workspace

    def ready(started: Started) -> None:
        if json:
            output.emit_json("serve", **started.as_dict())
            return
        answering = ", ".join(f"{each['name']} ({each['runtime']})" for each in started.models)
        output.say(f"ready: {started.url}  {answering}")
        if started.key:
            output.say(f"key:   {started.key}  (shown once; aiaas keys create makes others)")

    settings = serve.Settings(
        Workspace.look(workspace).root,
        workers,
        idle,
        None if memory is None else _bytes(memory),
        tls=_tls(tls_cert, tls_key),
        database=database,
        access_log=serve.AccessLogs(access_log),
        limits=serve.Limits.parse(limit or ()),
    )
    serve.serve(models, settings, host=host, port=port, on_ready=ready, tell=output.say)


def _bytes(size: str) -> int:
    """What `800MB` or `2GB` means."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]?)B?", size.strip(), re.IGNORECASE)
    number = float(found[1]) * 1000 ** " KMGT".index(found[2].upper() or " ") if found else 0
    if number < 1:
        raise UsageError(f"{size!r} is no size of memory", where="--memory", hint="such as 800MB or 2GB")
    return int(number)


def _tls(certificate: Path | None, key: Path | None) -> Tls | None:
    from aiaas.serve import Tls

    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise UsageError("a certificate and its key go together", where="--tls-cert, --tls-key", hint="give both")
    return Tls(certificate, key)
