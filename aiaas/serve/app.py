"""The routes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
from anyio import to_thread
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from aiaas import plugins
from aiaas.contracts import TakesFiles
from aiaas.cores import cores
from aiaas.serve import writing
from aiaas.serve.body import Limits, read_body
from aiaas.serve.errors import NotFoundError, answer_error
from aiaas.serve.life import Boundary, Life
from aiaas.serve.openapi import describe
from aiaas.serve.predict import head, predict

if TYPE_CHECKING:
    from aiaas.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Served:
    """A model and what of its answers never changes."""

    bundle: Bundle
    head: bytes
    about: Mapping[str, Any]
    media_types: tuple[str, ...]
    """What an input may be as a file; empty where the task takes none."""


def create_app(
    models: Mapping[str, Bundle],
    *,
    life: Life | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> FastAPI:
    """A service of `models`, by the names that callers use. It holds no global state: an app a test is fine."""
    life = life or Life()
    served = {
        name: Served(bundle, head(bundle), _about(name, bundle), _media_types(bundle))
        for name, bundle in models.items()
    }
    app = FastAPI(title="aiaas", docs_url=None, redoc_url=None)
    app.add_middleware(Boundary, life=life)
    app.add_exception_handler(HTTPException, _http_exception)
    _add_health(app, life)
    _add_models(app, served)
    _add_predict(app, served, limits)
    document = describe({name: (each.bundle, each.media_types) for name, each in served.items()}, limits)
    app.openapi = lambda: document  # type: ignore[method-assign]
    return app


async def _http_exception(request: Request, error: Exception) -> Response:
    return answer_error(error, request.state.request_id)


def _add_health(app: FastAPI, life: Life) -> None:
    async def live(request: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(request: Request) -> Response:
        return JSONResponse({"status": "stopping"}, 503) if life.stopping else JSONResponse({"status": "ready"})

    # Plain routes: nothing of a request is for FastAPI to parse, and its dependencies cost time a request.
    app.add_route("/health/live", live, ["GET"])
    app.add_route("/health/ready", ready, ["GET"])


def _add_models(app: FastAPI, served: Mapping[str, Served]) -> None:
    async def listed(request: Request) -> Response:
        return JSONResponse({"models": [dict(each.about) for each in served.values()]})

    async def one(request: Request) -> Response:
        return JSONResponse(dict(_find(served, request).about))

    app.add_route("/v1/models", listed, ["GET"])
    app.add_route("/v1/models/{name}", one, ["GET"])


def _add_predict(app: FastAPI, served: Mapping[str, Served], limits: Limits) -> None:
    workers = anyio.CapacityLimiter(max(2, cores()))

    async def answer(request: Request) -> Response:
        model = _find(served, request)
        try:
            body = await read_body(request, limits.body, model.media_types)
        except ClientDisconnect:  # nobody is there to read an answer
            return Response(status_code=499)
        if model.bundle.options:
            return await writing.respond(request, model.bundle, model.head, body, limits, workers)
        given = await to_thread.run_sync(predict, model.bundle, model.head, body, limits.rows, limiter=workers)
        return Response(given, media_type="application/json")

    app.add_route("/v1/models/{name}/predict", answer, ["POST"])


def _find(served: Mapping[str, Served], request: Request) -> Served:
    name = request.path_params["name"]
    if name in served:
        return served[name]
    close = plugins.nearest(name, served)
    raise NotFoundError(
        "there is no such model", hint=f"did you mean {close!r}?" if close else "GET /v1/models lists what there is"
    )


def _media_types(bundle: Bundle) -> tuple[str, ...]:
    task = plugins.task(bundle.manifest["task"])
    return tuple(task.MEDIA_TYPES) if isinstance(task, TakesFiles) else ()


def _about(name: str, bundle: Bundle) -> dict[str, Any]:
    """What anyone may know of a model: no path, no recipe."""
    return {
        "name": name,
        "version": bundle.version,
        "digest": bundle.digest,
        "runtime": bundle.runtime,
        "task": bundle.manifest["task"],
        "signature": bundle.signature.as_dict(),
    }
