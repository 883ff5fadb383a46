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
TRAININGS = {"short": [], "longer": ["--set", "model.params.ngrams=[1, 5]"]}


def seconds(taken: list[Taken]) -> float:
    stages = (json.loads(each.stdout)["stages"] for each in taken)
    return statistics.median(stage["seconds"] for each in stages for stage in each if stage["name"] == "train")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)

        def train(tracking: str, words: list[str]) -> Taken:
            shutil.rmtree(here / ".aiaas", ignore_errors=True)
            return run([*COMMAND, *words], here, {"AIAAS_TRACKING": tracking})

        for name, words in TRAININGS.items():
            sides = {side: (lambda side=side, words=words: train(side, words)) for side in ("off", "on")}
            taken = in_turn(sides, rounds=5)
            off, on = seconds(taken["off"]), seconds(taken["on"])
            report(
                f"tracking, {name} training",
                **{side: {**medians(each), "train": round(seconds(each), 3)} for side, each in taken.items()},
                train_overhead=round(on / off - 1, 4),
            )


main()
