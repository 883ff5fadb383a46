"""What aiaas registers is a model to MLflow: loaded, asked and served there, without unpickling anything."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import aiaas
from aiaas.errors import DataError, VerificationError
from aiaas.workspace import Workspace

pytestmark = pytest.mark.filterwarnings("ignore:::mlflow", "ignore:::google", "ignore:::pydantic", "ignore:::starlette")
RECIPE = """
schema: 1
name: {name}
task: {task}
collect: [{{source: rows.csv}}]
preprocess: {{steps: {steps}, split: {{train: 0.6, validation: 0.2, test: 0.2, stable: false}}}}
inspect: {{accept: [leaking-column, near-test-in-train]}}
model: {{backend: sklearn, architecture: {architecture}}}
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A text model and a model of rows, run and registered as a user would."""
    folder = tmp_path_factory.mktemp("models")
    texts = [(f"房间很干净 服务也好 {number}", "pos") for number in range(30)]
    texts += [(f"又脏又吵 态度很差 {number}", "neg") for number in range(30)]
    rows = [(number % 7, number / 3 if number % 5 else "", "ab"[number % 2], number % 7 * 2.5) for number in range(60)]
    _run(folder / "text", "reviews", "text-classification", "[clean, deduplicate]", "naive_bayes", "text,label", texts)
    _run(folder / "rows", "rents", "tabular-regression", "[]", "linear_regression", "rooms,area,part,target", rows)
    return Workspace.open(folder / "ws")


def _run(folder: Path, name: str, task: str, steps: str, architecture: str, head: str, rows: list[Any]) -> None:
    folder.mkdir()
    (folder / "rows.csv").write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n")
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.format(name=name, task=task, steps=steps, architecture=architecture))
    given = {each: os.environ.pop(each) for each in list(os.environ) if each.startswith(("MLFLOW_", "AIAAS_"))}
    try:
        result = aiaas.run(recipe, workspace=folder.parent / "ws")
    finally:
        os.environ.update(given)
    assert result.tracked


@pytest.fixture(autouse=True)
def _their_way_in(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.mlflow_uri)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


def load(uri: str) -> Any:
    import mlflow

    return mlflow.pyfunc.load_model(uri)


def test_mlflow_answers_as_the_bundle_does(workspace: Workspace) -> None:
    import numpy as np
    import pandas as pd

    texts = ["房间干净", "太吵 很差"]
    expected = aiaas.load("reviews", workspace=workspace.root).predict(texts)
    model = load("models:/reviews@champion")
    for given in (texts, np.array(texts), pd.Series(texts), pd.DataFrame({"text": texts, "id": [1, 2]})):
        assert model.predict(given).to_dict("records") == expected
    assert model.predict(texts[0]).to_dict("records") == expected[:1]
    assert list(model.predict(texts).columns) == ["label", "score", "scores"]
    assert expected[0]["label"] == "pos"


def test_a_table_without_the_text_first_is_not_guessed_at() -> None:
    import pandas as pd

    with pytest.raises(DataError, match="first column is 'id'"):
        load("models:/reviews@champion").predict(pd.DataFrame({"id": ["x"], "text": ["房间"]}))


def test_rows_may_have_whole_numbers_and_gaps(workspace: Workspace) -> None:
    import pandas as pd

    model = load("models:/rents/1")
    rows = [{"rooms": 2, "area": 3, "part": "a"}, {"rooms": 5, "area": None, "part": "b"}]
    expected = aiaas.load("rents", workspace=workspace.root).predict(rows)
    assert model.predict(pd.DataFrame(rows)).to_dict("records") == expected
    assert model.predict(pd.DataFrame(rows[:1])).to_dict("records") == expected[:1]
    assert [spec.name for spec in model.metadata.signature.inputs.inputs] == ["rooms", "area", "part"]
    assert [spec.name for spec in model.metadata.signature.outputs.inputs] == ["value"]


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": ["房间干净"]},
        {"dataframe_split": {"columns": ["text"], "data": [["房间干净"]]}},
        {"dataframe_records": [{"text": "房间干净"}]},
    ],
)
def test_mlflow_serves_it(workspace: Workspace, body: dict[str, Any]) -> None:
    from mlflow.pyfunc import scoring_server
    from starlette.testclient import TestClient

    answer = TestClient(scoring_server.init(load("models:/reviews@champion"))).post("/invocations", json=body)
    assert answer.status_code == 200
    assert answer.json() == {"predictions": aiaas.load("reviews", workspace=workspace.root).predict(["房间干净"])}


def test_no_file_of_it_is_a_pickle(workspace: Workspace) -> None:
    (folder,) = {path.parent for path in workspace.mlflow_artifacts.glob("reviews/models/*/artifacts/MLmodel")}
    text = (folder / "MLmodel").read_text()
    assert "loader_module: aiaas.bundle.pyfunc" in text
    assert "data: bundle" in text
    assert (folder / "requirements.txt").read_text() == "aiaas\n"
    for path in folder.rglob("*"):
        assert path.is_dir() or not path.read_bytes().startswith(b"\x80"), path


def test_an_altered_file_is_refused(workspace: Workspace) -> None:
    (metrics,) = workspace.mlflow_artifacts.glob("rents/models/*/artifacts/bundle/metrics.json")
    before = metrics.read_bytes()
    metrics.write_bytes(before.replace(b"1", b"2"))
    try:
        with pytest.raises(VerificationError):
            load("models:/rents/1")
    finally:
        metrics.write_bytes(before)
