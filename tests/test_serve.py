"""serve: a real server on loopback, asked over HTTP; nothing is lost when it stops."""

from __future__ import annotations

import io
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from aiaas import infer
from aiaas.errors import RemoteError, UsageError
from aiaas.infer.remote import RemoteModel
from aiaas.serve import server
from aiaas.serve.door import turn_newcomers_away
from aiaas.serve.guard import check_address
from aiaas.workspace import Workspace
from tests.echo import Echo

ECHO = Path(__file__).with_name("echo.py")
PREDICT = "/v1/models/echo/predict"
JSON = {"content-type": "application/json"}


@contextmanager
def served(seconds: float = 0.0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that serves the model `echo`, and its URL."""
    process = subprocess.Popen(
        [sys.executable, str(ECHO), str(seconds)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served() as (_, address):
        yield address


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, trust_env=False) as client:
        yield client


def test_predict(http: httpx.Client) -> None:
    response = http.post(PREDICT, json={"inputs": ["好", {"text": "很好"}, ""]})
    assert response.status_code == 200
    assert response.json() == {
        "model": "echo",
        "version": "3",
        "digest": "0" * 64,
        "outputs": [{"length": 1, "last": "好"}, {"length": 2, "last": "好"}, {"length": 0, "last": ""}],
    }
    assert http.post(PREDICT, json={"inputs": []}).json()["outputs"] == []


def test_models(http: httpx.Client) -> None:
    (model,) = http.get("/v1/models").json()["models"]
    assert model == http.get("/v1/models/echo").json()
    assert model["name"] == "echo"
    assert model["version"] == "3"
    assert model["signature"]["features"] == {"text": "string"}


def test_health(http: httpx.Client) -> None:
    assert http.get("/health/live").json() == {"status": "live"}
    assert http.get("/health/ready").json() == {"status": "ready"}


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "not JSON: expecting value"),
        (b"{secret", 400, "not JSON"),
        (b'{"inputs": [NaN]}', 400, "NaN is not JSON"),
        (b'{"inputs": [-Infinity]}', 400, "-Infinity is not JSON"),
        (b'{"inputs": [1e999]}', 400, "too large"),
        (b'{"inputs": ["\\udc80 secret"]}', 400, "surrogate"),
        (b'{"inputs": ' + b"[" * 100_000, 400, "nested deeper"),
        (b'{"inputs": [' + b"[" * 40 + b"]" * 40 + b"]}", 400, "nested deeper"),
        (b'{"inputs": ["\xff secret"]}', 400, "not UTF-8"),
        ('{"inputs": ["secret"]}'.encode("utf-16"), 400, "not UTF-8"),
        (b"[]", 400, "no object with a list of inputs"),
        (b'{"inputs": "secret"}', 400, "no object with a list of inputs"),
        (b'{"inputs": [], "secret": 1}', 400, "more than inputs"),
        (json.dumps({"inputs": ["x"] * 10_001}).encode(), 413, "more than 10,000 inputs"),
        (b" " * ((16 << 20) + 1), 413, "longer than 16,777,216 bytes"),
        (b'{"inputs": ["poison secret"]}', 422, "a text is poisoned"),
    ],
)
def test_bad_bodies(http: httpx.Client, body: bytes, status: int, message: str) -> None:
    response = http.post(PREDICT, content=body, headers=JSON)
    assert response.status_code == status
    assert message in response.json()["error"]["message"]
    assert "secret" not in response.text
    assert response.json()["request_id"] == response.headers["x-request-id"]


def test_a_body_of_unknown_length_is_bounded(http: httpx.Client) -> None:
    response = http.post(PREDICT, content=(b" " * (1 << 20) for _ in range(17)), headers=JSON)
    assert response.status_code == 413


def test_inputs_that_do_not_fit_are_all_named(http: httpx.Client) -> None:
    response = http.post(PREDICT, json={"inputs": ["good", 7, "refuse secret", "good"]})
    assert response.status_code == 422
    error = response.json()["error"]
    assert error["code"] == "data"
    assert error["message"] == "an input must be a string"
    assert error["where"] == "inputs[1]"
    assert error["hint"] == "such as a review"
    assert [fault["where"] for fault in error["faults"]] == ["inputs[1]", "inputs[2]"]
    assert "secret" not in response.text
    many = http.post(PREDICT, json={"inputs": [1] * 5000}).json()["error"]["faults"]
    assert len(many) == 100


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code", "hint"),
    [
        ("POST", "/v1/models/ecko/predict", JSON, 404, "not-found", "did you mean 'echo'?"),
        ("GET", "/v1/models/zzz", {}, 404, "not-found", "GET /v1/models lists what there is"),
        ("GET", "/secret", {}, 404, "not-found", "GET /openapi.json lists what there is"),
        ("GET", PREDICT, {}, 405, "method-not-allowed", "GET /openapi.json lists what there is"),
        ("POST", PREDICT, {"content-type": "text/plain"}, 415, "media-type", "send the header"),
        ("POST", PREDICT, {**JSON, "content-encoding": "gzip"}, 415, "media-type", "send it as it is"),
    ],
)
def test_refusals(
    http: httpx.Client, method: str, path: str, headers: dict[str, str], status: int, code: str, hint: str
) -> None:
    response = http.request(method, path, headers=headers, content=b"{}" if method == "POST" else None)
    assert response.status_code == status
    assert response.json()["error"]["code"] == code
    assert hint in response.json()["error"]["hint"]
    assert "secret" not in response.text
    assert response.headers["x-request-id"]


def test_a_fault_of_ours_is_told_without_its_trace(http: httpx.Client) -> None:
    response = http.post(PREDICT, json={"inputs": ["nan"]})  # an answer that JSON cannot hold
    assert response.status_code == 500
    assert response.json()["error"]["message"] == "the service could not answer"
    assert "Error" not in response.text
    assert response.headers["x-request-id"] == response.json()["request_id"]
    assert http.post(PREDICT, json={"inputs": ["a"]}).status_code == 200


def test_request_ids(http: httpx.Client) -> None:
    assert http.get("/health/live", headers={"x-request-id": "abc-1.2_3"}).headers["x-request-id"] == "abc-1.2_3"
    for bad in ("a b", "x" * 65, "<script>"):
        assert http.get("/health/live", headers={"x-request-id": bad}).headers["x-request-id"] != bad
    ids = {http.get("/health/live").headers["x-request-id"] for _ in range(50)}
    assert len(ids) == 50


def test_openapi_holds_a_request_that_works(http: httpx.Client) -> None:
    document = http.get("/openapi.json").json()
    operation = document["paths"][PREDICT]["post"]
    body = operation["requestBody"]["content"]["application/json"]
    assert body["schema"]["required"] == ["inputs"]
    response = http.post(PREDICT, json=body["example"])
    assert response.json() == operation["responses"]["200"]["content"]["application/json"]["example"]


def test_an_unknown_key_is_not_repeated() -> None:
    from aiaas import contracts
    from aiaas.errors import DataError
    from aiaas.serve.predict import decode

    class Rows(Echo):
        def decode(self, value: Any) -> dict[str, Any]:
            raise DataError(f"there is no column {next(iter(value))[:40]!r}; allowed: 'size'")

    rows: Any = Rows({"size": "int64"})
    assert isinstance(rows.signature, contracts.Signature)
    with pytest.raises(DataError, match="there is no column '…'; allowed: 'size'"):
        decode(rows, [{"secret": 1}])


def test_every_route_is_in_the_document() -> None:
    from aiaas.serve.app import create_app
    from aiaas.serve.calls import LOCAL
    from aiaas.serve.openapi import describe

    echo: Any = Echo()
    app = create_app({"echo": echo})
    routes = {
        route.path.replace("{name}", "echo").replace("{version}", "3")  # type: ignore[attr-defined]
        for route in app.routes
    }
    assert routes - {"/openapi.json"} == set(describe(app.state.service, LOCAL)["paths"])


def test_health_answers_during_load() -> None:
    with served(seconds=0.3) as (_, address), httpx.Client(base_url=address, trust_env=False) as client:
        threads = [
            threading.Thread(target=httpx.post, args=(address + PREDICT,), kwargs={"json": {"inputs": ["a"]}})
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        answered = 0
        while any(thread.is_alive() for thread in threads):
            assert client.get("/health/ready").status_code == 200
            answered += 1
        for thread in threads:
            thread.join()
        assert answered > 8  # had it waited for a prediction each time, there were fewer


class Callers:
    """Clients that ask without pause until the door is closed; what was lost on the way is kept."""

    def __init__(self, address: str, *, kept: bool) -> None:
        self.lost: list[str] = []
        self.answered = 0
        self.threads = [threading.Thread(target=self._ask, args=(address, kept, number)) for number in range(8)]
        self.busy = threading.Event()

    def _ask(self, address: str, kept: bool, number: int) -> None:
        client = httpx.Client(base_url=address, trust_env=False)
        turn = 0
        while True:
            turn += 1
            text = "x" * (number * 100 + turn % 100)
            try:
                response = client.post(
                    PREDICT, json={"inputs": [text]}, headers={} if kept else {"connection": "close"}
                )
            except httpx.ConnectError:
                break  # closed: never accepted, so not lost
            except httpx.HTTPError as error:
                self.lost.append(repr(error))
                break
            if response.status_code != 200 or response.json()["outputs"][0]["length"] != len(text):
                self.lost.append(response.text)
            self.answered += 1
            if self.answered >= 50:
                self.busy.set()
        client.close()


@pytest.mark.parametrize("kept", [True, False], ids=["kept-alive", "a connection each"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_no_request_is_lost_when_it_stops(number: signal.Signals, kept: bool) -> None:
    with served(seconds=0.005) as (process, address):
        callers = Callers(address, kept=kept)
        for thread in callers.threads:
            thread.start()
        assert callers.busy.wait(60)
        process.send_signal(number)
        for thread in callers.threads:
            thread.join(30)
        _, stderr = process.communicate(timeout=30)
        assert process.returncode == 0
        assert callers.lost == []
        assert callers.answered >= 50
        assert "Traceback" not in stderr


def test_a_request_under_way_is_finished() -> None:
    with served(seconds=1.5) as (process, address):
        given: list[httpx.Response] = []
        asked = threading.Thread(
            target=lambda: given.append(httpx.post(address + PREDICT, json={"inputs": ["ab"]}, trust_env=False))
        )
        asked.start()
        assert process.stdout is not None
        assert process.stdout.readline() == "answering\n"
        process.send_signal(signal.SIGTERM)
        asked.join()
        assert given[0].json()["outputs"][0]["length"] == 2
        process.communicate(timeout=10)
        assert process.returncode == 0


def test_readiness_tells_of_the_end() -> None:
    from aiaas.serve.app import create_app
    from aiaas.serve.life import Life

    echo: Any = Echo()
    app = create_app({"echo": echo}, life=Life(stopping=True))

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return [
                await client.get("/health/ready"),
                await client.get("/health/live"),
                await client.post(PREDICT, json={"inputs": ["a"]}),
            ]

    ready, live, answered = anyio.run(ask)
    assert (ready.status_code, ready.json()) == (503, {"status": "stopping"})
    assert (live.status_code, answered.status_code) == (200, 200)  # who is still here is still answered
    assert {each.headers["connection"] for each in (ready, live, answered)} == {"close"}


def test_an_idle_service_stops_at_once() -> None:
    with served() as (process, _):
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=10)
        assert (process.returncode, stderr) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_newcomers_are_turned_away_while_those_at_the_door_come_in() -> None:
    with server.listen("127.0.0.1", 0) as door, socket.create_connection(door.getsockname()) as early:
        turn_newcomers_away(door)
        with pytest.raises(TimeoutError):
            socket.create_connection(door.getsockname(), timeout=0.2)
        inside, _ = door.accept()
        with inside:
            early.sendall(b"still here")
            assert inside.recv(10) == b"still here"


def test_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} is in use") as caught:
            server.listen("127.0.0.1", port)
    assert caught.value.hint is not None
    assert "--port" in caught.value.hint


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
def test_only_loopback(host: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no loopback address") as caught:
        check_address(host, None, Workspace(tmp_path))
    assert caught.value.hint is not None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_port_zero_takes_a_free_one(host: str) -> None:
    try:
        door = server.listen(host, 0)
    except UsageError:
        assert host == "::1", "only IPv6 may be absent"
        pytest.skip("no IPv6 here")
    with door:
        assert door.getsockname()[1] > 0
        assert door.proto == socket.IPPROTO_TCP  # else asyncio leaves Nagle's delay on


def test_infer_asks_a_service(url: str) -> None:
    lines = [f"text {'x' * (i % 50)}" for i in range(3000)]
    lines[5] = "refuse"
    lines[2000] = "poison"
    for i in range(2100, 2500):
        lines[i] = "refuse"  # more than a response names at once
    out = io.BytesIO()
    model = RemoteModel(url)
    summary = infer.infer(model, io.BytesIO("\n".join(lines).encode()), out)
    model.close()
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [each.get("length") for each in answers] == [
        len(line) if line.startswith("text") else None for line in lines
    ]
    assert [each["error"]["line"] - 1 for each in answers if "error" in each] == [5, 2000, *range(2100, 2500)]
    assert (summary.model, summary.version, summary.digest) == ("echo", "3", "0" * 64)


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/models", "/v1/models/echo", "/v1/models/echo/predict"])
def test_urls_of_a_service(url: str, suffix: str) -> None:
    model = RemoteModel(url + suffix)
    assert model.answer(["ab"]) == [{"length": 2, "last": "b"}]
    model.close()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda url: f"{url}/v1/models/ecko", UsageError, "has no model 'ecko'"),
        (lambda url: f"{url}/elsewhere", UsageError, "no aiaas service"),
        (lambda url: "http://127.0.0.1:99999", UsageError, "cannot be read"),
        (lambda url: "http://", UsageError, "not a service's URL"),
        (lambda url: url.replace("://", "://user:word@"), UsageError, "not a service's URL"),
        (lambda url: f"http://127.0.0.1:{closed_port()}", RemoteError, "does not answer"),
    ],
)
def test_a_service_that_is_not_there(url: str, make: Callable[[str], str], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        RemoteModel(make(url))
    assert "word" not in f"{caught.value} {caught.value.where}"  # type: ignore[attr-defined]
