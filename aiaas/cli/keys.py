"""`aiaas keys`: who may ask the service, and how much."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiaas.cli import output
from aiaas.cli.options import DatabaseOption, JsonOption, WorkspaceOption
from aiaas.cli.runs import when
from aiaas.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aiaas.control import Control, Key, NewKey

app = typer.Typer(no_args_is_help=True, help="Keys of the service: create, list, rotate, revoke, limit.")

_LIMITS = "NAME=NUMBER/s or NAME=NUMBER/day of requests, rows, tokens, compute (seconds); repeatable."
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="The ten characters that name it, or all of it.")]
TenantOption = Annotated[str | None, typer.Option("--tenant", metavar="T", help="Whose key it is.  [default: default]")]
ExpiresOption = Annotated[
    str | None, typer.Option("--expires", metavar="TIME", help="After how long it expires, such as 90d or 12h.")
]
QuotaOption = Annotated[list[str] | None, typer.Option("--quota", metavar="LIMIT", help=_LIMITS, show_default=False)]


@app.command()
def create(
    tenant: TenantOption = None,
    models: Annotated[
        list[str] | None,
        typer.Option("--models", metavar="NAME", help="Models that exist for it; repeatable.  [default: all]"),
    ] = None,
    scopes: Annotated[str, typer.Option("--scopes", help="infer, admin, or both with a comma between.")] = "infer",
    expires: ExpiresOption = None,
    quota: QuotaOption = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
    database: DatabaseOption = None,
) -> None:
    """Make a key and print it: nothing can show it again."""
    from aiaas.control import Quota
    from aiaas.serve.guard import TENANT
    from aiaas.track import Registry

    limits, given = Quota.parse(",".join(quota or ())), _words(models)
    with _control(workspace, database) as control:
        made = control.create(
            tenant if tenant is not None else TENANT,
            scopes=_words([scopes]) or [],
            models=given,
            seconds=_seconds(expires, "--expires"),
            quota=limits,
        )
        unknown = sorted(set(given or ()) - set(Registry(control.workspace.models).names()))
    _show("keys create", made, json)
    for name in unknown:
        output.say(f"no model that is registered here is called {name!r}: the key opens it once one is")


@app.command("list")
def list_(
    tenant: Annotated[str | None, typer.Option("--tenant", metavar="T", help="Only the keys of this tenant.")] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
    database: DatabaseOption = None,
) -> None:
    """Every key with what it opens and what it may use; never the key itself."""
    with _control(workspace, database) as control:
        keys, tenants = control.listed(tenant), control.tenants()
    now = time.time()
    limited = {name: str(quota) for name, quota in tenants.items() if tenant in (None, name)}
    if json:
        output.emit_json("keys list", keys=[key.as_dict(now) for key in keys], tenants=limited)
        return
    columns = ("key", "tenant", "scopes", "models", "quota", "created", "expires", "state")
    output.table(None, columns, [_row(key, now) for key in keys])
    for name, quota in limited.items():
        if quota:
            output.out(f"all keys of {name} together: {quota}")


@app.command()
def rotate(
    key: KeyArgument,
    overlap: Annotated[
        str, typer.Option("--overlap", metavar="TIME", help="How long the old key is valid beside the new one.")
    ] = "24h",
    expires: ExpiresOption = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
    database: DatabaseOption = None,
) -> None:
    """Make a key that may do what another may, and shares its quota; the other expires soon."""
    beside = _seconds(overlap, "--overlap") or 0.0
    with _control(workspace, database) as control:
        made = control.rotate(key, overlap=beside, seconds=_seconds(expires, "--expires"))
    _show("keys rotate", made, json)


@app.command()
def revoke(
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY...", help="The ten characters that name each.", show_default=False),
    ] = None,
    tenant: Annotated[str | None, typer.Option("--tenant", metavar="T", help="All keys of this tenant.")] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
    database: DatabaseOption = None,
) -> None:
    """Let keys open nothing from now on, in every worker that runs."""
    if bool(keys) == bool(tenant):
        raise UsageError("name keys, or a tenant with --tenant", hint="aiaas keys list shows them")
    with _control(workspace, database) as control:
        gone = control.revoke_all(tenant) if tenant else control.revoke(*(keys or ()))
    if json:
        output.emit_json("keys revoke", revoked=[key.name for key in gone])
    else:
        output.out(f"revoked {', '.join(key.name for key in gone) or 'nothing: none was valid'}")


@app.command()
def limit(
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="The tenant, who may be new.")],
    quota: QuotaOption = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
    database: DatabaseOption = None,
) -> None:
    """Limit what all keys of a tenant may use together; without --quota nothing limits them together."""
    from aiaas.control import Quota

    limits = Quota.parse(",".join(quota or ()))
    with _control(workspace, database) as control:
        control.limit(tenant, limits)
    if json:
        output.emit_json("keys limit", tenant=tenant, quota=str(limits))
    else:
        output.out(f"{tenant}: {limits or 'no limits'}")


@contextmanager
def _control(workspace: Path | None, database: str | None) -> Iterator[Control]:
    from aiaas.control import Control
    from aiaas.workspace import Workspace

    with Control(Workspace.open(workspace), database) as control:
        yield control


def _seconds(text: str | None, where: str) -> float | None:
    from aiaas.control.spans import seconds

    return None if text is None else seconds(text, where)


def _words(given: list[str] | None) -> list[str] | None:
    """Words that may also stand in one, with commas between."""
    return None if given is None else [word.strip() for text in given for word in text.split(",") if word.strip()]


def _show(verb: str, made: NewKey, json: bool) -> None:
    if json:
        output.emit_json(verb, key=made.text, **made.key.as_dict(time.time()))
        return
    output.out(made.text)
    until = "" if made.key.expires is None else f", valid until {when(made.key.expires)}"
    output.say(f"keep it: it is shown only now. It is called {made.key.name}{until}")


def _row(key: Key, now: float) -> tuple[Any, ...]:
    quota = str(key.accounts[0].quota)
    expires = None if key.expires is None else when(key.expires)
    models = "all" if key.models is None else ", ".join(sorted(key.models))
    scopes = ", ".join(sorted(key.scopes))
    return key.name, key.tenant, scopes, models, quota or None, when(key.created), expires, key.state(now)
