"""The verb `fetch`: what a recipe needs of other machines, before there is no way to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiaas.cli import output
from aiaas.cli.options import JsonOption, QuietOption, RecipeArgument, RefreshOption, SetOption, WorkspaceOption

if TYPE_CHECKING:
    from aiaas.pipeline import Fetched


def fetch_command(
    recipe: RecipeArgument,
    set_: SetOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    workspace: WorkspaceOption = None,
    refresh: RefreshOption = False,
) -> None:
    """Bring everything that RECIPE needs of other machines, so that it runs with --offline."""
    from aiaas import pipeline
    from aiaas.cli.progress import Lines
    from aiaas.cli.stages import open_work

    output.be_quiet(quiet)
    work = open_work(recipe, set_ or (), workspace, refresh=refresh, verb="fetch")
    found = pipeline.fetch(work, Lines())
    show(found)
    output.say(f"all is here: aiaas run {recipe} --offline")
    if json:
        output.emit_json("fetch", **found.as_dict())


def show(found: Fetched) -> None:
    """What was fetched besides the rows, of which the stage has told."""
    for name, origin in found.files.items():
        output.say(f"{name:<19}  {origin['bytes'] / 1e6:,.1f} MB from {origin['address']}")
    for address in found.lists:
        output.say(f"{'a list of a step':<19}  {address}")
    if found.champion:
        output.say(f"{'champion':<19}  {found.champion}")
