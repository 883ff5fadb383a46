"""Models over the API: which answer, which versions are registered, and which of them an alias stands on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aiaas import plugins
from aiaas.control import Control
from aiaas.errors import UsageError
from aiaas.serve.admin.asked import Alias, Model, Rollback, read
from aiaas.serve.errors import ConflictError, DeadlineError, NotFoundError, RequestError
from aiaas.serve.managing import Manager
from aiaas.serve.protocols import call_of
from aiaas.serve.service import Service
from aiaas.track import Registry, Version, parse_reference
from aiaas.track.reference import CHAMPION

NAME = "admin"
MODELS = "/v1/admin/models"


def routes(service: Service, control: Control) -> list[Route]:
    registry = Registry(control.workspace.models)

    async def listed(request: Request) -> Response:
        call_of(request, NAME)
        answering = [live.described for live in service.models]
        registered = await asyncio.to_thread(lambda: [_registered(registry, name) for name in registry.names()])
        return JSONResponse({"answering": answering, "registered": registered})

    async def set_alias(request: Request) -> Response:
        call_of(request, NAME)
        asked, name, alias = await read(request, Alias), request.path_params["name"], request.path_params["alias"]

        def move() -> Version:
            numbers = [version.number for version in registry.versions(_known(registry, name))]
            if asked.version not in numbers:
                said = ", ".join(map(str, numbers))
                raise RequestError("there is no such version", where="version", hint=f"versions: {said}")
            try:
                return registry.set_alias(name, alias, asked.version)
            except UsageError:
                raise RequestError("an alias cannot be called like that", where="alias", hint="champion") from None

        return _moved(alias, await asyncio.to_thread(move))

    async def rollback(request: Request) -> Response:
        call_of(request, NAME)
        asked, name = await read(request, Rollback), request.path_params["name"]

        def move() -> Version:
            if asked.alias not in (there := registry.aliases(_known(registry, name))):
                raise RequestError("there is no such alias", where="alias", hint=f"aliases: {', '.join(there)}")
            try:
                return registry.rollback(name, asked.alias)
            except UsageError:
                hint = f"PUT {MODELS}/NAME/aliases/ALIAS sets it"
                raise RequestError("the alias has stood on no version before", where="alias", hint=hint) from None

        return _moved(asked.alias, await asyncio.to_thread(move))

    return [
        Route(MODELS, listed, methods=["GET"]),
        Route(f"{MODELS}/{{name}}/aliases/{{alias}}", set_alias, methods=["PUT"]),
        Route(f"{MODELS}/{{name}}/rollback", rollback, methods=["POST"]),
    ]


def managing(service: Service, control: Control, manager: Manager) -> list[Route]:
    """Models that come and go while the service runs, in all its workers."""
    registry = Registry(control.workspace.models)

    async def load(request: Request) -> Response:
        call = call_of(request, NAME)
        asked = await read(request, Model)
        name = await asyncio.to_thread(_referred, registry, asked.model)
        if service.models.get(name):
            raise ConflictError("the model answers already", hint=f"PUT {MODELS}/NAME/aliases/ALIAS switches versions")
        await _until(call.deadline, manager.load(asked.model))
        live = service.models.get(name)
        return JSONResponse(live.described if live else {"name": name}, 201)

    async def unload(request: Request) -> Response:
        call = call_of(request, NAME)
        live = service.models.find(request.path_params["name"], replace(call.caller, models=None))
        await _until(call.deadline, manager.unload(live.name))
        return JSONResponse({"unloaded": live.name})

    return [
        Route(MODELS, load, methods=["POST"]),
        Route(f"{MODELS}/{{name}}", unload, methods=["DELETE"]),
    ]


async def _until(deadline: float, work: Awaitable[None]) -> None:
    """Wait for it; DeadlineError when that takes too long, and then it is done all the same."""
    try:
        async with asyncio.timeout_at(deadline):
            await work
    except TimeoutError:
        raise DeadlineError from None


def _referred(registry: Registry, reference: str) -> str:
    """The name of the model that is referred to; what is no reference, or to nothing that is there, is refused."""
    try:
        name, alias, version = parse_reference(reference)
    except UsageError:
        raise RequestError(
            "no model can be meant by that", where="model", hint="NAME, NAME@ALIAS or NAME/VERSION"
        ) from None
    versions = [each.number for each in registry.versions(_known(registry, name))]
    if version is not None and version not in versions:
        said = ", ".join(map(str, versions))
        raise RequestError("there is no such version", where="model", hint=f"versions: {said}")
    if version is None and (alias or CHAMPION) not in (there := registry.aliases(name)):
        raise RequestError("there is no such alias", where="model", hint=f"aliases: {', '.join(there) or 'none'}")
    return name


def _known(registry: Registry, name: str) -> str:
    """The name, where a model of it is registered here: no path, and nobody is asked elsewhere."""
    names = registry.names()
    if name in names:
        return name
    close = plugins.nearest(name, names)
    hint = f"did you mean {close!r}?" if close else f"GET {MODELS} lists what there is"
    raise NotFoundError("no such model is registered", hint=hint)


def _registered(registry: Registry, name: str) -> dict[str, Any]:
    versions = [
        {"version": version.number, "digest": version.digest, "created": version.created, "metrics": version.metrics}
        for version in registry.versions(name)
    ]
    return {"name": name, "aliases": registry.aliases(name), "versions": versions}


def _moved(alias: str, version: Version) -> Response:
    return JSONResponse({"name": version.name, "alias": alias, "version": version.number})
