"""Connections of clients that send slowly, send nothing, take nothing, or send what is no request."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from aiaas.serve import connection
from aiaas.serve.app import create_app
from aiaas.serve.entrance import Entrance
from aiaas.serve.life import Life
from aiaas.serve.server import listen
from aiaas.serve.stop import GracefulServer
from tests.echo import Echo

HEALTH = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
PREDICT = b"POST /v1/models/echo/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Client]]


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[Connect]:
    """A service in this event loop; gives what connects to it, until the end."""
    clients: list[Client] = []
    with listen("127.0.0.1", 0) as door:
        server = GracefulServer(app, Life(), lambda: server.open())
        running = asyncio.create_task(server.serve([door]))
        while not server.started:
            await asyncio.sleep(0.01)
        port = door.getsockname()[1]

        async def connect() -> Client:
            clients.append(await asyncio.open_connection("127.0.0.1", port))
            return clients[-1]

        try:
            yield connect
        finally:
            for _, writer in clients:
                writer.transport.abort()
            server.force_exit = server.should_exit = True
            await running


def echo() -> Any:
    bundle: Any = Echo()
    return create_app({"echo": bundle})


async def ended(reader: asyncio.StreamReader, within: float = 5.0) -> bytes:
    """What came until the connection was closed."""
    try:
        return await asyncio.wait_for(reader.read(), within)
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("first", [b"", HEALTH, HEALTH + b"\r\n" + HEALTH], ids=["nothing", "a part", "a second part"])
def test_who_does_not_send_a_whole_head_is_left(first: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD", 0.3)

    async def go() -> bytes:
        async with serving(echo()) as connect:
            reader, writer = await connect()

            async def dribble() -> None:
                writer.write(first)
                while first:
                    await asyncio.sleep(0.05)
                    writer.write(b"a")

            sending = asyncio.create_task(dribble())
            try:
                return await ended(reader)
            finally:
                sending.cancel()

    told = asyncio.run(go())
    assert told.count(b"HTTP/1.1 200") == (1 if first.endswith(HEALTH) and first != HEALTH else 0)


def test_a_request_may_take_longer_than_its_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD", 0.2)

    async def go() -> bytes:
        async with serving(echo()) as connect:
            reader, writer = await connect()
            writer.write(PREDICT + b"Connection: close\r\nContent-Length: 17\r\n\r\n")
            for byte in b'{"inputs": ["a"]}':
                await asyncio.sleep(0.03)
                writer.write(bytes([byte]))
            return await ended(reader)

    assert asyncio.run(go()).startswith(b"HTTP/1.1 200")


def test_a_body_that_does_not_come_in_time_is_not_waited_for() -> None:
    async def go() -> bytes:
        async with serving(echo()) as connect:
            reader, writer = await connect()
            writer.write(PREDICT + b"X-Request-Timeout: 0.2\r\nContent-Length: 1000\r\n\r\n{")
            return await asyncio.wait_for(reader.readuntil(b"request_id"), 5)

    told = asyncio.run(go())
    assert told.startswith(b"HTTP/1.1 504")
    assert b'"code": "deadline"' in told


def test_who_does_not_take_the_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "TAKEN", 0.2)

    async def large(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(bytes(64 << 20))(scope, receive, send)

    async def go() -> int:
        async with serving(large) as connect:
            reader, writer = await connect()
            writer.write(HEALTH + b"\r\n")
            await asyncio.sleep(0.6)
            return len(await ended(reader))

    assert asyncio.run(go()) < 64 << 20


def test_what_is_no_request_is_refused_and_old_and_pipelined_ones_are_answered() -> None:
    async def say(connect: Connect, *parts: bytes) -> bytes:
        reader, writer = await connect()
        for part in parts:
            writer.write(part)
        return await ended(reader, 10)

    async def go() -> None:
        async with serving(echo()) as connect:
            assert (await say(connect, b"NONSENSE\r\n\r\n")).startswith(b"HTTP/1.1 400")
            long = await say(connect, HEALTH, *[b"X-Long: " + b"a" * 1000 + b"\r\n"] * 200, b"\r\n")
            assert b" 200 " not in long, "a head has a bound"
            old = await say(connect, b"GET /health/live HTTP/1.0\r\n\r\n")
            assert old.endswith(b'{"status":"live"}')
            many = await say(connect, (HEALTH + b"\r\n") * 50, HEALTH + b"Connection: close\r\n\r\n")
            assert many.count(b"HTTP/1.1 200") == 51

    asyncio.run(go())


def test_files_are_left_for_what_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiaas.serve.entrance.most_files", lambda: 0)
    monkeypatch.setattr("aiaas.serve.entrance.KEPT", 2)
    monkeypatch.setattr("aiaas.serve.entrance.EXHAUSTED", 0.05)
    held: list[asyncio.Protocol] = []

    def protocol() -> asyncio.Protocol:
        held.append(asyncio.Protocol())
        return held[-1]

    async def go() -> list[int]:
        with listen("127.0.0.1", 0) as door:
            entrance = Entrance(door, protocol, None, lambda: len(held))
            entrance.open()
            counts, clients = [], []
            for _ in range(4):
                clients.append(socket.create_connection(door.getsockname()))
                await asyncio.sleep(0.1)
                counts.append(len(held))
            held.clear()
            await asyncio.sleep(0.2)
            counts.append(len(held))
            entrance.close()
            for client in clients:
                client.close()
            return counts

    assert asyncio.run(go()) == [1, 2, 2, 2, 2]
