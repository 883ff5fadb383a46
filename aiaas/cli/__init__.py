"""The command line: one file a verb; the only room that prints or exits."""

from __future__ import annotations

from typing import Annotated

import typer

import aiaas
from aiaas.cli import (
    audit,
    cache,
    compare,
    doctor,
    fetch,
    infer,
    init,
    inspect,
    keys,
    models,
    output,
    race,
    recipe,
    report,
    reproduce,
    runs,
    serve,
    stages,
    tune,
)
from aiaas.cli.boundary import Boundary

app = typer.Typer(
    cls=Boundary,
    name="aiaas",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="One YAML recipe carries a model from raw data to an API that others call.",
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"aiaas {aiaas.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


app.command("init")(init.init_command)
app.add_typer(recipe.app, name="recipe")
stages.register(app)
app.command("fetch")(fetch.fetch_command)
app.command("race")(race.race_command)
app.command("tune")(tune.tune_command)
app.command("inspect")(inspect.inspect_command)
app.command("report")(report.report_command)
app.command("reproduce")(reproduce.reproduce_command)
app.command("compare")(compare.compare_command)
app.command("infer")(infer.infer_command)
app.command("serve")(serve.serve_command)
app.add_typer(runs.app, name="runs")
app.add_typer(models.app, name="models")
app.add_typer(cache.app, name="cache")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.command("doctor")(doctor.doctor_command)


def main() -> None:
    """The console script."""
    output.open_missing_streams()
    app()
