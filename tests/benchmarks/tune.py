"""A search over naive Bayes, killed three times and gone on with, beside as many runs from an empty workspace.

    python tests/benchmarks/tune.py [--trials 50] [--runs 5] [--kills 3]

The runs are timed a few times and counted as many as there are trials. The search is timed undisturbed, then done again
with SIGKILLs, each at another moment of a trial; both must have tried the same, and no trial twice. Runs in MLflow are
counted.
"""

from __future__ import annotations

import argparse
import json
import signal
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from measure import AIAAS, ENVIRONMENT, RECIPES, report, run

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--trials", type=int, default=50)
parser.add_argument("--runs", type=int, default=5)
parser.add_argument("--kills", type=int, default=3)
asked = parser.parse_args()


def begun(folder: Path) -> int:
    """How many trials the study has."""
    file = folder / ".aiaas/tune/studies.db"
    if not file.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
            return int(database.execute("SELECT count(*) FROM trials WHERE state != 'WAITING'").fetchone()[0])
    except sqlite3.OperationalError:  # its tables are being made
        return 0


def search(folder: Path) -> list[str]:
    (folder / "search.yaml").write_text((RECIPES / "reviews_zh_nb_search.yaml").read_text("utf-8"), "utf-8")
    return [*AIAAS, "tune", "search.yaml", "--set", f"tune.trials={asked.trials}", "--json", "--quiet"]


def killed(words: list[str], folder: Path) -> list[int]:
    """Begin the search and kill it, as often as is asked; how many trials there were each time."""
    there = []
    for number in range(asked.kills):
        wanted = (number + 1) * asked.trials // (asked.kills + 1)
        process = subprocess.Popen(
            words, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while begun(folder) < wanted and process.poll() is None:
            time.sleep(0.02)
        time.sleep(0.3 * number)
        process.send_signal(signal.SIGKILL)
        process.wait()
        there.append(begun(folder))
    return there


def tried(told: dict[str, Any]) -> list[Any]:
    return [(each["number"], each["settings"], each["values"]) for each in told["trials"]]


def in_mlflow(folder: Path) -> dict[str, int]:
    """How the runs of trials ended, as MLflow has them, and how many have a parent."""
    run([*AIAAS, "runs", "sync", "--json"], folder)
    with sqlite3.connect(folder / ".aiaas/mlflow.db") as database:
        states = Counter(value for (value,) in database.execute("SELECT value FROM tags WHERE key='aiaas.trial.state'"))
        query = "SELECT count(*) FROM tags WHERE key='mlflow.parentRunId'"
        return {**states, "with a parent": database.execute(query).fetchone()[0]}


walls = []
for _ in range(asked.runs):
    with tempfile.TemporaryDirectory() as empty:
        walls.append(run([*AIAAS, "run", str(RECIPES / "reviews_zh_nb.yaml"), "--quiet"], Path(empty)).wall)
with tempfile.TemporaryDirectory() as name:
    taken = run(search(Path(name)), Path(name))
    whole, whole_runs = json.loads(taken.stdout), in_mlflow(Path(name))
with tempfile.TemporaryDirectory() as name:
    there = killed(search(Path(name)), Path(name))
    broken, broken_runs = json.loads(run(search(Path(name)), Path(name)).stdout), in_mlflow(Path(name))

one = statistics.median(walls)
report(
    "tune",
    trials=asked.trials,
    seconds=round(taken.wall, 1),
    seconds_a_run=round(one, 2),
    times_faster=round(one * asked.trials / taken.wall, 2),
    best={"settings": whole["best"]["settings"], **whole["best"]["values"]},
    first=whole["first"] and whole["first"]["values"],
    importance=whole["importance"],
    runs=whole_runs,
    killed_at=there,
    killed_numbers_whole=[each["number"] for each in broken["trials"]] == list(range(asked.trials)),
    killed_done=broken["counts"]["done"],
    killed_as_never_killed=tried(broken) == tried(whole),
    killed_runs=broken_runs,
)
