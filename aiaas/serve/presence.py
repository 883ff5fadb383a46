"""Whether the client still is there: work for one that left is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

Value = TypeVar("Value")

SOON = 0.02
"""Seconds in which most requests are answered, and in which nobody is looked for."""


async def while_there(request: Request, work: Coroutine[Any, Any, Value]) -> Value:
    """What `work` gives, whose request has been read to its end; ClientDisconnect when the client went away first, and
    then the work is cancelled."""
    loop = asyncio.get_running_loop()
    asking = asyncio.current_task()
    watching: list[asyncio.Task[None]] = []
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone = True
        if asking is not None:
            asking.cancel()

    timer = loop.call_later(SOON, lambda: watching.append(loop.create_task(watch())))
    try:
        return await work
    except asyncio.CancelledError:
        if gone and asking is not None and not asking.uncancel():
            raise ClientDisconnect from None
        raise
    finally:
        timer.cancel()
        for each in watching:
            each.cancel()
