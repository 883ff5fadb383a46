"""Models over the API: which versions are registered, and which of them an alias stands on."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aiaas import plugins
from aiaas.control import Control
from aiaas.errors import UsageError
from aiaas.serve.admin.asked import Alias, Rollback, read
from aiaas.serve.errors import NotFoundError, RequestError
from aiaas.serve.protocols import call_of
from aiaas.serve.service import Service
from aiaas.track import Registry, Version

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
