"""The application: protocols over one service, behind one boundary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aiaas.cores import cores
from aiaas.serve.access import Access, Everyone
from aiaas.serve.body import Limits
from aiaas.serve.boundary import Boundary
from aiaas.serve.errors import answer_error
from aiaas.serve.life import Life
from aiaas.serve.models import Models
from aiaas.serve.openapi import describe
from aiaas.serve.protocols import native
from aiaas.serve.service import Admission, Service
from aiaas.serve.watching import All, Exposing, Watcher

if TYPE_CHECKING:
    from aiaas.bundle import Bundle

PROTOCOLS = (native,)


def create_app(
    models: Mapping[str, Bundle],
    *,
    life: Life | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    access: Access | None = None,
    admission: Admission | None = None,
    watchers: Sequence[Watcher] = (),
) -> Starlette:
    """A service of `models`, by the names that callers use. It holds no global state: an app a test is fine."""
    life = life or Life()
    threads = ThreadPoolExecutor(cores(), "aiaas-compute")
    watcher = All(watchers)
    answering = Models(threads, limits, watcher)
    for name, bundle in models.items():
        answering.put(name, bundle)
    service = Service(answering, limits, threads, ThreadPoolExecutor(max(2, cores()), "aiaas-write"), admission)
    app = Starlette(
        routes=[
            *(route for protocol in PROTOCOLS for route in protocol.routes(service)),
            *_health(life),
            _document(service),
            *(route for each in watchers if isinstance(each, Exposing) for route in each.routes()),
        ],
        exception_handlers={HTTPException: _http_exception},
    )
    app.state.service = service
    app.add_middleware(Boundary, life=life, access=access or Everyone(), seconds=limits.seconds, watcher=watcher)
    return app


async def _http_exception(request: Request, error: Exception) -> Response:
    response = answer_error(error, request.state.request_id)
    request.state.code = response.code
    return response


def _health(life: Life) -> list[Route]:
    async def live(request: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(request: Request) -> Response:
        return JSONResponse({"status": "stopping"}, 503) if life.stopping else JSONResponse({"status": "ready"})

    return [Route("/health/live", live, methods=["GET"]), Route("/health/ready", ready, methods=["GET"])]


def _document(service: Service) -> Route:
    async def openapi(request: Request) -> Response:
        return JSONResponse(describe(service, request.state.call.caller))

    return Route("/openapi.json", openapi, methods=["GET"])
