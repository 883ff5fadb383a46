"""Recipes of networks, each in an empty workspace: accuracy, seconds of everything and of training, peak memory.

    python tests/benchmarks/networks.py RECIPE [--seeds N] [--set PATH=VALUE]...

RECIPE is the name of a file in recipes/ without its ending, such as digits_cnn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from measure import AIAAS, RECIPES, report, run

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("recipe")
parser.add_argument("--seeds", type=int, default=0, help="run with seeds 0 … N-1 instead of the recipe's own")
parser.add_argument("--set", action="append", default=[], dest="sets")
asked = parser.parse_args()


def one(seed: int | None) -> dict[str, Any]:
    """The figures of one run."""
    given = [*asked.sets, *([] if seed is None else [f"seed={seed}"])]
    with tempfile.TemporaryDirectory() as folder:
        words = [word for each in given for word in ("--set", each)]
        taken = run([*AIAAS, "run", str(RECIPES / f"{asked.recipe}.yaml"), "--json", *words], Path(folder))
    told = json.loads(taken.stdout)
    numbers = {name: value for name, value in told["metrics"].items() if isinstance(value, float)}
    return {
        "metrics": {name: round(value, 4) for name, value in list(numbers.items())[:3]},
        "seconds": round(taken.wall, 1),
        "train_seconds": next(stage["seconds"] for stage in told["stages"] if stage["name"] == "train"),
        "peak_mb": round(taken.peak_mb),
    }


runs = [one(seed) for seed in range(asked.seeds)] if asked.seeds else [one(None)]
first = next(iter(runs[0]["metrics"]))
values = [each["metrics"][first] for each in runs]
report(
    asked.recipe,
    sets=asked.sets,
    runs=runs,
    **{f"{first}_mean": round(statistics.mean(values), 4), f"{first}_least": min(values)},
)
