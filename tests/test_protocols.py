"""serve: whichever protocol a request comes by, the answer is the bundle's own; what is wrong is said in its words."""

from __future__ import annotations

import base64
import dataclasses
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from aiaas.bundle import Bundle, layout
from aiaas.contracts import Signature
from aiaas.serve.app import create_app
from aiaas.serve.errors import RequestError
from aiaas.serve.life import Life
from aiaas.serve.protocols import binary
from tests.echo import Echo
from tests.every_task import KINDS, LABELS, Toy, bundles, inputs, picture

TEXT = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["好"]}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    return bundles(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def http(models: dict[str, Bundle]) -> Iterator[TestClient]:
    echo: Any = Echo()
    with TestClient(create_app({**models, "echo": echo}), raise_server_exceptions=False) as client:
        yield client


def columns(name: str) -> dict[str, list[Any]]:
    return {column: [row[column] for row in inputs(name)] for column in KINDS[name][1].features}


# --- the same input, the same answer -----------------------------------------------------------------------------


def by_native(http: TestClient, name: str) -> list[Any]:
    return list(http.post(f"/v1/models/{name}/predict", json={"inputs": inputs(name)}).json()["outputs"])


def by_mlflow_split(http: TestClient, name: str) -> list[Any]:
    table = columns(name)
    body = {"dataframe_split": {"columns": list(table), "data": list(zip(*table.values(), strict=True))}}
    return list(http.post(f"/v1/models/{name}/invocations", json=body).json()["predictions"])


def by_mlflow_records(http: TestClient, name: str) -> list[Any]:
    body = {"dataframe_records": inputs(name)}
    return list(http.post(f"/v1/models/{name}/invocations", json=body).json()["predictions"])


def by_mlflow_inputs(http: TestClient, name: str) -> list[Any]:
    return list(http.post(f"/v1/models/{name}/invocations", json={"inputs": columns(name)}).json()["predictions"])


def of_tensors(name: str, made: dict[str, list[Any]]) -> list[Any]:
    """Answers as the task has them, of columns."""
    labels = KINDS[name][1].labels
    answers = []
    for row in zip(*made.values(), strict=True):
        answer = dict(zip(made, row, strict=True))
        if "scores" in answer:
            answer["scores"] = dict(zip(labels, answer["scores"], strict=True))
        answers.append(answer)
    return answers


def by_rows(http: TestClient, name: str) -> list[Any]:
    found = http.post(f"/v1/models/{name}:predict", json={"instances": inputs(name)}).json()["predictions"]
    if isinstance(found[0], dict):
        return of_tensors(name, {key: [row[key] for row in found] for key in found[0]})
    return of_tensors(name, {"value" if name == "rents" else "embedding": found})


def by_columns(http: TestClient, name: str) -> list[Any]:
    found = http.post(f"/v1/models/{name}:predict", json={"inputs": columns(name)}).json()["outputs"]
    if not isinstance(found, dict):
        found = {"value" if name == "rents" else "embedding": found}
    return of_tensors(name, found)


def request_of_tensors(name: str) -> dict[str, Any]:
    kinds = {"string": "BYTES", "binary": "BYTES", "float64": "FP64", "int64": "INT64", "bool": "BOOL"}
    features = KINDS[name][1].features
    return {
        "inputs": [
            {"name": key, "datatype": kinds[features[key]], "shape": [len(data)], "data": data}
            for key, data in columns(name).items()
        ]
    }


def by_tensors(http: TestClient, name: str) -> list[Any]:
    reply = http.post(f"/v2/models/{name}/infer", json=request_of_tensors(name)).json()
    return of_tensors(name, {each["name"]: shaped(each["data"], each["shape"]) for each in reply["outputs"]})


def shaped(data: list[Any], shape: list[int]) -> list[Any]:
    return data if len(shape) == 1 else [data[start : start + shape[1]] for start in range(0, len(data), shape[1])]


WAYS = [by_native, by_mlflow_split, by_mlflow_records, by_mlflow_inputs, by_rows, by_columns, by_tensors]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("name", KINDS)
def test_the_same_input_gives_the_same_answer(http: TestClient, models: dict[str, Bundle], name: str, way: Any) -> None:
    assert way(http, name) == models[name].predict(inputs(name))


@pytest.mark.parametrize("name", KINDS)
def test_tensors_as_bytes_are_the_same_numbers(http: TestClient, models: dict[str, Bundle], name: str) -> None:
    request, tail = request_of_tensors(name), b""
    for each in request["inputs"]:
        data = each.pop("data")
        if name == "pictures":
            data = [picture(10), picture(200)]
        made = packed(data) if each["datatype"] == "BYTES" else binary.write(each["datatype"], data)
        each["parameters"] = {"binary_data_size": len(made)}
        tail += made
    head = json.dumps({**request, "parameters": {"binary_data_output": True}}).encode()
    response = http.post(
        f"/v2/models/{name}/infer", content=head + tail, headers={"Inference-Header-Content-Length": str(len(head))}
    )
    size = int(response.headers["inference-header-content-length"])
    found, rest = {}, response.content[size:]
    for each in json.loads(response.content[:size])["outputs"]:
        data, rest = rest[: each["parameters"]["binary_data_size"]], rest[each["parameters"]["binary_data_size"] :]
        count = int(np.prod(each["shape"]))
        values = binary.read(each["datatype"], count, data)
        found[each["name"]] = shaped(
            [value.decode() if isinstance(value, bytes) else np.float32(value) for value in values], each["shape"]
        )
    assert rest == b""
    wanted = models[name].predict(inputs(name))
    assert of_tensors(name, found) == json.loads(json.dumps(wanted), parse_float=np.float32)


def packed(texts: list[Any]) -> bytes:
    encoded = [each if isinstance(each, bytes) else each.encode() for each in texts]
    return b"".join(struct.pack("<I", len(each)) + each for each in encoded)


def test_texts_may_come_bare(http: TestClient, models: dict[str, Bundle]) -> None:
    texts = ["好", "", "x"]
    wanted = models["reviews"].predict(texts)
    for body in (
        {"inputs": texts},
        {"instances": texts},
        {"dataframe_split": {"columns": [0], "data": [["好"], [""], ["x"]]}},
    ):
        assert http.post("/v1/models/reviews/invocations", json=body).json()["predictions"] == wanted
    nested = [[text] for text in texts]
    for body in ({"instances": nested}, {"instances": [{"text": each} for each in texts]}):
        assert [each["label"] for each in http.post("/v1/models/reviews:predict", json=body).json()["predictions"]] == [
            each["label"] for each in wanted
        ]
    coded = {"b64": base64.b64encode("好".encode()).decode()}
    first = http.post("/v1/models/reviews:predict", json={"inputs": [coded]}).json()["outputs"]
    assert first["label"] == [wanted[0]["label"]]


def test_a_table_may_come_as_csv(http: TestClient, models: dict[str, Bundle]) -> None:
    lines = 'size,rooms,street,lift\n31.5,2,南京路,true\n80,3,"Ring, 2",false\n,,"",\n'
    response = http.post("/v1/models/flats/invocations", content=lines.encode(), headers={"content-type": "text/csv"})
    missing = {"size": None, "rooms": None, "street": "", "lift": None}
    assert response.json()["predictions"] == models["flats"].predict([*inputs("flats"), missing])


@pytest.mark.parametrize(
    ("lines", "status", "told"),
    [
        (b"size,rooms\n1", 400, "as many cells"),
        (b"size,size\n1,2", 400, "as many cells"),
        (b"secret\n1", 400, "the inputs must be of size, rooms, street, lift"),
        (b"", 400, "no CSV"),
        (b'size\n"secret', 400, "no CSV"),
        (b"size\n\xff", 400, "no CSV"),
        (b"size\nsecret", 422, "takes a number or null"),
        (b"size\ninf", 422, "takes a number or null"),
        (b"lift\nmaybe", 422, "takes true or false"),
        (b"rooms\n" + b"9" * 5000, 422, "whole number"),
    ],
)
def test_bad_csv(http: TestClient, lines: bytes, status: int, told: str) -> None:
    response = http.post("/v1/models/flats/invocations", content=lines, headers={"content-type": "text/csv"})
    assert (response.status_code, told in response.json()["message"]) == (status, True), response.text
    assert "secret" not in response.text


def test_every_answer_names_the_model(http: TestClient) -> None:
    about = {"model": "reviews", "version": "7", "digest": "7" * 64}
    for path, body in (
        ("/v1/models/reviews/predict", {"inputs": ["a"]}),
        ("/v1/models/reviews/invocations", {"inputs": ["a"]}),
        ("/v1/models/reviews:predict", {"instances": ["a"]}),
        ("/v1/embeddings", {"model": "vectors", "input": "a"}),
        ("/v1/completions", {"model": "writer", "prompt": "我", "max_tokens": 3}),
    ):
        reply = http.post(path, json=body).json()
        assert about.keys() <= reply.keys()
        if "reviews" in path:
            assert {name: reply[name] for name in about} == about
    reply = http.post("/v2/models/reviews/infer", json={"inputs": [TEXT], "id": "q"}).json()
    assert (reply["model_name"], reply["model_version"], reply["id"]) == ("reviews", "7", "q")
    assert reply["parameters"] == {"digest": "7" * 64}


def test_columns_are_those_of_the_version_that_answered(
    models: dict[str, Bundle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version with other labels comes while a request is under way."""
    labels = ("a", "b", "c")
    manifest = {**models["reviews"].manifest, "digest": "8" * 64}
    signature, toy = Signature({"text": "string"}, "label", labels), Toy(3, raw=False)
    newer = dataclasses.replace(
        models["reviews"], path=tmp_path, manifest=manifest, signature=signature, model=toy, version="8"
    )
    (wanted,) = newer.predict(["好"])
    (tmp_path / layout.EXAMPLES).write_text(json.dumps({"input": "好", "answer": wanted}), "utf-8")
    app = create_app({"reviews": models["reviews"]})
    service = app.state.service
    answer = service.answer

    async def answer_newer(*asked: Any) -> Any:
        service.models.put("reviews", newer)
        return await answer(*asked)

    monkeypatch.setattr(service, "answer", answer_newer)
    with TestClient(app) as client:
        reply = client.post("/v2/models/reviews/infer", json={"inputs": [TEXT]}).json()
        assert (reply["model_version"], reply["parameters"]["digest"]) == ("8", "8" * 64)
        assert reply["outputs"][2]["data"] == list(wanted["scores"].values())
        service.models.put("reviews", models["reviews"])
        pinned = client.post("/v1/models/reviews/versions/7:predict", json={"instances": ["好"]})
        assert (pinned.status_code, pinned.json()["code"]) == (404, "not-found")


# --- NaN and Infinity --------------------------------------------------------------------------------------------

SIZES = '{"name": "size", "datatype": "FP64", "shape": [1], "data": [%s]}'


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/models/rents/predict", '{"inputs": [{"size": %s}]}'),
        ("/v1/models/rents/invocations", '{"dataframe_split": {"columns": ["size"], "data": [[%s]]}}'),
        ("/v1/models/rents:predict", '{"instances": [{"size": %s}]}'),
        ("/v2/models/rents/infer", f'{{"inputs": [{SIZES}]}}'),
        ("/v1/completions", '{"model": "writer", "prompt": "", "temperature": %s}'),
    ],
)
def test_no_json_holds_what_is_no_number(
    http: TestClient, models: dict[str, Bundle], path: str, body: str, number: str
) -> None:
    response = http.post(path, content=body % number, headers={"content-type": "application/json"})
    if path.endswith("invocations") and number == "NaN":  # so MLflow's client writes a missing value
        assert response.json()["predictions"] == models["rents"].predict([{"size": None}])
    else:
        assert response.status_code == 400
        assert "JSON" in response.text or "too large" in response.text


def test_null_is_a_missing_value_and_so_is_nan_in_bytes(http: TestClient, models: dict[str, Bundle]) -> None:
    (wanted,) = models["rents"].predict([{"size": None}])
    assert http.post("/v1/models/rents:predict", json={"instances": [{"size": None}]}).json()["predictions"] == [
        wanted["value"]
    ]
    for value, status in ((float("nan"), 200), (float("inf"), 422)):
        data = struct.pack("<d", value)
        tensor = {"name": "size", "datatype": "FP64", "shape": [1, 1], "parameters": {"binary_data_size": 8}}
        head = json.dumps({"inputs": [tensor]}).encode()
        headers = {"Inference-Header-Content-Length": str(len(head))}
        response = http.post("/v2/models/rents/infer", content=head + data, headers=headers)
        assert response.status_code == status
        if status == 200:
            assert response.json()["outputs"][0]["data"] == [wanted["value"]]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/models/echo/predict", {"inputs": ["nan"]}),
        ("/v1/models/echo/invocations", {"inputs": ["nan"]}),
        ("/v1/models/echo:predict", {"instances": ["nan"]}),
        ("/v2/models/echo/infer", {"inputs": [{**TEXT, "data": ["nan"]}]}),
        ("/v2/models/echo/infer", {"inputs": [{**TEXT, "data": ["nan"]}], "parameters": {"binary_data_output": True}}),
    ],
)
def test_a_model_that_answers_nan_is_at_fault(http: TestClient, path: str, body: Any) -> None:
    response = http.post(path, json=body)
    assert response.status_code == 500
    assert "could not answer" in response.text


def test_numbers_that_are_none_are_not_written_as_bytes() -> None:
    assert binary.write("FP32", [1.0, None]) == struct.pack("<2f", 1, float("nan"))
    for column in ([1.0, float("nan")], [float("inf"), None], [[1.0, float("inf")]]):
        with pytest.raises(ValueError, match="finite"):
            binary.write("FP32", column)


# --- what is wrong is said in the protocol's own words -----------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v2/models/secret/infer", 404),
        ("GET", "/v2/models/reviews/versions/secret", 404),
        ("GET", "/v2/secret", 404),
        ("DELETE", "/v2/models/reviews", 405),
        ("GET", "/v1/models/secret/metadata", 404),
        ("GET", "/v1/models/reviews/versions/8", 404),
        ("POST", "/v1/models/secret:predict", 404),
        ("GET", "/v1/models/reviews:predict", 404),
    ],
)
def test_an_error_of_tensors_is_a_string(http: TestClient, method: str, path: str, status: int) -> None:
    response = http.request(method, path, json={} if method == "POST" else None)
    assert response.status_code == status
    body = response.json()
    assert isinstance(body["error"], str)
    assert body["request_id"] == response.headers["x-request-id"]
    assert "secret" not in response.text


def test_who_has_no_key_is_told_in_the_same_words() -> None:
    class Nobody:
        def caller(self, headers: Any) -> Any:
            raise RequestError("there is no key", hint="send one")

    echo: Any = Echo()
    with TestClient(create_app({"echo": echo}, access=Nobody())) as client:
        assert client.get("/v2/models/echo").json()["error"] == "there is no key; send one"
        assert client.post("/invocations").json()["error_code"] == "BAD_REQUEST"
        assert client.get("/v1/models").json()["error"]["message"] == "there is no key"
        for path in ("/health/live", "/health/ready", "/ping", "/v2/health/live", "/v2/health/ready"):
            assert client.get(path).status_code == 200


def test_readiness_tells_of_the_end_in_every_protocol() -> None:
    echo: Any = Echo()
    with TestClient(create_app({"echo": echo}, life=Life(stopping=True))) as client:
        assert client.get("/ping").status_code == 503
        assert client.get("/v2/health/live").json() == {"live": True}
        ready = client.get("/v2/health/ready")
        assert (ready.status_code, ready.json()) == (503, {"ready": False})


BAD_TENSORS: list[tuple[Any, int, str]] = [
    ({}, 400, "inputs"),
    ({"inputs": []}, 400, "inputs"),
    ({"inputs": [TEXT], "secret": 1}, 400, "not known; allowed: id, model_name, inputs, outputs, parameters"),
    ({"inputs": [{**TEXT, "shape": [2]}]}, 400, "as many as its shape says"),
    ({"inputs": [{**TEXT, "shape": [-1]}]}, 400, "must be [rows]"),
    ({"inputs": [{**TEXT, "shape": [1, 2]}]}, 400, "must be [rows]"),
    ({"inputs": [{**TEXT, "shape": [10_001]}]}, 413, "more than 10,000 inputs"),
    ({"inputs": [{**TEXT, "datatype": "BF16"}]}, 400, "a datatype is not known"),
    ({"inputs": [{**TEXT, "name": "secret"}]}, 400, "the inputs must be of text"),
    ({"inputs": [TEXT, TEXT]}, 400, "two inputs have one name"),
    ({"inputs": [{**TEXT, "data": [3]}]}, 422, "inputs[0]: a text is needed"),
    ({"inputs": [{**TEXT, "parameters": {"binary_data_size": 9}}]}, 400, "not as many as binary_data_size says"),
    ({"inputs": [{**TEXT, "parameters": {"binary_data_size": -9}}]}, 400, "no number of bytes"),
    ({"inputs": [TEXT], "outputs": [{"name": "secret"}]}, 400, "no such output; there are label, score, scores"),
    ({"inputs": [TEXT], "model_name": "secret"}, 400, "another model than the path"),
    ({"inputs": [TEXT], "parameters": {"timeout": "secret"}}, 400, "microseconds"),
]


@pytest.mark.parametrize(("body", "status", "told"), BAD_TENSORS)
def test_bad_tensors(http: TestClient, body: Any, status: int, told: str) -> None:
    response = http.post("/v2/models/reviews/infer", json=body)
    assert (response.status_code, told in response.json()["error"]) == (status, True), response.text
    assert "secret" not in response.text


@pytest.mark.parametrize("length", ["-1", "x", "99999", "9" * 30, "²"])
def test_a_header_that_is_not_the_length(http: TestClient, length: str) -> None:
    headers = {"Inference-Header-Content-Length": length.encode()}
    response = http.post("/v2/models/reviews/infer", content=b"{}", headers=headers)
    assert response.status_code == 400
    assert "not the length" in response.json()["error"]


@pytest.mark.parametrize(
    "data", [b"", b"\x01\x00\x00", b"\xff\xff\xff\xffa", b"\x01\x00\x00\x00ab", b"\x02\x00\x00\x00\xff\xff"]
)
def test_bad_bytes(http: TestClient, data: bytes) -> None:
    tensor = {"name": "text", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(data)}}
    head = json.dumps({"inputs": [tensor]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    assert http.post("/v2/models/reviews/infer", content=head + data, headers=headers).status_code == 400


def test_a_time_of_tensors_is_a_deadline() -> None:
    slow: Any = Echo(seconds=0.3)
    with TestClient(create_app({"echo": slow})) as client:
        body = {"inputs": [TEXT], "parameters": {"timeout": 20_000}}
        response = client.post("/v2/models/echo/infer", json=body)
        assert (response.status_code, response.json()["code"]) == (504, "deadline")


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({}, 400, "one of instances and inputs"),
        ({"instances": ["a"], "inputs": ["a"]}, 400, "one of instances and inputs"),
        ({"instances": "secret"}, 400, "instances"),
        ({"instances": ["a"], "signature_name": "secret"}, 404, "no such signature"),
        ({"instances": [7]}, 422, "a text is needed"),
        ({"instances": [{"b64": "secret!"}]}, 400, "b64 is not base64"),
        ({"instances": [{"b64": "/w=="}]}, 400, "a text is not UTF-8"),
        ({"instances": [{"secret": "a"}]}, 422, "unknown key"),
        ({"inputs": {"secret": ["a"]}}, 400, "the inputs must be of text"),
        ({"inputs": {"text": "a"}}, 400, "a column must be a list"),
        ({"instances": ["a"] * 10_001}, 413, "more than 10,000 inputs"),
    ],
)
def test_bad_instances(http: TestClient, body: Any, status: int, told: str) -> None:
    response = http.post("/v1/models/reviews:predict", json=body)
    assert (response.status_code, told in response.json()["error"]) == (status, True), response.text
    assert "secret" not in response.text


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({}, 400, "one of dataframe_split"),
        ({"inputs": ["a"], "instances": ["a"]}, 400, "one of dataframe_split"),
        ({"dataframe_split": {"columns": ["text"], "data": [["a", "b"]]}}, 400, "as many cells"),
        ({"dataframe_split": {"columns": ["secret"], "data": [["a"]]}}, 400, "the inputs must be of text"),
        ({"dataframe_records": [{"secret": 1}]}, 422, "unknown key"),
        ({"inputs": {"text": ["a"], "secret": []}}, 400, "the inputs must be of text"),
        ({"inputs": [["a", "b"]]}, 422, "a text is needed"),
        ({"inputs": ["a"], "params": {"seed": 1}}, 422, "takes no options"),
        ({"inputs": ["a"] * 10_001}, 413, "more than 10,000 inputs"),
    ],
)
def test_bad_invocations(http: TestClient, body: Any, status: int, told: str) -> None:
    response = http.post("/v1/models/reviews/invocations", json=body)
    assert (response.status_code, told in response.json()["message"]) == (status, True), response.text
    assert "secret" not in response.text


def test_invocations_of_several_models_are_told_apart(http: TestClient) -> None:
    response = http.post("/invocations", json={"inputs": ["a"]})
    assert response.status_code == 404
    assert "/v1/models/NAME/invocations" in response.json()["message"]


# --- OpenAI ------------------------------------------------------------------------------------------------------


def test_embeddings(http: TestClient, models: dict[str, Bundle]) -> None:
    texts = ["good", "好", ""]
    reply = http.post("/v1/embeddings", json={"model": "vectors", "input": texts}).json()
    wanted = [each["embedding"] for each in models["vectors"].predict(texts)]
    assert [each["embedding"] for each in reply["data"]] == wanted
    assert [each["index"] for each in reply["data"]] == [0, 1, 2]
    assert reply["usage"] == {"prompt_tokens": 6, "total_tokens": 6}
    assert reply["system_fingerprint"] == "7" * 12
    body = {"model": "vectors", "input": "good", "encoding_format": "base64", "dimensions": 8}
    (coded,) = http.post("/v1/embeddings", json=body).json()["data"]
    assert np.frombuffer(base64.b64decode(coded["embedding"]), "<f4").tolist() == np.float32(wanted[0]).tolist()


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({"model": "secret", "input": "a"}, 404, None),
        ({"model": "reviews", "input": "a"}, 400, "model"),
        ({"model": "vectors", "input": [1, 2]}, 400, "input"),
        ({"model": "vectors", "input": "a", "dimensions": 4}, 400, "dimensions"),
        ({"model": "vectors", "input": "a", "encoding_format": "secret"}, 400, "encoding_format"),
        ({"model": "vectors", "input": "a", "secret": 1}, 400, "body"),
        ({"model": "vectors"}, 400, "input"),
        ([], 400, "body"),
    ],
)
def test_bad_embeddings(http: TestClient, body: Any, status: int, where: str | None) -> None:
    response = http.post("/v1/embeddings", json=body)
    assert response.status_code == status, response.text
    assert response.json()["error"]["where"] == where
    assert "secret" not in response.text


def test_completions(http: TestClient, models: dict[str, Bundle]) -> None:
    asked = {"model": "writer", "max_tokens": 12, "seed": 3, "temperature": 1.0, "stop": "，"}
    options = {"max_length": 12, "seed": 3, "temperature": 1.0, "stop": ["，"]}
    prompts = ["我", "中国", "人"]
    wanted = [each["text"] for each in models["writer"].predict(prompts, options)]
    reply = http.post("/v1/completions", json={**asked, "prompt": prompts}).json()
    assert [each["text"] for each in reply["choices"]] == wanted
    reasons = ["length" if len(text) == 12 else "stop" for text in wanted]
    assert [each["finish_reason"] for each in reply["choices"]] == reasons
    written = sum(map(len, wanted))
    assert reply["usage"] == {"prompt_tokens": 4, "completion_tokens": written, "total_tokens": 4 + written}
    (native,) = http.post("/v1/models/writer/predict", json={"inputs": ["我"], "options": options}).json()["outputs"]
    assert native["text"] == wanted[0]
    params = {"inputs": ["我"], "params": options}
    (mlflow,) = http.post("/v1/models/writer/invocations", json=params).json()["predictions"]
    assert mlflow["text"] == wanted[0]
    tensors = {"inputs": [{**TEXT, "data": ["我"]}], "parameters": options}
    assert http.post("/v2/models/writer/infer", json=tensors).json()["outputs"][0]["data"] == [wanted[0]]


def test_both_reasons_why_a_text_ends(http: TestClient) -> None:
    body = {"model": "writer", "prompt": "我", "temperature": 1.0, "max_tokens": 30, "min_tokens": 30}
    long = http.post("/v1/completions", json=body).json()["choices"][0]
    assert (len(long["text"]), long["finish_reason"]) == (30, "length")
    stopped = http.post("/v1/completions", json={**body, "stop": long["text"][5:7]}).json()["choices"][0]
    assert (stopped["text"], stopped["finish_reason"]) == (
        long["text"][: long["text"].index(long["text"][5:7])],
        "stop",
    )


@pytest.mark.parametrize(
    ("more", "status", "where"),
    [
        ({"prompt": [1, 2]}, 400, "prompt"),
        ({"n": 2}, 400, "body"),
        ({"echo": True}, 400, "body"),
        ({"logprobs": 0}, 400, "body"),
        ({"temperature": -1}, 400, "temperature"),
        ({"max_tokens": 0}, 400, "max_tokens"),
        ({"min_tokens": 9, "max_tokens": 3}, 400, None),
        ({"seed": "secret"}, 400, "seed"),
        ({"secret": 1}, 400, "body"),
        ({"model": "reviews"}, 400, "model"),
        ({"stream": True, "prompt": ["a", "b"]}, 400, "stream"),
        ({"prompt": ["a"] * 65}, 413, "inputs"),
    ],
)
def test_bad_completions(http: TestClient, more: Any, status: int, where: str | None) -> None:
    response = http.post("/v1/completions", json={"model": "writer", "prompt": "我", **more})
    assert response.status_code == status, response.text
    if where:
        assert response.json()["error"]["where"] == where
    assert "secret" not in response.text


def test_what_changes_nothing_is_taken(http: TestClient) -> None:
    plain = {"model": "writer", "prompt": "我", "max_tokens": 5}
    neutral = {"n": 1, "best_of": None, "echo": False, "logit_bias": {}, "presence_penalty": 0.0, "user": "u"}
    first = http.post("/v1/completions", json=plain).json()["choices"]
    assert http.post("/v1/completions", json={**plain, **neutral}).json()["choices"] == first


# --- about models ------------------------------------------------------------------------------------------------


def test_one_answer_about_a_model_for_all_who_ask(http: TestClient) -> None:
    about = http.get("/v1/models/reviews").json()
    assert about["signature"]["labels"] == list(LABELS)
    assert (about["id"], about["object"], about["owned_by"]) == ("reviews", "model", "aiaas")
    assert about["created"] > 1_700_000_000
    assert about["model_version_status"][0] == {
        "version": "7",
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    assert about["ready"] is True
    listed = http.get("/v1/models").json()
    assert {each["id"] for each in listed["data"]} == {each["name"] for each in listed["models"]}
    assert len(listed["data"]) == len(KINDS) + 2


def test_metadata_of_tensors(http: TestClient) -> None:
    about = http.get("/v2/models/flats/versions/7").json()
    assert {each["name"]: each["datatype"] for each in about["inputs"]} == {
        "size": "FP64",
        "rooms": "INT64",
        "street": "BYTES",
        "lift": "BOOL",
    }
    assert about["outputs"] == [
        {"name": "label", "datatype": "BYTES", "shape": [-1]},
        {"name": "score", "datatype": "FP32", "shape": [-1]},
        {"name": "scores", "datatype": "FP32", "shape": [-1, 3]},
    ]
    assert about["parameters"]["labels"] == ["cheap", "dear", "fair"]
    assert http.get("/v2/models/flats/ready").json() == {"name": "flats", "ready": True}
    (signature,) = http.get("/v1/models/vectors/metadata").json()["metadata"]["signature_def"]["signature_def"].values()
    assert signature["outputs"]["embedding"]["tensor_shape"]["dim"][1]["size"] == "8"
    assert http.get("/v2").json()["extensions"] == ["binary_tensor_data"]


def test_some_outputs_may_be_wanted_and_some_as_bytes(http: TestClient) -> None:
    wanted = [{"name": "scores", "parameters": {"binary_data": True}}, {"name": "label"}]
    response = http.post("/v2/models/reviews/infer", json={"inputs": [TEXT], "outputs": wanted})
    size = int(response.headers["inference-header-content-length"])
    scores, label = json.loads(response.content[:size])["outputs"]
    assert scores == {"name": "scores", "datatype": "FP32", "shape": [1, 2], "parameters": {"binary_data_size": 8}}
    assert label["data"][0] in LABELS
    assert len(response.content) == size + 8


def test_an_empty_request_has_empty_answers(http: TestClient) -> None:
    assert http.post("/v1/models/reviews:predict", json={"instances": []}).json()["predictions"] == []
    assert http.post("/v1/models/reviews/invocations", json={"inputs": []}).json()["predictions"] == []
    empty = {"inputs": [{**TEXT, "shape": [0], "data": []}], "parameters": {"binary_data_output": True}}
    response = http.post("/v2/models/reviews/infer", json=empty)
    assert response.status_code == 200
    assert [each["shape"] for each in json.loads(response.content)["outputs"]] == [[0], [0], [0, 2]]
    assert http.post("/v1/embeddings", json={"model": "vectors", "input": []}).json()["data"] == []
