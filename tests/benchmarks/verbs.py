"""Verbs that a person waits for: `runs list`, `runs show` and completion over 1,000 runs; `doctor` without network.

python tests/benchmarks/verbs.py
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from measure import AIAAS, in_turn, medians, report, run

from aiaas.track import Run
from aiaas.workspace import Workspace

COMMAND = str(Path(sys.executable).with_name("aiaas"))
RUNS = 1000
RECIPE = {"seed": 7, "model": {"params": {f"parameter_{number}": number for number in range(40)}}}
NOWHERE = {
    "HF_ENDPOINT": "http://192.0.2.1",  # kept for documents: nobody answers, and nobody says so
    "MLFLOW_TRACKING_URI": "http://192.0.2.1:5000",
    "NO_PROXY": "*",
}


def fill(workspace: Workspace) -> str:
    """As many runs as a team makes in a month, each with settings, metrics and an epoch of steps; the last one's id."""
    for number in range(RUNS):
        one = Run.start(workspace, f"recipe-{number % 7}", send=False)
        one.params(RECIPE)
        for step in range(50):
            one.metrics({"train.loss": 1 / (step + 1)}, step=step)
        one.metrics({"accuracy": number / RUNS, "f1": number / RUNS})
        one.finish("FINISHED" if number % 10 else "FAILED")
    return one.id


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        last = fill(Workspace.open(here / ".aiaas"))
        completing = {"_AIAAS_COMPLETE": "complete_bash", "COMP_WORDS": "aiaas runs show 2", "COMP_CWORD": "3"}
        sides = {
            "runs list": lambda: run([*AIAAS, "runs", "list"], here),
            "runs list --json": lambda: run([*AIAAS, "runs", "list", "--json"], here),
            "runs list --limit 20": lambda: run([*AIAAS, "runs", "list", "--limit", "20"], here),
            "runs show": lambda: run([*AIAAS, "runs", "show", last], here),
            "completion": lambda: run([COMMAND], here, completing),
            "doctor": lambda: run([*AIAAS, "doctor"], here, NOWHERE),
            "doctor --offline": lambda: run([*AIAAS, "doctor", "--offline"], here),
        }
        taken = in_turn(sides, rounds=7)
        report("verbs", runs=RUNS, **{name: medians(each) for name, each in taken.items()})


os.environ["AIAAS_TRACKING"] = "off"
main()
