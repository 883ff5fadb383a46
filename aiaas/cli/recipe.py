"""`aiaas recipe`: show a recipe with the origin of its values, validate, list, compare, bring up to date, and the JSON
Schema for editors."""

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

app = typer.Typer(no_args_is_help=True, help="Look at recipes: show, validate, list, compare, bring up to date.")


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


@app.command("diff")
def diff_command(
    before: RecipeArgument,
    after: Annotated[Path, typer.Argument(metavar="RECIPE", help="The other recipe.", show_default=False)],
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """What differs between two recipes, defaults included; --set goes for both."""
    diff(before, after, set_ or (), as_json=json)


@app.command("migrate")
def migrate_command(
    recipes: Annotated[list[Path], typer.Argument(metavar="RECIPE", help="Recipes, YAML files.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change, and write nothing.")] = False,
    json: JsonOption = False,
) -> None:
    """Bring recipes of an older schema to the newest, in place; comments stay."""
    migrate(recipes, dry_run=dry_run, as_json=json)


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


def diff(before: Path, after: Path, overrides: Sequence[str] = (), *, as_json: bool = False) -> None:
    """Print every value in which two recipes differ. Raises RecipeError."""
    from aiaas import recipe
    from aiaas.recipe.diff import ABSENT, differences

    found = differences(recipe.read(before, overrides), recipe.read(after, overrides))
    if as_json:
        files = {"before": str(before), "after": str(after), "same": not found}
        output.emit_json("recipe diff", **files, differences=[each.as_dict() for each in found])
        return
    for each in found:
        if each.before is not ABSENT:
            output.out(f"- {each.path}: {_inline(each.before)}")
        if each.after is not ABSENT:
            output.out(f"+ {each.path}: {_inline(each.after)}")
    if not found:
        output.say("the recipes say the same")


def migrate(paths: Sequence[Path], *, dry_run: bool = False, as_json: bool = False) -> None:
    """Bring recipes to the newest schema; each is written only if it is a good one then. Raises RecipeError with the
    faults of all that are not, UsageError."""
    import difflib

    from aiaas.errors import Fault, RecipeError
    from aiaas.recipe.check import check
    from aiaas.recipe.migrate import migrate as made_new
    from aiaas.recipe.parse import parse
    from aiaas.recipe.read import content
    from aiaas.workspace import atomic

    faults: list[Fault] = []
    done: list[dict[str, Any]] = []
    for path in paths:
        try:
            old = content(path)
            new = made_new(old, str(path))
            check(parse(new.text.encode(), str(path)))
        except RecipeError as error:
            faults.extend(error.faults)
            continue
        done.append({"file": str(path), "before": new.before, "after": new.after, "changes": list(new.changes)})
        if new.before == new.after:
            output.say(f"{path}: schema {new.after} is the newest, there is nothing to do")
            continue
        output.say(f"{path}: schema {new.before} → {new.after}" + "".join(f"\n  {change}" for change in new.changes))
        if not dry_run:
            with atomic.disk_errors(path):
                atomic.write_text(path, new.text)
        elif not as_json:
            lines = old.decode("utf-8-sig").splitlines(), new.text.splitlines()
            output.out("\n".join(difflib.unified_diff(lines[0], lines[1], str(path), str(path), lineterm="")))
    if faults:
        raise RecipeError(faults)
    if as_json:
        output.emit_json("recipe migrate", recipes=done)


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
