"""The README's first screen, for real: 35,124 lines of reviews, MLflow, the answer. The service is in the tutorial."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Aiaas, answer

RECIPE = Path(__file__).parent.parent / "recipes" / "reviews_zh_nb.yaml"
PRAISE = "房间很干净，服务也好"


@pytest.fixture
def done(aiaas: Aiaas) -> dict[str, object]:
    return answer(aiaas("run", str(RECIPE), "--json", track=True))


def test_from_raw_reviews_to_an_answering_model(done: dict[str, object], project: Path, aiaas: Aiaas) -> None:
    assert done["ok"] is True
    assert done["tracked"] is True
    assert done["metrics"]["accuracy"] == pytest.approx(0.8427, abs=0.003)  # type: ignore[index]
    assert done["model"] == {**done["model"], "name": "reviews-zh-nb", "version": 1, "alias": "champion"}  # type: ignore[dict-item]

    told = json.loads(aiaas("infer", "reviews-zh-nb", stdin=f"{PRAISE}\n").stdout)
    assert told["label"] == "pos"

    loaded = (
        "import json, os, sys, warnings; warnings.simplefilter('ignore'); import mlflow\n"
        "mlflow.set_tracking_uri(f'sqlite:///{os.getcwd()}/.aiaas/mlflow.db')\n"
        "model = mlflow.pyfunc.load_model('models:/reviews-zh-nb@champion')\n"
        "run = mlflow.get_run(sys.argv[2])\n"
        "print(json.dumps([model.predict([sys.argv[1]])['label'][0], run.data.metrics['accuracy'],\n"
        "                  run.data.params['model.params.alpha'], len(run.inputs.dataset_inputs),\n"
        "                  [each.path for each in mlflow.MlflowClient().list_artifacts(sys.argv[2], 'data')]]))"
    )
    said = subprocess.run(
        [sys.executable, "-c", loaded, PRAISE, str(done["run_id"])],
        cwd=project, capture_output=True, text=True, check=True,
    )  # fmt: skip
    files = ["data/inspection.json", "data/preprocess.json", "data/provenance.json"]
    assert json.loads(said.stdout) == ["pos", done["metrics"]["accuracy"], "0.1", 1, files]  # type: ignore[index]
