"""serve: connections on which no request comes to its end, or none that is HTTP."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from aiaas.serve import connection
from aiaas.serve.app import create_app
from aiaas.serve.entrance import Entrance
from aiaas.serve.life import Life
from aiaas.serve.server import listen
from aiaas.serve.stop import GracefulServer
from tests.echo import Echo
from tests.wire import request

HEAD, READ = 0.2, 0.2
RIGHT = request("/v1/models/echo/predict", b'{"inputs":["a"]}', {"content-type": "application/json"})


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The door of a server in a thread, where a head may take `HEAD` seconds, and an answer `READ` until some is read.
    The model `rows` answers with what it was asked."""
    monkeypatch.setattr(connection, "HEAD", HEAD)
    monkeypatch.setattr(connection, "READ", READ)
    ready, life, models = threading.Event(), Life(), {"echo": Echo(), "rows": Echo({"name": "string"})}

    def begin() -> None:
        server.open()
        ready.set()

    server = GracefulServer(create_app(models, life=life), life, begin)  # type: ignore[arg-type]
    with listen("127.0.0.1", 0) as opened:
        thread = threading.Thread(target=server.run, args=([opened],))
        thread.start()
        ready.wait()
        yield opened
        server.should_exit = True
        thread.join()


def said(client: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    return b"".join(iter(lambda: client.recv(1 << 16), b""))


@pytest.mark.parametrize("sent", [b"", b"POST /v1/models/echo/pre", RIGHT[:-60]], ids=["nothing", "a word", "no end"])
def test_who_never_ends_a_head_is_let_go(door: socket.socket, sent: bytes) -> None:
    with socket.create_connection(door.getsockname(), timeout=20) as client:
        client.sendall(sent)
        began = time.monotonic()
        assert said(client) == b""
        assert time.monotonic() - began > HEAD / 2


def test_drops_do_not_keep_a_connection(door: socket.socket) -> None:
    """Neither at first nor after a request: a head may take so long as a whole."""
    with socket.create_connection(door.getsockname(), timeout=20) as client:
        client.sendall(RIGHT)
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")
        client.sendall(b"GET /")
        began = time.monotonic()
        client.setblocking(False)
        while not _is_closed(client):
            assert time.monotonic() < began + 20
            with suppress(ConnectionError):
                client.send(b"a")
            time.sleep(HEAD / 10)
        assert time.monotonic() - began > HEAD / 2


def _is_closed(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_a_body_may_take_longer_than_a_head(door: socket.socket) -> None:
    with socket.create_connection(door.getsockname(), timeout=20) as client:
        client.sendall(RIGHT[:-5])
        time.sleep(2 * HEAD)
        client.sendall(RIGHT[-5:])
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")


def test_a_large_answer_that_nobody_takes_is_dropped(door: socket.socket) -> None:
    row = b'{"name":"%s"}' % (b"a" * 1000)
    body = b'{"inputs":[' + b",".join([row] * 9000) + b"]}"
    headers = {"content-type": "application/json", "connection": "close"}
    with socket.create_connection(door.getsockname(), timeout=20) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        client.sendall(request("/v1/models/rows/predict", body, headers))
        got = client.recv(1 << 16)  # it has begun to answer
        assert got.startswith(b"HTTP/1.1 200")
        time.sleep(4 * READ)
        with suppress(ConnectionResetError):
            got += said(client)
    assert len(got) < len(body)


class Sending:
    """A connection of uvicorn's, or what is asked of it, whose client has still to take as much as `unsent` says."""

    cycle = None

    def __init__(self, unsent: list[int]) -> None:
        self.unsent = unsent
        self.aborted = False
        self.transport = self

    def get_write_buffer_size(self) -> int:
        return self.unsent.pop(0)

    def abort(self) -> None:
        self.aborted = True

    def pause_writing(self) -> None: ...

    def resume_writing(self) -> None: ...


@pytest.mark.parametrize(
    ("unsent", "left"), [([9, 8, 7, 7, 6], [6]), ([9, 9, 8], [8]), ([9, 8], None)], ids=["then not", "not", "all"]
)
def test_an_answer_waits_for_who_takes_it(
    unsent: list[int], left: list[int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who takes some of it each time is waited for, also long; who took none since the last look is not."""
    monkeypatch.setattr(connection, "READ", 0.02)

    async def send() -> None:
        sending: Any = connection.guarded(Sending)(unsent)
        sending.pause_writing()
        if left is None:
            await asyncio.sleep(0.03)
            sending.resume_writing()
        await asyncio.sleep(0.2)
        assert sending.aborted == (left is not None)
        assert sending.unsent == (left or [])

    asyncio.run(send())


@pytest.mark.parametrize("path", ["/v1/models/echo/predict", "/nothing"], ids=["read", "answered at once"])
def test_a_body_that_is_no_http_is_refused_without_a_trace(
    door: socket.socket, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    """Also where the application answers before it reads the body."""
    head = f"POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    with caplog.at_level(logging.WARNING):
        for body in (b"zz\r\n", b"5\r\nabcdefgh", b"-1\r\n\r\n"):
            with socket.create_connection(door.getsockname(), timeout=20) as client:
                client.sendall(head.encode() + body)
                assert said(client).startswith(b"HTTP/1.1 400")
    assert [each for each in caplog.records if each.levelno > logging.WARNING] == []


def test_a_long_head_is_refused_and_old_and_pipelined_requests_are_answered(door: socket.socket) -> None:
    health = b"GET /health/live HTTP/1.1\r\nhost: a\r\n"

    def say(data: bytes) -> bytes:
        with socket.create_connection(door.getsockname(), timeout=20) as client, suppress(ConnectionError):
            client.sendall(data)
            return said(client)
        return b""

    assert b" 200 " not in say(health + b"x-long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 4000 + b"\r\n")
    assert say(b"GET /health/live HTTP/1.0\r\n\r\n").endswith(b'{"status":"live"}')
    assert say((health + b"\r\n") * 50 + health + b"connection: close\r\n\r\n").count(b"HTTP/1.1 200") == 51


def test_a_head_is_refused_where_it_gets_too_long_and_a_body_is_none(door: socket.socket) -> None:
    with socket.create_connection(door.getsockname(), timeout=20) as client:
        client.sendall(b"GET /health/live HTTP/1.1\r\nhost: a\r\n")
        time.sleep(HEAD / 10)
        client.sendall(b"x-long: %s\r\n" % (b"a" * 1000) * 70)
        assert said(client).startswith(b"HTTP/1.1 431")
    body = b'{"inputs":["%s"]}' % (b"a" * 200_000)
    whole = request("/v1/models/echo/predict", body, {"content-type": "application/json", "connection": "close"})
    with socket.create_connection(door.getsockname(), timeout=20) as client:
        client.sendall(whole[: -len(body) - 1])  # half of the end of the head
        time.sleep(HEAD / 4)
        client.sendall(whole[-len(body) - 1 :])
        assert said(client).startswith(b"HTTP/1.1 200")


def test_the_rest_of_a_body_that_was_refused_at_once_is_no_head(door: socket.socket) -> None:
    """The connection is kept: the next request is answered."""
    body = b"a" * 300_000
    whole = request("/nothing", body, {"content-type": "application/json"})
    with socket.create_connection(door.getsockname(), timeout=20) as client:
        client.sendall(whole[: -len(body) + 10])
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 404")
        for start in range(10, len(body), 50_000):
            client.sendall(body[start : start + 50_000])
            time.sleep(0.01)
        client.sendall(RIGHT)
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")


def test_files_are_left_for_what_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiaas.serve.entrance.most_files", lambda: 0)
    monkeypatch.setattr("aiaas.serve.entrance.KEPT", 2)
    monkeypatch.setattr("aiaas.serve.entrance.EXHAUSTED", 0.05)
    held: list[asyncio.Protocol] = []

    def protocol() -> asyncio.Protocol:
        held.append(asyncio.Protocol())
        return held[-1]

    async def go() -> list[int]:
        with listen("127.0.0.1", 0) as opened:
            entrance = Entrance(opened, protocol, None, lambda: len(held))
            entrance.open()
            counts, clients = [], []
            for _ in range(4):
                clients.append(socket.create_connection(opened.getsockname()))
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
