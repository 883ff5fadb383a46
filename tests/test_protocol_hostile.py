"""serve: what no client should send, by every protocol: it is refused in the protocol's words, at once, and none of it
comes back."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from aiaas.serve import body as bodies
from aiaas.serve import predict
from aiaas.serve.app import create_app
from tests.every_task import bundles

FORMS = {
    "/v1/models/reviews/predict": '{"inputs": [%s]}',
    "/v1/models/reviews/invocations": '{"instances": [%s]}',
    "/v1/models/reviews:predict": '{"instances": [%s]}',
    "/v2/models/reviews/infer": '{"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": [%s]}]}',
    "/v1/embeddings": '{"model": "vectors", "input": [%s]}',
    "/v1/completions": '{"model": "writer", "prompt": [%s]}',
}
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return create_app(bundles(tmp_path_factory.mktemp("models"), ["reviews", "rents", "vectors", "pictures", "writer"]))


@pytest.fixture(scope="module")
def http(app: Any) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    ("value", "told"),
    [
        (r'"SECRET\ud800"', "surrogate"),
        (r'"\udc00SECRET"', "surrogate"),
        ("[" * 100_000 + "]" * 100_000, "nested deeper"),
        ("[" * 33 + "]" * 33, "nested deeper"),
        ('{"a":' * 40 + "1" + "}" * 40, "nested deeper"),
        ("9" * 5_000, "too large"),
        ("1e400", "too large"),
        ("-Infinity", "not JSON"),
        ('"\0"', "not JSON"),
        ('"a" "b"', "not JSON"),
        ('{"text": "a", "SECRET": 1, "SECRET": 2}', "a key twice"),
    ],
    ids=lambda value: value[:12],
)
def test_what_is_no_json(http: TestClient, path: str, value: str, told: str) -> None:
    response = http.post(path, content=(FORMS[path] % value).encode(), headers=JSON)
    assert (response.status_code, told in response.text, "SECRET" in response.text) == (400, True, False)


@pytest.mark.parametrize("path", FORMS)
def test_other_encodings_of_a_body(http: TestClient, path: str) -> None:
    text = FORMS[path] % '"好"'
    for charset in ("gbk", "utf-16"):
        headers = {"content-type": f"application/json; charset={charset}"}
        response = http.post(path, content=text.encode(charset), headers=headers)
        assert (response.status_code, "UTF-8" in response.text) == (400, True)
    for coding in ("gzip", "br", "zstd", "identity, gzip"):
        response = http.post(path, content=b"\x1f\x8b" + b"0" * 99, headers={**JSON, "content-encoding": coding})
        assert (response.status_code, "compressed" in response.text) == (415, True)
    for content in (b"", b"null", b"[]", b"7", text.encode() + b","):
        assert http.post(path, content=content, headers=JSON).status_code == 400
    unknown = http.post(path, content=f'{text[:-1]}, "SECRET": 1}}'.encode(), headers=JSON)
    assert (unknown.status_code, "SECRET" in unknown.text) == (400, False)


@pytest.mark.parametrize("path", FORMS)
def test_no_more_lists_and_objects_than_memory_has_room_for(http: TestClient, path: str) -> None:
    response = http.post(path, content=(FORMS[path] % ("{}," * bodies.CONTAINERS + "{}")).encode(), headers=JSON)
    assert (response.status_code, "lists and objects" in response.text) == (413, True)


@pytest.mark.parametrize("path", FORMS)
def test_a_body_that_does_not_come_in_time(app: Any, path: str) -> None:
    """Half of it came; then the client says nothing more, and does not leave."""
    sent: list[Any] = []

    async def run() -> None:
        parts = [{"type": "http.request", "body": b'{"inputs": [', "more_body": True}]

        async def receive() -> Any:
            return parts.pop() if parts else await asyncio.sleep(60)

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"content-type", b"application/json"), (b"x-request-timeout", b"0.05")]
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
        await asyncio.wait_for(app(scope, receive, send), 5)

    asyncio.run(run())
    assert sent[0]["status"] == 504
    assert b"deadline" in sent[1]["body"].lower()


def tensor(**more: Any) -> dict[str, Any]:
    return {"name": "text", "datatype": "BYTES", "shape": [1], **more}


@pytest.mark.parametrize(
    ("model", "inputs", "tail", "told"),
    [
        ("reviews", tensor(shape=[1, 1, 1], data=["a"]), b"", "shape"),
        ("reviews", tensor(shape=[], data=["a"]), b"", "must have at least 1 item"),
        ("reviews", tensor(shape=[True], data=["a"]), b"", "must be a valid integer"),
        ("reviews", tensor(), b"", "as many as its shape says"),
        ("reviews", tensor(data=["a"], parameters={"binary_data_size": 5}), b"\1\0\0\0b", "in the JSON and behind it"),
        ("reviews", tensor(parameters={"binary_data_size": 8}), b"\xff\xff\xff\x7fabcd", "not as many"),
        ("reviews", tensor(parameters={"binary_data_size": 10**200}), b"\1\0\0\0b", "not as many"),
        ("reviews", tensor(shape=[2], parameters={"binary_data_size": 5}), b"\1\0\0\0b", "not as many"),
        ("rents", tensor(name="size", datatype="FP64", parameters={"binary_data_size": 7}), b"1234567", "not as many"),
        ("rents", tensor(name="size", datatype="FP64", parameters={"binary_data_size": 8}), b"1234567", "not as many"),
    ],
)
def test_tensors_that_do_not_fit(http: TestClient, model: str, inputs: Any, tail: bytes, told: str) -> None:
    head = json.dumps({"inputs": [inputs]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    response = http.post(f"/v2/models/{model}/infer", content=head + tail, headers=headers)
    assert (response.status_code, told in response.json()["error"]) == (400, True), response.text


@pytest.mark.parametrize("size", [2**31, 2**32 + 1, 2**63, 2**64 + 1, 10**200])
def test_a_shape_that_no_memory_holds(http: TestClient, size: int) -> None:
    body = {"inputs": [tensor(shape=[size], parameters={"binary_data_size": 0})]}
    assert http.post("/v2/models/reviews/infer", json=body).status_code == 413


def test_an_answer_is_not_multiplied(http: TestClient) -> None:
    """A request of a megabyte could ask for the scores fifty thousand times."""
    body = {"inputs": [tensor(data=["a"])], "outputs": [{"name": "scores"}] * 2}
    response = http.post("/v2/models/reviews/infer", json=body)
    assert (response.status_code, "asked for twice" in response.text) == (400, True)


@pytest.mark.parametrize("value", [3, None, True, ["YQ=="], "SECRET"])
def test_what_is_no_base64(http: TestClient, value: Any) -> None:
    response = http.post("/v1/models/pictures:predict", json={"instances": [{"b64": value}]})
    assert (response.status_code, "b64 is not base64" in response.text) == (400, True)


def test_two_columns_that_read_alike(http: TestClient) -> None:
    table = {"columns": [1, "1"], "data": [[1, 2]]}
    response = http.post("/v1/models/rents/invocations", json={"dataframe_split": table})
    assert (response.status_code, "each of another name" in response.text) == (400, True)


@pytest.mark.parametrize("path", FORMS)
def test_names_of_ours_mean_nothing_to_a_caller(http: TestClient, path: str) -> None:
    response = http.post(path, json=7)
    assert not re.search(r"instance of|dictionary|Request\b", response.text), response.text


OPENAI: list[tuple[dict[str, Any], str]] = [
    ({"prompt": [[1, 2], [3]]}, "prompt"),
    ({"prompt": None}, "prompt"),
    ({"n": True}, "n"),
    ({"n": 2}, "body"),
    ({"stream": "yes"}, "stream"),
    ({"stream": True, "prompt": []}, "stream"),
    ({"stream": True, "stream_options": {"SECRET": 1}}, "body"),
    ({"max_tokens": 10**9}, "max_tokens"),
    ({"max_tokens": 10**200}, "max_tokens"),
    ({"temperature": 1e308}, "temperature"),
    ({"top_p": 0}, "top_p"),
    ({"seed": 2**64}, "seed"),
    ({"stop": [""]}, "stop"),
    ({"stop": ["SECRET"] * 5_000}, "stop"),
    ({"logit_bias": {"SECRET": "a"}}, "logit_bias"),
    ({"repetition_penalty": 0}, "repetition_penalty"),
]


@pytest.mark.parametrize(("more", "where"), OPENAI, ids=lambda value: str(value)[:30])
def test_odd_completions(http: TestClient, more: dict[str, Any], where: str) -> None:
    response = http.post("/v1/completions", json={"model": "writer", "prompt": "我", **more})
    assert (response.status_code, response.json()["error"]["where"], "SECRET" in response.text) == (400, where, False)


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"input": [[1, 2], [3]]}, "input"),
        ({"input": None}, "input"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": -8}, "dimensions"),
        ({"dimensions": True}, "dimensions"),
        ({"user": 3}, "user"),
    ],
)
def test_odd_embeddings(http: TestClient, more: dict[str, Any], where: str) -> None:
    response = http.post("/v1/embeddings", json={"model": "vectors", "input": "a", **more})
    assert (response.status_code, response.json()["error"]["where"]) == (400, where)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/models/reviews/predict", {"inputs": ["a"], "options": {"SECRET": 1}}),
        ("/v1/models/reviews/invocations", {"inputs": ["a"], "params": {"SECRET": 1}}),
        ("/v1/models/writer/predict", {"inputs": ["a"], "options": {"SECRET": 1}}),
        ("/v1/models/writer/invocations", {"inputs": ["a"], "params": {"SECRET": 1}}),
        ("/v2/models/writer/infer", {"inputs": [tensor(data=["a"])], "parameters": {"SECRET": 1}}),
    ],
)
def test_options_that_there_are_not(http: TestClient, path: str, body: Any) -> None:
    response = http.post(path, json=body)
    assert (response.status_code, "option" in response.text, "SECRET" in response.text) == (422, True, False)


def test_what_does_not_write_is_not_streamed(http: TestClient) -> None:
    response = http.post("/v1/models/reviews/predict", json={"inputs": ["a"], "stream": True})
    assert (response.status_code, response.json()["error"]["where"]) == (400, "stream")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/models/vectors/predict", {"inputs": ["a"] * 2_000}),
        ("/v1/models/vectors/invocations", {"inputs": ["a"] * 2_000}),
        ("/v1/models/vectors:predict", {"instances": ["a"] * 2_000}),
        ("/v1/models/vectors:predict", {"inputs": ["a"] * 2_000}),
        ("/v2/models/vectors/infer", {"inputs": [tensor(shape=[2_000], data=["a"] * 2_000)]}),
        ("/v1/embeddings", {"model": "vectors", "input": ["a"] * 2_000}),
    ],
)
def test_a_long_answer_is_written_in_pieces(
    http: TestClient, monkeypatch: pytest.MonkeyPatch, path: str, body: Any
) -> None:
    """Nothing is encoded in one go that would keep others waiting, and the pieces are the whole."""
    sizes: list[int] = []
    real = predict._encode

    def encode(value: Any) -> str:
        text = real(value)
        sizes.append(len(text))
        return text

    monkeypatch.setattr(predict, "_encode", encode)
    response = http.post(path, json=body)
    assert response.text.count("0.") == 2_000 * 8
    assert max(sizes) < len(response.content) / 3
    (first,) = [each for each in response.json().values() if isinstance(each, list)]
    assert len(first) == (1 if path.startswith("/v2") else 2_000)
