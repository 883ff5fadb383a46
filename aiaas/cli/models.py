"""`aiaas models`: what is registered, and which version answers to which alias."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiaas.cli import output
from aiaas.cli.options import JsonOption, WorkspaceOption
from aiaas.cli.runs import when
from aiaas.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from aiaas.track import Version
    from aiaas.workspace import Workspace

SHOWN = 3
"""Sources, and reasons why rows went."""

app = typer.Typer(no_args_is_help=True, help="Registered models: list, show, move an alias, roll back.")

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="NAME, NAME@ALIAS or NAME/VERSION.")]


@app.command("list")
def list_(json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Every model with its newest version and its aliases."""
    from aiaas.track import Registry

    registry = Registry(_look(workspace).models)
    newest = [registry.versions(name)[-1] for name in registry.names()]
    if json:
        models = [
            {
                "name": each.name,
                "versions": each.number,
                "aliases": registry.aliases(each.name),
                "newest": each.as_dict(),
            }
            for each in newest
        ]
        output.emit_json("models list", models=models)
        return
    rows = [
        (each.name, each.number, _stand(registry.aliases(each.name)), when(each.created), _judged(each))
        for each in newest
    ]
    output.table(None, ("model", "newest", "aliases", "registered", "metric"), rows)


@app.command()
def show(model: ModelArgument, json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """A model's versions, or with @ALIAS or /VERSION that one."""
    from aiaas import bundle
    from aiaas.track import Registry, parse_reference

    name, alias, number = parse_reference(model)
    registry = Registry(_look(workspace).models)
    one = alias is not None or number is not None
    versions = [registry.resolve(name, alias=alias, version=number)] if one else registry.versions(name)
    if json:
        aliases = {alias: version.number for version in versions for alias in version.aliases}
        told = [
            {
                **each.as_dict(),
                "runtime": bundle.runtime(each.path),
                "precision": bundle.precision(each.path),
                "data": bundle.data(each.path),
            }
            for each in versions
        ]
        output.emit_json("models show", name=name, aliases=aliases, versions=told)
        return
    for version in reversed(versions):
        output.out("\n".join(_lines(version, _runtime(version.path), bundle.data(version.path))))


@app.command()
def alias(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="NAME/VERSION, or NAME@ALIAS for where that stands.")],
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="Such as champion, challenger, staging.")],
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Let ALIAS stand on a version."""
    from aiaas.track import Registry, parse_reference

    name, at, number = parse_reference(model)
    if at is None and number is None:
        raise UsageError(f"{model!r} names no version", hint=f"aiaas models alias {name}/VERSION {alias}")
    space = _open(workspace)
    registry = Registry(space.models)
    moved = registry.set_alias(name, alias, registry.resolve(name, alias=at, version=number).number)
    _moved("models alias", space, moved, alias, json)


@app.command()
def rollback(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of a registered model.")],
    alias: Annotated[str, typer.Option("--alias", metavar="ALIAS", help="The alias to put back.")] = "champion",
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Put an alias back on the version it stood on before."""
    from aiaas.track import Registry

    space = _open(workspace)
    _moved("models rollback", space, Registry(space.models).rollback(name, alias), alias, json)


def _moved(verb: str, space: Workspace, version: Version, alias: str, json: bool) -> None:
    """Say where the alias stands now, here and in MLflow."""
    from aiaas.track.history import sync_alias

    problem = sync_alias(space, version.name, alias)
    if problem:
        output.warn(f"moved here, not in MLflow yet: {problem}; `aiaas runs sync` does it later")
    if json:
        fields: dict[str, Any] = {"name": version.name, "alias": alias, "version": version.number}
        output.emit_json(verb, **fields, synced=problem is None)
    else:
        output.out(f"{version.name}@{alias} is version {version.number}")


def _runtime(folder: Path) -> str:
    """What runs the model, and in what precision."""
    from aiaas import bundle

    said = [bundle.runtime(folder), bundle.precision(folder)]
    return ", ".join(each for each in said if each) or "unknown: the bundle is gone"


def _data(data: dict[str, Any] | None) -> list[str]:
    """Where the rows came from, how many stayed, and why the others went."""
    if data is None:
        return []
    kept, collected = data["rows"]["kept"], data["rows"]["collected"]
    sources = ", ".join(each["source"] for each in data["sources"][:SHOWN])
    more = f" and {len(data['sources']) - SHOWN} more" if len(data["sources"]) > SHOWN else ""
    gone = [f"             {each['rows']:,} {each['step']}: {each['reason']}" for each in data["dropped"][:SHOWN]]
    return [f"  data       {kept:,} of {collected:,} rows from {sources}{more}", *gone]


def _lines(version: Version, runtime: str, data: dict[str, Any] | None) -> list[str]:
    aliases = ", ".join(version.aliases)
    return [
        f"{version.name}/{version.number}" + (f"  {aliases}" if aliases else ""),
        f"  digest     {version.digest}",
        f"  bundle     {version.path}",
        f"  runtime    {runtime}",
        *_data(data),
        f"  registered {when(version.created)}" + ("" if version.remote else ", not in MLflow yet"),
        f"  run        {version.run_id or version.run or 'none'}",
        *(f"  {name}: {value}" for name, value in version.metrics.items()),
    ]


def _stand(aliases: dict[str, int]) -> str:
    return ", ".join(f"{alias}: {number}" for alias, number in sorted(aliases.items()))


def _judged(version: Version) -> str:
    return next((f"{name} {value:.4g}" for name, value in version.metrics.items() if isinstance(value, float)), "")


def _open(workspace: Path | None) -> Workspace:
    from aiaas.workspace import Workspace

    return Workspace.open(workspace)


def _look(workspace: Path | None) -> Workspace:
    """For what only reads."""
    from aiaas.workspace import Workspace

    return Workspace.look(workspace)
