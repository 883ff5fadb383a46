"""Answers of a model that writes: whole, or as server-sent events while it writes. A client that leaves stops it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import anyio
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from aiaas.contracts import Answer
from aiaas.serve.body import Asked, Body, Limits, read
from aiaas.serve.errors import answer_error
from aiaas.serve.predict import decode, encode

if TYPE_CHECKING:
    from aiaas.bundle import Bundle

_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}  # a proxy must not keep the events back


async def respond(
    request: Request, bundle: Bundle, head: bytes, body: Body, limits: Limits, workers: CapacityLimiter
) -> Response:
    """The response to `body`; `head` is all of it up to the answers. What is wrong with the request is raised before
    anything is written."""

    def prepare() -> tuple[Asked, list[dict[str, Any]]]:
        asked = read(body, limits.prompts, writes=True)
        return asked, decode(bundle, asked.inputs)

    asked, rows = await to_thread.run_sync(prepare, limiter=workers)
    if asked.stream:
        pieces = bundle.write(rows[0], asked.options)
        events = _events(bundle, head, pieces, request.state.request_id, workers)
        return StreamingResponse(events, media_type="text/event-stream", headers=_HEADERS)
    answers = await _while_asked(request, bundle, rows, asked.options, workers)
    if answers is None:  # nobody is there to read an answer
        return Response(status_code=499)
    return Response(head + encode(answers) + b"}", media_type="application/json")


async def _events(
    bundle: Bundle, head: bytes, pieces: Iterator[str], request_id: str, workers: CapacityLimiter
) -> AsyncIterator[bytes]:
    """An event `token` a piece, then `answer` with what the response would be as a whole; or `error` as the last."""
    text = ""
    try:
        while (piece := await to_thread.run_sync(next, pieces, None, limiter=workers)) is not None:
            text += piece
            if piece:  # a model may have nothing to say yet
                yield _event("token", encode({"text": piece}))
        yield _event("answer", head + encode([bundle.written(text)]) + b"}")
    except Exception as error:
        yield _event("error", bytes(answer_error(error, request_id).body))
    finally:
        _close(pieces)


def _event(name: str, data: bytes) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


async def _while_asked(
    request: Request,
    bundle: Bundle,
    rows: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any] | None,
    workers: CapacityLimiter,
) -> list[Answer] | None:
    """The answers, or None when the client went away before they were there."""
    gone = threading.Event()
    done: list[list[Answer] | None] = []
    failed: list[Exception] = []

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone.set()

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        try:
            done.append(await to_thread.run_sync(_write, bundle, rows, options, gone, limiter=workers))
        except Exception as error:  # raised below: a group would wrap it
            failed.append(error)
        group.cancel_scope.cancel()
    if failed:
        raise failed[0]
    return done[0]


def _write(
    bundle: Bundle, rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any] | None, gone: threading.Event
) -> list[Answer] | None:
    bundle.answer([], options)  # what is wrong with the options is said although there is no input
    answers: list[Answer] = []
    for row in rows:
        text = ""
        for piece in bundle.write(row, options):
            if gone.is_set():
                return None
            text += piece
        answers.append(bundle.written(text))
    return answers


def _close(pieces: Iterator[str]) -> None:
    close = getattr(pieces, "close", None)  # a generator has it, another iterator need not
    if close:
        close()
