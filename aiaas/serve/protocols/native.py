"""Our own protocol: a list of inputs in, a list of outputs out; files as they are; texts as they are written."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from aiaas.serve.body import Asked, read, read_body
from aiaas.serve.calls import Call
from aiaas.serve.errors import answer_error
from aiaas.serve.models import Live
from aiaas.serve.predict import encode, encode_with
from aiaas.serve.presence import while_there
from aiaas.serve.protocols import call_of
from aiaas.serve.protocols.asking import most, off_the_loop
from aiaas.serve.service import Service

NAME = "native"
EVENTS = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""Headers of events: a proxy must not keep them back."""


def routes(service: Service) -> list[Route]:
    async def predict(request: Request) -> Response:
        call = call_of(request, NAME)
        live = service.models.find(request.path_params["name"], call.caller)
        asked = await _asked(request, service, live)
        if asked.stream:
            live, pieces = await service.write(call, live.name, asked.inputs[0], asked.options)
            return StreamingResponse(_events(live, pieces, call), media_type="text/event-stream", headers=EVENTS)
        answered = await while_there(request, service.answer(call, live.name, asked.inputs, asked.options))
        body = await encode_with(answered.about, "outputs", answered.outputs)
        return Response(body, media_type="application/json")

    return [Route("/v1/models/{name}/predict", predict, methods=["POST"])]


async def _asked(request: Request, service: Service, live: Live) -> Asked:
    body = await read_body(request, service.limits.body, live.media_types)
    writes = live.bundle.options is not None
    return await off_the_loop(len(body.data), lambda: read(body, most(service, live), writes=writes))


async def _events(live: Live, pieces: AsyncGenerator[str, None], call: Call) -> AsyncIterator[bytes]:
    """An event `token` a piece, then `answer` with what the response would be as a whole; or `error` as the last."""
    text = ""
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                text += piece
                yield _event("token", encode({"text": piece}))
        yield _event("answer", await encode_with(live.about, "outputs", [live.bundle.written(text)]))
    except Exception as error:
        yield _event("error", bytes(answer_error(error, call.id).body))


def _event(name: str, data: bytes) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
