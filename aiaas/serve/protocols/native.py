"""Our own protocol: a list of inputs in, a list of outputs out; files as they are; texts as they are written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from aiaas.serve.body import Asked, Body, read, read_body
from aiaas.serve.calls import Call
from aiaas.serve.errors import answer_error
from aiaas.serve.models import Live
from aiaas.serve.predict import encode
from aiaas.serve.presence import while_there
from aiaas.serve.protocols import call_of
from aiaas.serve.service import Service

NAME = "native"
LARGE = 64 << 10
"""Bytes of a body that is not read on the event loop."""
_EVENTS = {"cache-control": "no-store", "x-accel-buffering": "no"}  # a proxy must not keep them back


def routes(service: Service) -> list[Route]:
    async def listed(request: Request) -> Response:
        call = call_of(request, NAME)
        return JSONResponse({"models": [live.described for live in service.models.of(call.caller)]})

    async def one(request: Request) -> Response:
        call = call_of(request, NAME)
        return JSONResponse(service.models.find(request.path_params["name"], call.caller).described)

    async def predict(request: Request) -> Response:
        call = call_of(request, NAME)
        live = service.models.find(request.path_params["name"], call.caller)
        asked = await _asked(request, service, live)
        if asked.stream:
            live, pieces = await service.write(call, live.name, asked.inputs[0], asked.options)
            return StreamingResponse(_events(live, pieces, call), media_type="text/event-stream", headers=_EVENTS)
        answered = await while_there(request, service.answer(call, live.name, asked.inputs, asked.options))
        return Response(_body(answered.about, answered.outputs), media_type="application/json")

    return [
        Route("/v1/models/{name}/predict", predict, methods=["POST"]),
        Route("/v1/models", listed, methods=["GET"]),
        Route("/v1/models/{name}", one, methods=["GET"]),
    ]


async def _asked(request: Request, service: Service, live: Live) -> Asked:
    limits = service.limits
    body = await read_body(request, limits.body, live.media_types)
    writes = live.bundle.options is not None
    most = limits.prompts if writes else limits.rows

    def work(body: Body = body) -> Asked:
        return read(body, most, writes=writes)

    return work() if len(body.data) < LARGE else await asyncio.to_thread(work)


def _body(about: object, outputs: object) -> bytes:
    return encode(about)[:-1] + b',"outputs":' + encode(outputs) + b"}"


async def _events(live: Live, pieces: AsyncIterator[str], call: Call) -> AsyncIterator[bytes]:
    """An event `token` a piece, then `answer` with what the response would be as a whole; or `error` as the last."""
    text = ""
    try:
        async for piece in pieces:
            text += piece
            yield _event("token", encode({"text": piece}))
        yield _event("answer", _body(live.about, [live.bundle.written(text)]))
    except Exception as error:
        yield _event("error", bytes(answer_error(error, call.id).body))


def _event(name: str, data: bytes) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
