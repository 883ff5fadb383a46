"""The application: protocols over one service, behind one boundary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from aiaas.cores import cores
from aiaas.serve import admin
from aiaas.serve.access import Access, Everyone
from aiaas.serve.admission import Admission
from aiaas.serve.boundary import Boundary
from aiaas.serve.life import Life
from aiaas.serve.limits import Limits
from aiaas.serve.managing import Manager
from aiaas.serve.models import Models
from aiaas.serve.openapi import describe
from aiaas.serve.protocols import about, mlflow, native, openai, openinference, tensorflow_serving, wordings
from aiaas.serve.refusals import Refusals
from aiaas.serve.service import Service
from aiaas.serve.watching import All, Exposing, Watcher

if TYPE_CHECKING:
    from aiaas.bundle import Bundle
    from aiaas.control import Control

PROTOCOLS = (about, native, mlflow, openinference, tensorflow_serving, openai)


def create_app(
    models: Mapping[str, Bundle],
    *,
    life: Life | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    access: Access | None = None,
    admission: Admission | None = None,
    control: Control | None = None,
    manager: Manager | None = None,
    watchers: Sequence[Watcher] = (),
) -> Starlette:
    """A service of `models`, by the names that callers use. Without `access` whoever reaches it may ask; with `control`
    administrators manage keys and aliases, with `manager` which models answer. It holds no global state: an app a test
    is fine."""
    life = life or Life()
    threads = ThreadPoolExecutor(cores(), "aiaas-compute")
    watcher = All(watchers)
    answering = Models(threads, limits, watcher)
    for name, bundle in models.items():
        answering.put(name, bundle)
    writers = ThreadPoolExecutor(max(2, cores()), "aiaas-write")
    service = Service(answering, limits, threads, writers, admission, life)
    routes = [
        *(route for protocol in PROTOCOLS for route in protocol.routes(service)),
        *_health(life),
        *(admin.routes(service, control, manager) if control else ()),
        _document(service, manages=control is not None and manager is not None),
        *(route for each in watchers if isinstance(each, Exposing) for route in each.routes()),
    ]

    def bounded(app: ASGIApp) -> Boundary:
        return Boundary(
            app,
            life=life,
            access=access or Everyone(),
            admission=service.admission,
            seconds=limits.seconds,
            refusals=Refusals(limits.refusals),
            watcher=watcher,
            wording=wordings(PROTOCOLS),
        )

    app = _App(routes, bounded)
    app.state.service = service
    return app


class _App(Starlette):
    """Routes behind a boundary, and nothing else: it answers all errors, those of the routing too, so what Starlette
    wraps around an application to do that would only cost time."""

    def __init__(self, routes: Sequence[Route], bounded: Callable[[ASGIApp], ASGIApp]) -> None:
        super().__init__(routes=routes)
        self._bounded = bounded

    def build_middleware_stack(self) -> ASGIApp:
        return self._bounded(self.router)


def _health(life: Life) -> list[Route]:
    async def live(request: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(request: Request) -> Response:
        return JSONResponse({"status": life.status}, 503 if life.stopping else 200)

    return [Route("/health/live", live, methods=["GET"]), Route("/health/ready", ready, methods=["GET"])]


def _document(service: Service, *, manages: bool) -> Route:
    async def openapi(request: Request) -> Response:
        caller = request.state.call.caller
        document = describe(service, caller)
        if manages and "admin" in caller.scopes:
            document["paths"] |= admin.paths()
        return JSONResponse(document)

    return Route("/openapi.json", openapi, methods=["GET"])
