"""The five recipes of reviews in one race, in an empty workspace: seconds of everything, and of a second race that
finds all of it made; how often data was prepared; the table.

    python tests/benchmarks/race.py ENCODER [--budget 20m] [--set PATH=VALUE]...

ENCODER is the folder of an encoder for `reviews_zh_bert`; with e5-small and without a budget it takes some 30 minutes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from measure import AIAAS, RECIPES, report, run

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("encoder", type=Path)
parser.add_argument("--budget")
parser.add_argument("--set", action="append", default=[], dest="sets")
asked = parser.parse_args()

KINDS = ("nb", "logistic", "lstm", "cnn", "bert")
words = [*AIAAS, "race", *(str(RECIPES / f"reviews_zh_{kind}.yaml") for kind in KINDS), "--json"]
words += ["--budget", asked.budget] if asked.budget else []
for each in (
    f"reviews_zh_bert:model.params.encoder={asked.encoder.absolute()}",
    "reviews_zh_bert:train.learning_rate=1.0e-4",
    *asked.sets,
):
    words += ["--set", each]

with tempfile.TemporaryDirectory() as folder:
    taken = run(words, Path(folder))
    again = run(words, Path(folder))
    made = {stage: len(list(Path(folder).glob(f".aiaas/artefacts/{stage}/*"))) for stage in ("collect", "preprocess")}
told, repeated = json.loads(taken.stdout), json.loads(again.stdout)
models = told["comparison"]["models"]
report(
    "race",
    budget=asked.budget,
    seconds=round(taken.wall, 1),
    seconds_again=round(again.wall, 1),
    same_again=repeated["comparison"] == told["comparison"],
    made=made,
    failed=[each["name"] for each in told["recipes"] if "error" in each],
    rounds=told.get("rounds"),
    table={
        each["name"]: {
            "accuracy": round(each["metrics"]["accuracy"], 4),
            "interval": each["intervals"]["accuracy"],
            "training_seconds": each["costs"]["training_seconds"],
            "front": each["front"],
            "than_first": each["against"].get("accuracy", {}).get("verdict"),
        }
        for each in models
    },
)
