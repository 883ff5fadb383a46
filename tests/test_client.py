"""The clients: what they send, what they make of what comes back, and that they give up where it is right."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

import aiaas
from aiaas.client import requests
from aiaas.errors import AiaasError, DataError, RemoteError, UsageError
from tests.test_serve import served

Handler = Callable[[httpx.Request], httpx.Response]
ABOUT = {"model": "echo", "version": "1", "digest": "d"}


def answering(request: httpx.Request) -> httpx.Response:
    inputs = json.loads(request.content)["inputs"]
    return httpx.Response(200, json={**ABOUT, "outputs": [{"text": each} for each in inputs]})


MIXED = ["good", "good", "large", "good"]


def problem(status: int, code: str = "x", where: str | None = None, **headers: str) -> httpx.Response:
    error = {"code": code, "message": "it is so", "where": where, "hint": "do that"}
    return httpx.Response(status, json={"error": error, "request_id": "r1"}, headers=headers)


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Asks with either client; they must not differ."""

    def sync(handler: Handler, inputs: list[Any], **more: Any) -> Any:
        with aiaas.Client("http://127.0.0.1:1", transport=httpx.MockTransport(handler), **more) as client:
            return client.predict("echo", inputs)

    def asynchronous(handler: Handler, inputs: list[Any], **more: Any) -> Any:
        async def run() -> Any:
            transport = httpx.MockTransport(handler)
            async with aiaas.AsyncClient("http://127.0.0.1:1", transport=transport, **more) as client:
                return await client.predict("echo", inputs)

        return asyncio.run(run())

    return sync if request.param == "sync" else asynchronous


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits; how long they would have is kept."""
    waited: list[float] = []

    async def later(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("aiaas.client.synchronous.time.sleep", waited.append)
    monkeypatch.setattr("aiaas.client.asynchronous.asyncio.sleep", later)
    return waited


def test_any_number_of_inputs_comes_back_in_order(ask: Callable[..., Any]) -> None:
    sizes: list[int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sizes.append(len(json.loads(request.content)["inputs"]))
        return answering(request)

    texts = [f"text {number}" for number in range(1_234)]
    answers = ask(handler, texts, batch=100)
    assert [each["text"] for each in answers.outputs] == texts
    assert (answers.model, answers.versions, len(answers)) == ("echo", (("1", "d"),), 1_234)
    assert sorted(sizes) == [34, *[100] * 12]
    assert ask(handler, []).outputs == []


def test_requests_are_no_larger_than_a_service_takes(ask: Callable[..., Any]) -> None:
    sizes: list[int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sizes.append(len(request.content))
        return answering(request)

    texts = ["x" * 1_000_000 for _ in range(9)]
    assert len(ask(handler, texts)) == 9
    assert max(sizes) <= requests.BYTES + 100
    assert len(ask(handler, ["y" * (5 << 20), "z"])) == 2, "one that is larger goes alone"


def test_bytes_go_as_base64_and_what_json_cannot_hold_is_said_with_its_place(ask: Callable[..., Any]) -> None:
    assert ask(answering, [b"\xff\x00"]).outputs == [{"text": "/wA="}]
    for bad in (float("nan"), {1, 2}, "\ud800"):
        with pytest.raises(DataError) as caught:
            ask(answering, ["good", bad])
        assert caught.value.where == "inputs[1]"


def test_what_a_service_asks_to_send_later_is_sent_later(ask: Callable[..., Any], quick: list[float]) -> None:
    turns: list[int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        turns.append(1)
        if len(turns) == 1:
            return problem(429, **{"retry-after": "7"})
        if len(turns) == 2:
            return problem(503)
        if len(turns) == 3:
            raise httpx.ConnectError("refused")
        return answering(request)

    assert len(ask(handler, ["a"])) == 1
    assert quick[0] == 7.0
    assert 0 < quick[1] < quick[2] * 2 < 8


@pytest.mark.parametrize(
    ("given", "kind", "turns", "where"),
    [
        (lambda: problem(503), RemoteError, 3, None),
        (lambda: problem(500), RemoteError, 1, None),
        (lambda: problem(504, "deadline"), RemoteError, 1, None),
        (lambda: problem(401), UsageError, 1, None),
        (lambda: problem(404, "not-found"), UsageError, 1, None),
        (lambda: problem(422, "data", "inputs[1]"), DataError, 1, "inputs[3]"),
        (lambda: httpx.Response(200, text="<html>"), RemoteError, 1, None),
        (lambda: httpx.Response(502, text="bad gateway"), RemoteError, 3, None),
        (lambda: httpx.Response(200, json={"outputs": []}), RemoteError, 1, None),
    ],
)
def test_what_goes_wrong_is_an_error_of_ours(
    ask: Callable[..., Any], quick: list[float], given: Any, kind: type[AiaasError], turns: int, where: str | None
) -> None:
    seen: list[int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        if b"first" in request.content:
            return answering(request)
        seen.append(1)
        return given()

    with pytest.raises(kind) as caught:
        ask(handler, ["first", "first", "a", "b"], batch=2, attempts=3)
    assert len(seen) == turns
    assert where is None or caught.value.where == where


def test_what_was_sent_and_is_not_answered_in_time_is_not_sent_again(
    ask: Callable[..., Any], quick: list[float]
) -> None:
    turns: list[int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        turns.append(1)
        raise httpx.ReadTimeout("late", request=request)

    with pytest.raises(RemoteError, match="in time"):
        ask(handler, ["a"])
    assert len(turns) == 1


def test_a_key_goes_over_tls_or_stays_here() -> None:
    seen: list[str | None] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization"))
        return answering(request)

    for url in ("https://models.example.org/", "http://localhost:1"):
        with aiaas.Client(url, "secret", transport=httpx.MockTransport(handler)) as client:
            client.predict("echo", ["a"])
    assert seen == ["Bearer secret"] * 2
    for bad, message in (
        ("http://models.example.org", "without TLS"),
        ("ftp://x", "not a service"),
        ("http://", "not"),
    ):
        with pytest.raises(UsageError, match=message) as caught:
            aiaas.Client(bad, "secret")
        assert "secret" not in f"{caught.value} {caught.value.where}"
    for key in ("", " ", "line\nbreak", "secret ", "sécret"):
        with pytest.raises(UsageError, match="holds characters") as caught:
            aiaas.Client("https://x", key)
        assert "cret" not in f"{caught.value} {caught.value.where}"
    with pytest.raises(UsageError) as caught:
        aiaas.Client("https://user:word@models.example.org")
    assert "word" not in f"{caught.value} {caught.value.where}"


@pytest.mark.parametrize("client", [aiaas.Client, aiaas.AsyncClient])
@pytest.mark.parametrize("name", ["timeout", "attempts", "parallel", "batch"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_settings_with_which_nothing_would_be_asked(client: Any, name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"{name} must be a number above 0"):
        client("http://127.0.0.1:1", **{name: value})


@pytest.mark.parametrize("inputs", ["one text", b"one picture", {"size": 3}, iter(["a"])])
def test_one_input_is_no_list_of_its_parts(ask: Callable[..., Any], inputs: Any) -> None:
    with pytest.raises(UsageError, match="must be a list"):
        ask(answering, inputs)


def test_requests_that_are_too_large_for_a_service_are_halved(ask: Callable[..., Any]) -> None:
    sizes: list[int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sizes.append(len(json.loads(request.content)["inputs"]))
        return answering(request) if sizes[-1] <= 64 else problem(413, "too-large")

    texts = [f"text {number}" for number in range(701)]
    assert [each["text"] for each in ask(handler, texts).outputs] == texts
    assert sum(size for size in sizes if size <= 64) == len(texts), "none is answered twice"
    with pytest.raises(DataError, match="it is so") as caught:
        ask(lambda request: answering(request) if b"large" not in request.content else problem(413, "too-large"), MIXED)
    assert caught.value.where == "inputs[2]"


def test_one_that_is_too_large_may_be_kept_in_its_place() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return problem(413, "too-large") if b"large" in request.content else answering(request)

    with aiaas.Client("http://127.0.0.1:1", transport=httpx.MockTransport(handler)) as client:
        outputs = client.predict("echo", MIXED, keep_errors=True).outputs
    assert outputs == [{"text": "good"}, {"text": "good"}, {"error": {"message": "it is so"}}, {"text": "good"}]


def test_inputs_that_are_refused_may_be_kept_in_their_places(url: str) -> None:
    texts = [f"text {'x' * (number % 50)}" for number in range(3_000)]
    texts[5] = "refuse"
    for number in range(2_100, 2_500):
        texts[number] = "refuse"  # more than a response names at once
    with aiaas.Client(url, batch=1_000) as client:
        answers = client.predict("echo", texts, keep_errors=True)
        assert [each.get("length") for each in answers.outputs] == [
            None if text == "refuse" else len(text) for text in texts
        ]
        assert answers.outputs[5] == {"error": {"message": "an input must be kind"}}
        with pytest.raises(DataError, match="must be kind"):
            client.predict("echo", texts)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served() as (_, address):
        yield address


def test_a_real_service(url: str) -> None:
    texts = ["x" * (number % 60) for number in range(3_000)]
    with aiaas.Client(url, batch=64) as client:
        (model,) = client.models()
        assert model == client.model("echo")
        assert (model.name, model.version, model.task) == ("echo", "3", "text-classification")
        answers = client.predict("echo", texts)
        assert [each["length"] for each in answers.outputs] == [len(text) for text in texts]
        with pytest.raises(UsageError, match="has no model 'ecko'"):
            client.model("ecko")
        with pytest.raises(DataError) as caught:
            client.predict("echo", [*texts[:100], 7])
        assert caught.value.where == "inputs[100]"


def test_a_real_service_is_asked_side_by_side() -> None:
    with served(seconds=0.2) as (_, address), aiaas.Client(address, parallel=4, batch=1) as client:
        client.predict("echo", ["warm"])
        begun = time.monotonic()
        client.predict("echo", ["a", "b", "c", "d"])
        assert time.monotonic() - begun < 0.75, "one after the other takes 0.8 s"


def test_one_client_serves_several_threads(url: str) -> None:
    wrong: list[Any] = []
    with aiaas.Client(url) as client:

        def work(letter: str) -> None:
            for number in range(40):
                (answer,) = client.predict("echo", [letter * number]).outputs
                if answer != {"length": number, "last": letter if number else ""}:
                    wrong.append(answer)

        threads = [threading.Thread(target=work, args=(letter,)) for letter in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
