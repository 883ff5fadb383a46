"""`aiaas recipe`: show a recipe with the origin of its values, validate, list, and the JSON Schema for editors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiaas.cli import output
from aiaas.cli.options import JsonOption, RecipeArgument, SetOption

if TYPE_CHECKING:
    from aiaas.recipe import Recipe

app = typer.Typer(no_args_is_help=True, help="Look at recipes: show, validate, list, the schema for editors.")


@app.command("show")
def show_command(
    recipe: RecipeArgument,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value came from.")] = False,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Every value of a recipe, defaults included; secrets stay references."""
    show(recipe, set_ or (), origin=origin, as_json=json)


@app.command("validate")
def validate_command(
    recipes: Annotated[list[Path], typer.Argument(metavar="RECIPE", help="Recipes, YAML files.")],
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Check recipes whole: every fault at once, with its place and what is allowed."""
    validate(recipes, set_ or (), as_json=json)


@app.command("schema")
def schema_command(
    to: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file instead of stdout.")
    ] = None,
) -> None:
    """The JSON Schema from which editors complete and check recipes."""
    schema(to)


@app.command("list")
def list_command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to look.")] = Path("recipes"),
    json: JsonOption = False,
) -> None:
    """The recipes of a folder, each with its task, its model, its command and what to expect."""
    list_recipes(folder, as_json=json)


def show(path: Path, overrides: Sequence[str] = (), *, origin: bool = False, as_json: bool = False) -> None:
    """Print the resolved recipe as YAML, or one line a value with its origin. Raises RecipeError."""
    from aiaas import recipe

    found = recipe.read(path, overrides)
    if as_json:
        origins = {"origins": found.origins()} if origin else {}
        output.emit_json("recipe show", file=str(path), recipe=found.resolved(), **origins)
    elif origin:
        output.out("\n".join(_with_origins(found)))
    else:
        output.out(found.to_yaml().rstrip("\n"))


def validate(paths: Sequence[Path], overrides: Sequence[str] = (), *, as_json: bool = False) -> list[Recipe]:
    """Check every recipe and print one line for each. Raises RecipeError with the faults of all of them."""
    from aiaas import recipe
    from aiaas.errors import Fault, RecipeError

    faults: list[Fault] = []
    good: list[Recipe] = []
    for path in paths:
        try:
            good.append(recipe.read(path, overrides))
        except RecipeError as error:
            faults.extend(error.faults)
    if faults:
        raise RecipeError(faults)
    if as_json:
        output.emit_json("recipe validate", recipes=[_summary(each) for each in good])
        return good
    for each in good:
        output.out(f"{each.file}: ok ({each.task}, {each.model.backend}/{each.model.architecture})")
        for name in each.missing_secrets():
            output.say(f"{each.file}: needs the environment variable {name}, which is not set here")
    return good


def schema(to: Path | None = None) -> None:
    """Print the JSON Schema, or write it to a file. Raises UsageError where the file cannot be written."""
    from aiaas import plugins
    from aiaas.errors import UsageError
    from aiaas.recipe.schema import schema as make

    text = json.dumps(make(), ensure_ascii=False, indent=2)
    for problem in plugins.broken():
        output.warn(f"{problem.message}; it is left out")
    if to is None:
        output.out(text)
        return
    from aiaas.workspace import atomic

    try:
        atomic.write_text(to, text + "\n")
    except OSError as error:
        raise UsageError(f"cannot write {to}: {error.strerror}") from None
    output.say(f"wrote {to}")


def list_recipes(folder: Path, *, as_json: bool = False) -> None:
    """Print the recipes of a folder. Raises UsageError where there is no such folder."""
    from aiaas.recipe.listing import listing

    found = listing(folder)
    if as_json:
        output.emit_json("recipe list", recipes=[each.as_dict() for each in found])
        return
    if not found:
        output.say(f"{folder} holds no recipe (*.yaml, *.yml)")
    for each in found:
        about = f"{each.name}  {each.task}  {each.model}" if each.name else f"faults: {each.faults}"
        lines = [f"{each.file}  {about}", *(f"    {line}" for line in (each.command, each.expect) if line)]
        output.out("\n".join(lines))


def _with_origins(recipe: Recipe) -> list[str]:
    """`name: value` and the origin beside it, in two columns."""
    origins = recipe.origins()
    values = [(f"{name}: {_inline(value)}", origins[name]) for name, value in recipe.flat().items()]
    width = min(max(len(left) for left, _ in values), 72)
    return [f"{left:<{width}}  # {origin}" for left, origin in values]


def _inline(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, str) or not value else value


def _summary(recipe: Recipe) -> dict[str, Any]:
    return {
        "file": str(recipe.file),
        "name": recipe.name,
        "task": recipe.task,
        "backend": recipe.model.backend,
        "architecture": recipe.model.architecture,
        "missing_secrets": recipe.missing_secrets(),
    }
