"""What models there are, and about one of them. Several protocols call these paths their own, and one answer has what
the clients of each read: ours the name, digest and signature; OpenAI's the id; TensorFlow Serving's the state of the
version; KServe's whether it is ready."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aiaas.serve.models import Live
from aiaas.serve.protocols import call_of, openai, tensorflow_serving
from aiaas.serve.service import Service

NAME = "native"


def routes(service: Service) -> list[Route]:
    async def listed(request: Request) -> Response:
        found = service.models.of(call_of(request, NAME).caller)
        return JSONResponse({"object": "list", "data": [*map(openai.about, found)], "models": [*map(about, found)]})

    async def one(request: Request) -> Response:
        call = call_of(request, NAME)
        return JSONResponse(about(service.models.find(request.path_params["name"], call.caller)))

    return [Route("/v1/models", listed, methods=["GET"]), Route("/v1/models/{name}", one, methods=["GET"])]


def about(live: Live) -> dict[str, Any]:
    """All that a caller may know of a model, under the names of every protocol."""
    return {**live.described, **openai.about(live), **tensorflow_serving.state(live), "ready": True}
