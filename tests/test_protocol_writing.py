"""serve: a model that writes gives the same text by every protocol, as a whole, piece by piece and as bytes."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from aiaas.bundle import Bundle
from aiaas.serve.app import create_app
from tests.every_task import bundles

PROMPTS = ["我在", "中国", ""]
OPTIONS = {"max_length": 12, "seed": 3}
ASKED = {"model": "writer", "max_tokens": 12, "seed": 3}
MODEL = "/v1/models/writer"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return bundles(tmp_path_factory.mktemp("models"), ["writer"])["writer"]


@pytest.fixture(scope="module")
def http(model: Bundle) -> Iterator[TestClient]:
    with TestClient(create_app({"writer": model})) as client:
        yield client


def native(http: TestClient) -> list[str]:
    reply = http.post(f"{MODEL}/predict", json={"inputs": PROMPTS, "options": OPTIONS}).json()
    return [each["text"] for each in reply["outputs"]]


def events(http: TestClient, path: str, body: dict[str, Any]) -> list[Any]:
    lines = http.post(path, json=body).text.split("\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ") and line != "data: [DONE]"]


def native_streamed(http: TestClient) -> list[str]:
    texts = []
    for prompt in PROMPTS:
        body = {"inputs": [prompt], "stream": True, "options": OPTIONS}
        *pieces, answer = events(http, f"{MODEL}/predict", body)
        assert "".join(each["text"] for each in pieces) == answer["outputs"][0]["text"]
        texts.append(answer["outputs"][0]["text"])
    return texts


def mlflow(http: TestClient) -> list[str]:
    found = [
        http.post("/invocations", json={**body, "params": OPTIONS}).json()["predictions"]
        for body in (
            {"inputs": PROMPTS},
            {"instances": PROMPTS},
            {"dataframe_records": [{"text": each} for each in PROMPTS]},
            {"dataframe_split": {"columns": ["text"], "data": [[each] for each in PROMPTS]}},
        )
    ]
    assert all(each == found[0] for each in found)
    return [each["text"] for each in found[0]]


def tensors(http: TestClient) -> list[str]:
    column = {"name": "text", "datatype": "BYTES", "shape": [len(PROMPTS)], "data": PROMPTS}
    reply = http.post("/v2/models/writer/infer", json={"inputs": [column], "parameters": OPTIONS}).json()
    return list(reply["outputs"][0]["data"])


def tensors_as_bytes(http: TestClient) -> list[str]:
    tail = b"".join(struct.pack("<I", len(each.encode())) + each.encode() for each in PROMPTS)
    parameters = {"binary_data_size": len(tail)}
    column = {"name": "text", "datatype": "BYTES", "shape": [len(PROMPTS), 1], "parameters": parameters}
    head = json.dumps({"inputs": [column], "parameters": {**OPTIONS, "binary_data_output": True}}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    response = http.post("/v2/models/writer/infer", content=head + tail, headers=headers)
    rest, texts = response.content[int(response.headers["inference-header-content-length"]) :], []
    while rest:
        size = 4 + struct.unpack("<I", rest[:4])[0]
        texts.append(rest[4:size].decode())
        rest = rest[size:]
    return texts


def openai(http: TestClient) -> list[str]:
    reply = http.post("/v1/completions", json={**ASKED, "prompt": PROMPTS}).json()
    return [each["text"] for each in reply["choices"]]


def openai_streamed(http: TestClient) -> list[str]:
    asked = [{**ASKED, "prompt": each, "stream": True} for each in PROMPTS]
    return ["".join(each["choices"][0]["text"] for each in events(http, "/v1/completions", body)) for body in asked]


WAYS = [native, native_streamed, mlflow, tensors, tensors_as_bytes, openai, openai_streamed]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_the_same_prompts_give_the_same_texts(http: TestClient, model: Bundle, way: Any) -> None:
    assert way(http) == [each["text"] for each in model.predict(PROMPTS, OPTIONS)]


def test_tensorflow_serving_has_no_options_but_the_same_text(http: TestClient, model: Bundle) -> None:
    wanted = [each["text"] for each in model.predict(["我"])]
    assert http.post(f"{MODEL}:predict", json={"instances": ["我"]}).json()["predictions"] == wanted
    assert http.post(f"{MODEL}:predict", json={"inputs": {"text": ["我"]}}).json()["outputs"] == wanted


def test_every_piece_or_the_last_says_who_wrote_it(http: TestClient, model: Bundle) -> None:
    about = {"model": "writer", "version": "1", "digest": model.digest}
    *_, answer = events(http, f"{MODEL}/predict", {"inputs": ["我"], "stream": True, "options": {"max_length": 3}})
    body = {"model": "writer", "prompt": "我", "max_tokens": 3, "stream": True}
    for said in (answer, *events(http, "/v1/completions", body)):
        assert {name: said[name] for name in about} == about
    column = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["我"]}
    sent = {"inputs": [column], "parameters": {"binary_data_output": True, "max_length": 3}}
    response = http.post("/v2/models/writer/infer", json=sent)
    head = json.loads(response.content[: int(response.headers["inference-header-content-length"])])
    assert (head["model_name"], head["model_version"]) == ("writer", "1")
    assert head["parameters"] == {"digest": model.digest}


class Seen:
    """Keeps what it is told of requests that are over."""

    def __init__(self) -> None:
        self.over: list[Any] = []

    def began(self) -> None: ...

    def computed(self, about: Any, batch: Any) -> None: ...

    def ended(self, request: Any) -> None:
        self.over.append(request)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{MODEL}/predict", {"inputs": ["我"], "options": {"max_length": 100_000, "min_length": 100_000}}),
        ("/v1/completions", {"model": "writer", "prompt": "我", "max_tokens": 100_000, "min_tokens": 100_000}),
    ],
)
def test_who_leaves_midway_is_not_taken_for_answered(model: Bundle, path: str, body: dict[str, Any]) -> None:
    seen = Seen()
    app = create_app({"writer": model}, watchers=[seen])

    async def run() -> None:
        begun = asyncio.Event()
        sent = [{"type": "http.request", "body": json.dumps({**body, "stream": True}).encode()}]

        async def receive() -> Any:
            if sent:
                return sent.pop()
            await begun.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message.get("body"):
                begun.set()

        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
        await asyncio.wait_for(app(scope, receive, send), 10)

    asyncio.run(run())
    (ended,) = seen.over
    assert (ended.status, ended.code, ended.call.left, ended.call.failed) == (499, None, True, False)
