"""Naive Bayes on reviews that stay on disk: how long, how much memory, and whether it is the model of memory.

    python tests/benchmarks/streaming.py --rows 5000000

The reviews are made by `synthetic_reviews.py`, collected and split by `aiaas`; then only `train` and `evaluate` are
measured: `peak_mb` is that of the largest process. On the first `--sample` rows the model is learned in memory and
streamed, in one process and in two, and the digests are compared. A smoke: `--rows 60000 --sample 20000`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from measure import AIAAS, Taken, report, run

RECIPE = """\
schema: 1
name: streaming
task: text-classification
seed: 7
collect:
  - {source: REVIEWS}
preprocess:
  steps: []
  split: {train: 0.9, validation: 0, test: 0.1, stratify: false}
model:
  backend: sklearn
  architecture: naive_bayes
  params: {features: tfidf, analyzer: char, ngrams: [1, 3], alpha: 0.1}
train: {stream: always}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure Naive Bayes, streamed.")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--sample", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where the reviews and the workspace go; kept")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as place:
        folder = Path(place)
        reviews = folder / "reviews.csv"
        maker = Path(__file__).parent / "synthetic_reviews.py"
        made = run([sys.executable, str(maker), str(reviews), "--rows", str(asked.rows)])
        sample = folder / "sample.csv"
        with reviews.open("rb") as source, sample.open("wb") as target:
            target.writelines(itertools.islice(source, asked.sample + 1))
        digests = {
            name: _trained(sample, folder / "sample", settings)[0]["model_digest"]
            for name, settings in {
                "memory": ["train.stream=never"],
                "streamed": ["train.processes=1"],
                "streamed_in_two": ["train.processes=2"],
            }.items()
        }
        _, taken = _trained(reviews, folder / "all", [])
        judged = run(_command("evaluate", folder / "all", []))
        report(
            "streaming",
            rows=asked.rows,
            megabytes=round(reviews.stat().st_size / 1e6),
            generate={"wall": round(made.wall, 1)},
            train={"wall": round(taken.wall, 1), "cpu": round(taken.cpu, 1), "peak_mb": round(taken.peak_mb)},
            evaluate={"wall": round(judged.wall, 1), "peak_mb": round(judged.peak_mb)},
            accuracy=json.loads(judged.stdout)["metrics"]["accuracy"],
            same_model=len(set(digests.values())) == 1,
        )


def _trained(reviews: Path, folder: Path, settings: list[str]) -> tuple[dict[str, Any], Taken]:
    """What `aiaas train --json` says of a recipe over these reviews, and what it took."""
    folder.mkdir(exist_ok=True)
    (folder / "recipe.yaml").write_text(RECIPE.replace("REVIEWS", str(reviews)), "utf-8")
    run(_command("preprocess", folder, settings))
    taken = run(_command("train", folder, settings))
    return json.loads(taken.stdout), taken


def _command(verb: str, folder: Path, settings: list[str]) -> list[str]:
    given = [part for setting in settings for part in ("--set", setting)]
    place = ["--workspace", str(folder / "workspace")]
    return [*AIAAS, verb, str(folder / "recipe.yaml"), *given, *place, "--json", "--quiet"]


if __name__ == "__main__":
    main()
