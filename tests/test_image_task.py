"""Pictures from a folder to answers: run, infer, serve, MLflow, each with what goes wrong on the way."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from python_multipart import multipart
from starlette.testclient import TestClient

import aiaas
from aiaas import deploy, infer, recipe
from aiaas.bundle import Bundle
from aiaas.bundle.pyfunc import PyfuncModel
from aiaas.client import Client
from aiaas.errors import DataError
from aiaas.infer import remote
from aiaas.serve.app import create_app
from aiaas.serve.calls import LOCAL
from aiaas.serve.limits import Limits
from aiaas.serve.openapi import describe as document
from aiaas.track.model import describe
from tests.picture_toys import animated_gif, claims, encoded, noise, plain, red_or_blue, registered

pytestmark = pytest.mark.filterwarnings("ignore:::starlette")
RECIPE = """
schema: 1
name: colours
task: image-classification
collect: [{source: pictures}]
preprocess: {steps: [clean, deduplicate], split: {train: 0.6, validation: 0.1, test: 0.3, stable: false}}
model: {backend: toy, architecture: means}
evaluate: {gates: {accuracy: ">= 0.99"}}
"""
PREDICT = "/v1/models/colours/predict"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of red and blue pictures of several kinds and sizes, and the model of it, run as a user would."""
    folder = tmp_path_factory.mktemp("colours")
    for number in range(60):
        kind, ending = ("JPEG", "jpg") if number % 3 else ("PNG", "png")
        path = folder / "pictures" / ("red", "blue")[number % 2] / f"{number}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(red_or_blue(number, kind, (8 + number, 12)))
    (folder / "recipe.yaml").write_text(RECIPE)
    with pytest.MonkeyPatch.context() as patch, registered():
        patch.setenv("AIAAS_TRACKING", "off")
        aiaas.run(folder / "recipe.yaml", workspace=folder / "ws")
        yield folder


@pytest.fixture(scope="module")
def model(project: Path) -> Bundle:
    return aiaas.load("colours", workspace=project / "ws")


@pytest.fixture(scope="module")
def client(model: Bundle) -> Iterator[TestClient]:
    with TestClient(create_app({"colours": model}, limits=Limits(body=1 << 20, rows=100))) as client:
        yield client


@pytest.fixture(autouse=True)
def _here(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def answered(model: Any, data: bytes, **how: Any) -> tuple[list[Any], infer.Summary]:
    out = io.BytesIO()
    summary = infer.infer(model, io.BytesIO(data), out, **how)
    return [json.loads(line) for line in out.getvalue().splitlines()], summary


# --- the task ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: {"image": value}])
def test_a_picture_comes_in_many_forms(model: Bundle, wrap: Any) -> None:
    data = red_or_blue(1)
    lines = "\n".join(text(data)[start : start + 76] for start in range(0, len(text(data)), 76))
    for value in (data, text(data), lines, f"data:image/png;base64,{text(data)}"):
        assert model.decode(wrap(value)) == {"image": data}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("not base64!", "not base64"),
        ("data:image/png,%89PNG", "no base64"),
        (text(b"some text"), "a JPEG or PNG is needed"),
        (text(animated_gif()), "an animated GIF"),
        (text(claims(60_000, 60_000)), "60,000 x 60,000"),
        ({"picture": "x"}, "unknown key 'picture'"),
        ({}, "no key 'image'"),
        ({"image": 3}, "a picture is needed"),
        (3, "a picture is needed"),
    ],
)
def test_what_is_no_picture_is_refused(model: Bundle, value: Any, told: str) -> None:
    with pytest.raises(DataError, match=told):
        model.decode(value)


def test_the_bundle_answers_base64_and_bytes(model: Bundle) -> None:
    red, blue = model.predict([red_or_blue(100), {"image": text(red_or_blue(101, "JPEG"))}])
    assert (red["label"], blue["label"]) == ("red", "blue")
    assert model.replay() == 8
    assert model.signature.features == {"image": "binary"}


def test_a_cut_picture_is_named_by_its_place(model: Bundle) -> None:
    with pytest.raises(DataError, match="cut short") as caught:
        model.predict([red_or_blue(1), encoded(noise(1))[:500]])
    assert caught.value.where == "inputs[1]"


def test_a_cmyk_jpeg_is_answered(model: Bundle) -> None:
    (answer,) = model.predict([encoded(plain((220, 30, 30)).convert("CMYK"), "JPEG")])
    assert answer["label"] == "red"


# --- infer -------------------------------------------------------------------------------------------------------


def test_infer_reads_paths_of_every_format(model: Bundle, project: Path) -> None:
    (project / "list.csv").write_text("image\npictures/red/0.png\npictures/blue/1.jpg\n")
    lines = b"pictures/red/0.png\npictures/blue/1.jpg\n"
    objects = b'{"image": "pictures/red/0.png"}\n"pictures/blue/1.jpg"\n'
    coded = json.dumps({"image": text(red_or_blue(0))}).encode() + b"\n" + json.dumps(text(red_or_blue(1))).encode()
    for data, name in (
        (lines, None),
        (objects, None),
        (coded, None),
        ((project / "list.csv").read_bytes(), "list.csv"),
    ):
        answers, summary = answered(model, data, name=name)
        assert [each["label"] for each in answers] == ["red", "blue"]
        summary.check()


def test_infer_takes_one_picture_as_it_is(model: Bundle) -> None:
    for data in (red_or_blue(7), red_or_blue(7, "JPEG", (300, 300))):
        answers, summary = answered(model, data, name="cat.png")
        assert [each["label"] for each in answers] == ["blue"]
        assert summary.format == "file"
    answers, _ = answered(model, b"no picture", format="file")
    assert "a JPEG or PNG is needed" in answers[0]["error"]["message"]


def test_infer_gives_an_error_to_the_line_at_fault_alone(model: Bundle, project: Path) -> None:
    (project / "cut.png").write_bytes(encoded(noise(1))[:500])
    (project / "page.jpg").write_bytes(b"<html>")
    names = ["pictures/red/0.png", "cut.png", "gone.png", "page.jpg", "", "pictures", "cut.png", "pictures/blue/1.jpg"]
    answers, summary = answered(model, "\n".join(names).encode(), format="lines")
    told = [each["error"]["message"] if "error" in each else each["label"] for each in answers]
    assert told[0] == "red"
    assert told[-1] == "blue"
    assert told[1] == told[6] == "the PNG is cut short"
    assert told[2] == told[4] == told[5] == "there is no such file"
    assert "error page" in told[3]
    assert [each["error"]["line"] for each in answers if "error" in each] == [2, 3, 4, 5, 6, 7]
    assert summary.errors == 6
    answers, _ = answered(model, b'{"image": "gone.png"}\n')
    assert answers[0]["error"]["message"] == "there is no such file"


def test_infer_holds_few_files_at_once(model: Bundle, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    answer = Bundle.answer
    monkeypatch.setattr(Bundle, "answer", lambda self, rows: sizes.append(len(rows)) or answer(self, rows))  # type: ignore[func-returns-value]
    monkeypatch.setattr("aiaas.infer.files.BATCH_BYTES", 3 * (project / "pictures/red/0.png").stat().st_size)
    answers, _ = answered(model, b"pictures/red/0.png\n" * 10)
    assert [each["label"] for each in answers] == ["red"] * 10
    assert sizes == [3, 3, 3, 1]


def test_infer_sends_a_service_base64(client: TestClient, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        response = client.request(request.method, request.url.path, content=request.content, headers=request.headers)
        return httpx.Response(response.status_code, content=response.content)

    monkeypatch.setattr(remote, "Client", partial(Client, transport=httpx.MockTransport(handle)))
    there = remote.RemoteModel("http://testserver/v1/models/colours")
    (project / "cut.png").write_bytes(encoded(noise(1))[:500])
    answers, _ = answered(there, b"pictures/red/0.png\ncut.png\npictures/blue/1.jpg\n")
    assert [each.get("label") for each in answers] == ["red", None, "blue"]
    assert answers[1]["error"] == {"code": "data", "message": "the PNG is cut short", "line": 2}


# --- serve -------------------------------------------------------------------------------------------------------


def outputs(response: Any) -> list[str]:
    assert response.status_code == 200, response.text
    return [each["label"] for each in response.json()["outputs"]]


def test_serve_takes_json_uploads_and_forms(client: TestClient) -> None:
    red, blue = red_or_blue(0), red_or_blue(1, "JPEG")
    assert outputs(client.post(PREDICT, json={"inputs": [text(red), {"image": text(blue)}]})) == ["red", "blue"]
    assert outputs(client.post(PREDICT, content=blue, headers={"content-type": "image/jpeg"})) == ["blue"]
    assert outputs(client.post(PREDICT, content=red, headers={"content-type": "image/png; x=y"})) == ["red"]
    files = [("file", ("a.png", red, "image/png")), ("other", ("b.jpg", blue, "image/jpeg"))]
    assert outputs(client.post(PREDICT, files=files)) == ["red", "blue"]


def test_serve_names_each_fault(client: TestClient) -> None:
    cut = encoded(noise(1))[:500]
    for inputs, place, told in (
        ([text(red_or_blue(0)), text(cut)], 1, "cut short"),
        ([text(claims(60_000, 60_000))], 0, "60,000 x 60,000"),
        ([text(animated_gif())], 0, "animated GIF"),
        (["pictures/red/0.png"], 0, "not base64"),  # a path on the server is no input
    ):
        response = client.post(PREDICT, json={"inputs": inputs})
        assert response.status_code == 422
        error = response.json()["error"]
        assert error["where"] == f"inputs[{place}]"
        assert told in error["message"]
    response = client.post(PREDICT, content=b"GIF89a", headers={"content-type": "image/png"})
    assert response.status_code == 422
    assert response.json()["error"]["where"] == "inputs[0]"


def test_serve_refuses_other_bodies(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    response = client.post(PREDICT, content=b"x", headers={"content-type": "image/gif"})
    assert response.status_code == 415
    assert "image/jpeg, image/png, multipart/form-data" in response.json()["error"]["message"]
    kind = {"content-type": "multipart/form-data; boundary=b"}
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    for body, told in (
        (b"", "cut short"),
        (b"nonsense", "cannot be read"),
        (part + b"data", "cut short"),
        (b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--b--\r\n', "must hold files"),
    ):
        response = client.post(PREDICT, content=body, headers=kind)
        assert response.status_code == 400, body
        assert told in response.json()["error"]["message"]
    assert not [each for each in caplog.records if each.name.startswith("python_multipart")]
    response = client.post(PREDICT, content=b"--b--", headers={"content-type": "multipart/form-data"})
    assert response.status_code == 400
    large = [("file", ("a.png", bytes(2 << 20), "image/png"))]
    assert client.post(PREDICT, files=large).status_code == 413
    many = [("file", (f"{number}.png", red_or_blue(number), "image/png")) for number in range(101)]
    assert client.post(PREDICT, files=many).status_code == 413


@pytest.mark.parametrize(("name", "status"), [('"file"; filename="a"', 413), ('"field"', 400)])
def test_a_form_of_very_many_parts_is_left_at_the_first_too_many(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, name: str, status: int
) -> None:
    made: list[Any] = []
    for kind in (multipart.File, multipart.Field):
        begin = kind.__init__
        monkeypatch.setattr(kind, "__init__", lambda self, *a, begin=begin, **k: made.append(begin(self, *a, **k)))
    body = f"--b\r\nContent-Disposition: form-data; name={name}\r\n\r\n\r\n".encode() * 5000 + b"--b--\r\n"
    response = client.post(PREDICT, content=body, headers={"content-type": "multipart/form-data; boundary=b"})
    assert response.status_code == status
    assert len(made) <= 102


def test_the_openapi_document_says_it_all(client: TestClient) -> None:
    operation = client.get("/openapi.json").json()["paths"][PREDICT]["post"]
    content = operation["requestBody"]["content"]
    assert list(content) == ["application/json", "image/jpeg", "image/png", "multipart/form-data"]
    bare, wrapped = content["application/json"]["schema"]["properties"]["inputs"]["items"]["oneOf"]
    assert bare == {"type": "string", "contentEncoding": "base64"}
    assert wrapped["properties"] == {"image": bare}
    example = content["application/json"]["example"]
    assert client.post(PREDICT, json=example).status_code == 200


def test_large_pictures_make_neither_bundle_nor_document_large(
    model: Bundle, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = (project / "ws" / "artefacts" / "collect").glob("*/data.arrow")
    asked = (found, recipe.read(project / "recipe.yaml"), model.signature, [])
    assert len(deploy._examples(*asked)) == 8
    monkeypatch.setattr(deploy, "EXAMPLES_SIZE", 10)
    assert len(deploy._examples(*asked)) == 1
    monkeypatch.setattr("aiaas.serve.openapi.shapes.LONGEST", 10)
    operation = document(create_app({"colours": model}).state.service, LOCAL)["paths"][PREDICT]["post"]
    assert "example" not in operation["requestBody"]["content"]["application/json"]


# --- MLflow ------------------------------------------------------------------------------------------------------


def test_mlflow_takes_bytes_and_base64(model: Bundle) -> None:
    import pandas as pd

    loaded = PyfuncModel(model)
    data = [red_or_blue(0), red_or_blue(1)]
    for given in (data, pd.DataFrame({"image": data}), pd.DataFrame({0: list(map(text, data))}), pd.Series(data)):
        assert loaded.predict(given)["label"].tolist() == ["red", "blue"]
    assert loaded.predict(data[0])["label"].tolist() == ["red"]


@pytest.mark.filterwarnings("ignore:::mlflow", "ignore:::google", "ignore:::pydantic")
def test_mlflow_loads_and_serves_it(model: Bundle, tmp_path: Path) -> None:
    import mlflow
    import pandas as pd
    from mlflow.pyfunc import scoring_server

    answer = next(model.examples())["answer"]
    signature = model.signature.as_dict()
    ids = {"model_id": "m-1", "run_id": "r-1", "digest": model.digest}
    describe(tmp_path, bundle=model.path, signature=signature, answer=answer, **ids)
    shutil.copytree(model.path, tmp_path / "bundle")
    loaded = mlflow.pyfunc.load_model(str(tmp_path))
    assert [str(each.type) for each in loaded.metadata.signature.inputs.inputs] == ["DataType.binary"]
    red, blue = red_or_blue(0), red_or_blue(1)
    for given in ([red, blue], [text(red), text(blue)], pd.DataFrame({"image": [red, blue]})):
        assert loaded.predict(given)["label"].tolist() == ["red", "blue"]
    body = {"dataframe_split": {"columns": ["image"], "data": [[text(blue)]]}}
    served = TestClient(scoring_server.init(loaded)).post("/invocations", json=body)
    assert served.json()["predictions"][0]["label"] == "blue"


# --- what was collected ------------------------------------------------------------------------------------------


def test_the_provenance_tells_of_the_pictures(project: Path) -> None:
    (found,) = (project / "ws" / "artefacts" / "collect").glob("*/provenance.json")
    (source,) = json.loads(found.read_text())["sources"]
    assert source["files"] == {
        "jpeg": 40,
        "png": 20,
        "smallest": [8, 12],
        "largest": [67, 12],
        "told": "40 JPEG, 20 PNG of 8 x 12 to 67 x 12 pixels",
    }


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe over pictures some of which cannot be used."""
    for number in range(20):
        path = tmp_path / "pictures" / ("red", "blue")[number % 2] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(red_or_blue(number))
    (tmp_path / "pictures/red/00.png").write_bytes(encoded(noise(1))[:500])
    (tmp_path / "pictures/blue/03.png").write_bytes(b"<html>not found</html>")
    (tmp_path / "pictures/red/huge.png").write_bytes(claims(60_000, 60_000))
    (tmp_path / "pictures/blue/moving.gif").write_bytes(animated_gif())
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    monkeypatch.setenv("AIAAS_TRACKING", "off")
    return tmp_path


def test_damaged_pictures_are_told_by_name(damaged: Path) -> None:
    with pytest.raises(DataError, match="4 files cannot be used") as caught:
        aiaas.run(damaged / "recipe.yaml", workspace=damaged / "ws", until="collect")
    for told in (
        "pictures/red/00.png: the PNG is cut short",
        "pictures/blue/03.png: a JPEG or PNG is needed; this is a text in XML or HTML",
        "pictures/red/huge.png: the picture has 60,000 x 60,000 pixels",
        "pictures/blue/moving.gif: a JPEG or PNG is needed; this is an animated GIF",
    ):
        assert told in caught.value.message
    assert "on_error: skip" in str(caught.value.hint)


def test_damaged_pictures_are_left_out(damaged: Path) -> None:
    skip = ["collect[0].on_error=skip"]
    aiaas.run(damaged / "recipe.yaml", workspace=damaged / "ws", until="preprocess", set=skip)
    (found,) = (damaged / "ws" / "artefacts" / "collect").glob("*/provenance.json")
    (source,) = json.loads(found.read_text())["sources"]
    assert source["dropped"] == {"with a file that cannot be used": 4}
    assert source["rows"] == 18
    assert "4 files cannot be used, 18 rows are kept" in source["warnings"][0]
    assert "pictures/red/00.png" in source["warnings"][0]


def test_an_empty_class_folder_is_named(damaged: Path) -> None:
    (damaged / "pictures" / "green").mkdir()
    with pytest.raises(DataError, match="class folder green"):
        aiaas.run(damaged / "recipe.yaml", workspace=damaged / "ws", until="collect")
    (damaged / "pictures" / "green" / "Thumbs.db").write_bytes(b"\0")
    with pytest.raises(DataError, match="class folder green"):
        aiaas.run(damaged / "recipe.yaml", workspace=damaged / "ws", until="collect")


def test_contradicting_pictures_are_shown_by_their_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAAS_TRACKING", "off")
    for number in range(40):
        path = tmp_path / "pictures" / ("red", "blue")[number % 2] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(red_or_blue(number))
    same = red_or_blue(0)
    (tmp_path / "pictures/blue/00.png").write_bytes(same)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    aiaas.run(tmp_path / "recipe.yaml", workspace=tmp_path / "ws", until="preprocess")
    (found,) = (tmp_path / "ws" / "artefacts" / "preprocess").glob("*/report.json")
    (example,) = json.loads(found.read_text())["steps"][1]["report"]["examples"]
    assert example["row"]["image"].startswith(f"a file of {len(same):,} bytes")
