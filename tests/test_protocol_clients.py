"""serve: the clients that people already have get the bundle's own answers over a real port on loopback."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from aiaas.bundle import Bundle
from tests.every_task import INPUTS, KINDS, bundles, inputs, picture, served

KSERVE = "AIAAS_KSERVE_PYTHON"
SCRIPT = Path(__file__).with_name("kserve_client.py")


@pytest.fixture(scope="module", autouse=True)
def _no_proxy() -> Iterator[None]:
    """A proxy that the environment names cannot reach this machine's own loopback."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("no_proxy", "NO_PROXY"):
            patch.setenv(name, "127.0.0.1,localhost")
        yield


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    return bundles(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("served")) as address:
        yield address


# --- MLflow ------------------------------------------------------------------------------------------------------

importing_mlflow = pytest.mark.filterwarnings("ignore:.*Any type hint:UserWarning")


@importing_mlflow
def test_mlflow_scores_a_table(tmp_path: Path, models: dict[str, Bundle]) -> None:
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    with served(tmp_path, "flats") as address:
        host, port = address.removeprefix("http://").split(":")
        client = ScoringServerClient(host, port)
        client.wait_server_ready(30)
        table = pd.DataFrame(inputs("flats"))
        answers = client.invoke(table).get_predictions()
        assert answers.to_dict("records") == models["flats"].predict(inputs("flats"))
        table.loc[0, "size"] = float("nan")  # the client sends it as NaN
        missing = [{**inputs("flats")[0], "size": None}, inputs("flats")[1]]
        assert client.invoke(table)["predictions"] == models["flats"].predict(missing)
        assert client.get_version().count(".") == 2
        with pytest.raises(Exception, match="error code 400"):
            client.invoke(table.rename(columns={"size": "secret"}))


@importing_mlflow
def test_mlflow_scores_texts(tmp_path: Path, models: dict[str, Bundle]) -> None:
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    with served(tmp_path, "reviews") as address:
        client = ScoringServerClient(*address.removeprefix("http://").split(":"))
        client.wait_server_ready(30)
        texts = [each["text"] for each in inputs("reviews")]
        wanted = models["reviews"].predict(texts)
        for data in (pd.DataFrame({"text": texts}), np.array(texts, object), texts):
            assert client.invoke(data)["predictions"] == wanted


# --- Triton ------------------------------------------------------------------------------------------------------


@pytest.fixture
def triton(url: str) -> Iterator[Any]:
    from tritonclient.http import InferenceServerClient

    client = InferenceServerClient(url.removeprefix("http://"))
    yield client
    client.close()


def tensors(name: str, *, binary: bool) -> list[Any]:
    from tritonclient.http import InferInput
    from tritonclient.utils import np_to_triton_dtype

    made = []
    for column, kind in KINDS[name][1].features.items():
        values = np.array([row[column] for row in inputs(name)], object if kind in {"string", "binary"} else kind)
        if kind == "binary" and binary:
            values = np.array([picture(10), picture(200)], object)
        tensor = InferInput(column, list(values.shape), np_to_triton_dtype(values.dtype))
        made.append(tensor.set_data_from_numpy(values, binary_data=binary))
    return made


@pytest.mark.parametrize("binary", [True, False], ids=["bytes", "JSON"])
@pytest.mark.parametrize("name", KINDS)
def test_triton_infers(triton: Any, models: dict[str, Bundle], name: str, binary: bool) -> None:
    from tritonclient.http import InferRequestedOutput

    wanted = models[name].predict(inputs(name))
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready(name)
    metadata = triton.get_model_metadata(name)
    asked = None
    if not binary:
        asked = [InferRequestedOutput(each["name"], binary_data=False) for each in metadata["outputs"]]
    result = triton.infer(name, tensors(name, binary=binary), outputs=asked, request_id="q1")
    for each in metadata["outputs"]:
        found = result.as_numpy(each["name"])
        assert [-1, *found.shape[1:]] == each["shape"]
        for row, answer in zip(found, wanted, strict=True):
            value = answer[each["name"]]
            if isinstance(value, str):
                assert (row.decode() if isinstance(row, bytes) else row) == value
            else:
                value = list(value.values()) if isinstance(value, dict) else value
                np.testing.assert_array_equal(row, np.float32(value))
    assert result.get_response()["id"] == "q1"


def test_triton_is_told_what_is_wrong(triton: Any) -> None:
    from tritonclient.utils import InferenceServerException

    with pytest.raises(InferenceServerException, match="there is no such model") as caught:
        triton.infer("reviewz", tensors("reviews", binary=True))
    assert caught.value.status() == "404"
    with pytest.raises(InferenceServerException, match="must be of text, text_pair"):
        triton.infer("pairs", tensors("rents", binary=True))


def test_triton_asks_a_model_that_writes(triton: Any, models: dict[str, Bundle]) -> None:
    from tritonclient.http import InferInput

    options = {"max_length": 9, "seed": 4}
    tensor = InferInput("text", [2, 1], "BYTES").set_data_from_numpy(np.array([["我"], ["中国"]], object))
    found = triton.infer("writer", [tensor], parameters=options).as_numpy("text")
    assert [each.decode() for each in found] == [
        each["text"] for each in models["writer"].predict(["我", "中国"], options)
    ]


# --- OpenAI ------------------------------------------------------------------------------------------------------


@pytest.fixture
def openai(url: str) -> Iterator[Any]:
    from openai import OpenAI

    with OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("encoding", [None, "float", "base64"])
def test_openai_embeds(openai: Any, models: dict[str, Bundle], encoding: str | None) -> None:
    texts = [each["text"] for each in INPUTS["vectors"]]
    more = {"encoding_format": encoding} if encoding else {}
    reply = openai.embeddings.create(model="vectors", input=texts, **more)
    wanted = [each["embedding"] for each in models["vectors"].predict(texts)]
    for each, vector in zip(reply.data, wanted, strict=True):
        found = each.embedding
        if encoding == "base64":
            found = np.frombuffer(base64.b64decode(found), "<f4").tolist()
        np.testing.assert_array_equal(np.float32(found), np.float32(vector))
    assert reply.usage.total_tokens == sum(map(len, texts))
    assert reply.model == "vectors"


def test_openai_completes(openai: Any, models: dict[str, Bundle]) -> None:
    asked: dict[str, Any] = {"model": "writer", "prompt": "我在", "max_tokens": 15, "seed": 2}
    (wanted,) = models["writer"].predict(["我在"], {"max_length": 15, "seed": 2})
    whole = openai.completions.create(**asked)
    assert whole.choices[0].text == wanted["text"]
    assert whole.usage.completion_tokens == len(wanted["text"])
    *chunks, last = openai.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    assert "".join(each.choices[0].text for each in chunks) == wanted["text"]
    assert [each.choices[0].finish_reason for each in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason
    assert last.usage == whole.usage
    assert len({each.id for each in (*chunks, last)}) == 1
    more = openai.completions.create(**asked, extra_body={"top_k": 1, "min_tokens": 15})
    options = {"max_length": 15, "min_length": 15, "seed": 2, "top_k": 1}
    assert more.choices[0].text == models["writer"].predict(["我在"], options)[0]["text"]


def test_openai_lists_models(openai: Any) -> None:
    assert {each.id for each in openai.models.list()} == {*KINDS, "writer"}
    assert openai.models.retrieve("reviews").owned_by == "aiaas"


def test_openai_is_told_what_is_wrong(openai: Any) -> None:
    from openai import APIStatusError, BadRequestError, NotFoundError

    with pytest.raises(NotFoundError, match="no such model"):
        openai.embeddings.create(model="secret", input="a")
    with pytest.raises(BadRequestError, match="gives no embeddings") as caught:
        openai.embeddings.create(model="reviews", input="a")
    assert caught.value.code == "bad-request"
    assert caught.value.request_id
    with pytest.raises(APIStatusError, match="max_tokens"):
        openai.completions.create(model="writer", prompt="a", max_tokens=0, stream=True)


# --- KServe ------------------------------------------------------------------------------------------------------


def kserve() -> str | None:
    """A Python that has KServe's client: this one, or the one that the environment names, since its dependencies
    conflict with ours."""
    for python in filter(None, (os.environ.get(KSERVE), sys.executable)):
        tried = subprocess.run([python, "-c", "import kserve"], capture_output=True, check=False)
        if tried.returncode == 0:
            return python
    return None


def test_kserve_infers(url: str, models: dict[str, Bundle]) -> None:
    python = kserve()
    if python is None:
        pytest.skip(f"no kserve here; make an environment with it and name its python in {KSERVE}")
    done = subprocess.run([python, str(SCRIPT), url], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    wanted = models["flats"].predict(inputs("flats"))
    assert told["live"] is told["ready"] is told["model_ready"] is True
    for form in ("json", "bytes"):
        assert told[form]["label"] == [each["label"] for each in wanted]
        np.testing.assert_array_equal(np.float32(told[form]["score"]), np.float32([each["score"] for each in wanted]))
    assert [each["label"] for each in told["v1"]] == [each["label"] for each in wanted]
