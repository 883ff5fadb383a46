"""Keys and tenants over the API. What changes holds in every worker at its next request."""

from __future__ import annotations

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aiaas.control import Control, Quota
from aiaas.control import NewKey as Made
from aiaas.control.spans import seconds
from aiaas.serve.admin.asked import NewKey, Rotation, Tenant, done, read
from aiaas.serve.protocols import call_of

NAME = "admin"
KEYS = "/v1/admin/keys"
TENANTS = "/v1/admin/tenants"
_PRIVATE = {"cache-control": "no-store"}


def routes(control: Control) -> list[Route]:
    async def listed(request: Request) -> Response:
        call_of(request, NAME)
        tenant = request.query_params.get("tenant")
        keys = await done(lambda: control.listed(tenant), TENANTS)
        now = time.time()
        return JSONResponse({"keys": [key.as_dict(now) for key in keys]})

    async def create(request: Request) -> Response:
        call_of(request, NAME)
        asked = await read(request, NewKey)

        def make() -> Made:
            return control.create(
                asked.tenant,
                scopes=asked.scopes,
                models=asked.models,
                seconds=_span(asked.expires, "expires"),
                quota=Quota.parse(asked.quota, "quota"),
            )

        return _shown(await done(make, KEYS))

    async def rotate(request: Request) -> Response:
        call_of(request, NAME)
        asked = await read(request, Rotation)

        def replace() -> Made:
            overlap = seconds(asked.overlap, "overlap")
            return control.rotate(_named(request, "key"), overlap=overlap, seconds=_span(asked.expires, "expires"))

        return _shown(await done(replace, KEYS))

    async def revoke(request: Request) -> Response:
        call_of(request, NAME)
        return _revoked(await done(lambda: control.revoke(_named(request, "key")), KEYS))

    async def tenants(request: Request) -> Response:
        call_of(request, NAME)
        known = await done(control.tenants, TENANTS)
        return JSONResponse({"tenants": [{"tenant": name, "quota": str(quota)} for name, quota in known.items()]})

    async def limit(request: Request) -> Response:
        call_of(request, NAME)
        asked, tenant = await read(request, Tenant), _named(request, "tenant")
        quota = await done(lambda: _limited(control, tenant, asked.quota), TENANTS)
        return JSONResponse({"tenant": tenant, "quota": quota})

    async def revoke_all(request: Request) -> Response:
        call_of(request, NAME)
        return _revoked(await done(lambda: control.revoke_all(_named(request, "tenant")), TENANTS))

    return [
        Route(KEYS, listed, methods=["GET"]),
        Route(KEYS, create, methods=["POST"]),
        Route(f"{KEYS}/{{key}}/rotate", rotate, methods=["POST"]),
        Route(f"{KEYS}/{{key}}", revoke, methods=["DELETE"]),
        Route(TENANTS, tenants, methods=["GET"]),
        Route(f"{TENANTS}/{{tenant}}", limit, methods=["PUT"]),
        Route(f"{TENANTS}/{{tenant}}/keys", revoke_all, methods=["DELETE"]),
    ]


def _named(request: Request, what: str) -> str:
    name: str = request.path_params[what]
    return name


def _span(text: str | None, where: str) -> float | None:
    return None if text is None else seconds(text, where)


def _limited(control: Control, tenant: str, text: str) -> str:
    quota = Quota.parse(text, "quota")
    control.limit(tenant, quota)
    return str(quota)


def _shown(made: Made) -> Response:
    """A new key: the only answer that ever holds it."""
    return JSONResponse({"key": made.text, **made.key.as_dict(time.time())}, 201, _PRIVATE)


def _revoked(keys: Any) -> Response:
    return JSONResponse({"revoked": [key.name for key in keys]})
