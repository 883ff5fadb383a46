"""The clients, and OpenAI's, against a model that writes over a real socket: the whole text, and streams that end early
from either side."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import aiaas
from aiaas.bundle import Bundle
from aiaas.errors import DataError, OptionError, RemoteError, UsageError
from tests import writer

LONG = {"max_length": 20_000, "min_length": 20_000}
Ask = Callable[..., list[str]]


class Service:
    """The process, and what it says of each text that ended."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.writer", str(folder), "0.001"]
        self.process = subprocess.Popen(command, cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE, text=True)
        self.url = self.said()

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def wrote(self) -> int:
        assert self.said() == "writing"
        return int(self.said().removeprefix("wrote "))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("no_proxy", "NO_PROXY"):  # of OpenAI's client
            patch.setenv(name, "127.0.0.1")
        found = Service(tmp_path_factory.mktemp("served"))
        yield found
        found.process.kill()
        found.process.communicate()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return writer.write(tmp_path_factory.mktemp("model"))


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """The pieces that either client gives, `most` of them; then it closes the stream."""

    def sync(url: str, prompt: Any, options: Any = None, most: int | None = None, **more: Any) -> list[str]:
        found: list[str] = []
        with aiaas.Client(url, **more) as client:
            pieces: Any = client.stream("writer", prompt, options)
            for piece in pieces:
                found.append(piece)
                if len(found) == most:
                    break
            pieces.close()
        return found

    def asynchronous(url: str, prompt: Any, options: Any = None, most: int | None = None, **more: Any) -> list[str]:
        async def run() -> list[str]:
            found: list[str] = []
            async with aiaas.AsyncClient(url, **more) as client:
                pieces: Any = client.stream("writer", prompt, options)
                async for piece in pieces:
                    found.append(piece)
                    if len(found) == most:
                        break
                await pieces.aclose()
            return found

        return asyncio.run(run())

    return sync if request.param == "sync" else asynchronous


def test_the_pieces_make_the_text(service: Service, model: Bundle, ask: Ask) -> None:
    options = {"max_length": 60, "min_length": 60, "seed": 4, "stop": ["，。"]}
    (wanted,) = model.predict(["我在"], options)
    pieces = ask(service.url, "我在", options)
    assert len(pieces) > 20
    assert "".join(pieces) == wanted["text"]
    assert service.wrote() == len(pieces)


def test_who_has_read_enough_ends_the_work(service: Service, ask: Ask) -> None:
    assert len(ask(service.url, "我", LONG, most=5)) == 5
    assert service.wrote() < LONG["max_length"] / 2


def test_openai_s_client_ends_the_work_too(service: Service) -> None:
    from openai import OpenAI

    with OpenAI(base_url=f"{service.url}/v1", api_key="none") as client:
        more = {"min_tokens": LONG["min_length"]}
        stream = client.completions.create(
            model="writer", prompt="我", max_tokens=LONG["max_length"], stream=True, extra_body=more
        )
        assert next(stream).choices[0].text
        stream.close()
    assert service.wrote() < LONG["max_length"] / 2


def test_what_goes_wrong_midway_is_an_error_and_no_end(service: Service, ask: Ask) -> None:
    with pytest.raises(RemoteError, match="could not answer") as caught:
        ask(service.url, "个", {"min_length": 9})
    assert "secret" not in str(caught.value)
    assert service.wrote() == 3


def test_openai_s_client_is_told_midway(service: Service) -> None:
    from openai import APIError, OpenAI

    with OpenAI(base_url=f"{service.url}/v1", api_key="none") as client:
        stream = client.completions.create(model="writer", prompt="个", stream=True, extra_body={"min_tokens": 9})
        with pytest.raises(APIError, match="could not answer"):
            list(stream)
    assert service.wrote() == 3


def test_time_that_is_over_ends_the_text(service: Service, ask: Ask) -> None:
    with pytest.raises(RemoteError, match="the time given"):
        ask(service.url, "我", LONG, timeout=0.3)
    assert service.wrote() < LONG["max_length"] / 2


def test_a_long_prompt_is_not_read_after_its_time(service: Service, ask: Ask) -> None:
    """A million characters take a minute; the model gives an empty piece for every 256 of them."""
    with pytest.raises(RemoteError, match="the time given"):
        ask(service.url, "我" * 1_000_000, {"stop": ["。"]}, timeout=0.5)
    assert service.wrote() < 1_000


def test_what_is_wrong_with_a_request_is_said_at_once(service: Service, ask: Ask) -> None:
    with pytest.raises(OptionError, match="max_length"):
        ask(service.url, "我", {"max_length": 0})
    with pytest.raises(DataError):
        ask(service.url, 7)
    with pytest.raises(UsageError, match="has no model"), aiaas.Client(service.url) as client:
        list(client.stream("poet", "我"))


def test_more_prompts_than_a_request_may_hold(service: Service, model: Bundle) -> None:
    prompts, options = [f"{'我' * (number % 7)}在" for number in range(150)], {"max_length": 2}
    with aiaas.Client(service.url) as client:
        assert client.predict("writer", prompts, options).outputs == model.predict(prompts, options)
    for _ in prompts:
        service.wrote()


# --- what no service of ours says, but a proxy or a text may ------------------------------------------------------


def event(name: str, said: Any, end: str = "\n") -> bytes:
    return f"event: {name}{end}data: {json.dumps(said, ensure_ascii=False)}{end}{end}".encode()


def streaming(ask: Ask, *parts: bytes, **headers: str) -> list[str]:
    class Parts(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield from parts

        async def __aiter__(self) -> Any:
            for part in parts:
                yield part

    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Parts(), headers=headers))
    return ask("http://127.0.0.1:1", "我", transport=transport)


ANSWER = event("answer", {"outputs": [{"text": "x"}]})


def test_what_looks_like_the_end_of_a_line_may_stand_in_a_text(ask: Ask) -> None:
    text = "a\u2028b\x85c\u2029d\x0be\r\nf"
    assert streaming(ask, event("token", {"text": text}) + ANSWER) == [text]


def test_bytes_come_in_any_pieces(ask: Ask) -> None:
    whole = b": kept alive\r\n\r\n" + event("token", {"text": "房间"}, "\r\n") + event("token", {"text": ""}) + ANSWER
    assert streaming(ask, *(whole[place : place + 1] for place in range(len(whole)))) == ["房间"]


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ([event("token", {"text": "a"})], "ended before the text did"),
        ([], "ended before the text did"),
        ([ANSWER[:-1]], "ended before the text did"),
        ([event("token", {"other": "a"})], "not answer as aiaas does"),
        ([event("token", [])], "not answer as aiaas does"),
        ([b"event: token\ndata: {\n\n"], "not answer as aiaas does"),
        ([b"event: token\ndata: \xff\n\n"], "not answer as aiaas does"),
        ([event("error", "x")], "not answer as aiaas does"),
    ],
)
def test_streams_that_are_none(ask: Ask, parts: list[bytes], told: str) -> None:
    with pytest.raises(RemoteError, match=told):
        streaming(ask, *parts)


def test_a_stream_that_is_compressed_wrongly(ask: Ask) -> None:
    with pytest.raises(RemoteError, match="compressed wrongly"):
        streaming(ask, b"no gzip at all", **{"content-encoding": "gzip"})


def test_a_stream_that_a_service_asks_for_later_is_asked_for_later(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def later(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("aiaas.client.synchronous.time.sleep", waited.append)
    monkeypatch.setattr("aiaas.client.asynchronous.asyncio.sleep", later)
    turns: list[int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        turns.append(1)
        if len(turns) == 1:
            return httpx.Response(429, json={}, headers={"retry-after": "7"})
        if len(turns) == 2:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, content=event("token", {"text": "a"}) + ANSWER)

    assert ask("http://127.0.0.1:1", "我", transport=httpx.MockTransport(handler)) == ["a"]
    assert (len(turns), waited[0]) == (3, 7.0)
