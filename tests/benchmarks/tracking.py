"""What tracking costs the work: the seconds of the stage `train` with MLflow beside it, and without.

python tests/benchmarks/tracking.py
"""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
from pathlib import Path

from measure import AIAAS, RECIPES, Taken, in_turn, medians, report, run

COMMAND = [*AIAAS, "train", str(RECIPES / "reviews_zh_logistic.yaml"), "--json"]


def seconds(taken: list[Taken]) -> float:
    stages = (json.loads(each.stdout)["stages"] for each in taken)
    return statistics.median(stage["seconds"] for each in stages for stage in each if stage["name"] == "train")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)

        def train(tracking: str) -> Taken:
            shutil.rmtree(here / ".aiaas", ignore_errors=True)
            return run(COMMAND, here, {"AIAAS_TRACKING": tracking})

        taken = in_turn({"off": lambda: train("off"), "on": lambda: train("on")}, rounds=7)
    off, on = seconds(taken["off"]), seconds(taken["on"])
    report(
        "tracking",
        **{name: {**medians(each), "train": round(seconds(each), 3)} for name, each in taken.items()},
        train_overhead=round(on / off - 1, 4),
    )


main()
