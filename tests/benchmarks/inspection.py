"""What looking at the rows takes: in full, and in short inside a run; of the reviews, and of many more made by lot.

python tests/benchmarks/inspection.py [ROWS]
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from measure import AIAAS, RECIPES, Taken, in_turn, medians, report, run

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
REVIEWS = str(RECIPES / "reviews_zh_nb.yaml")
MANY = """
name: many
task: text-classification
collect: [{source: many.csv}]
preprocess: {steps: [clean, deduplicate]}
model: {backend: sklearn, architecture: naive_bayes, params: {analyzer: char, ngrams: [1, 1]}}
"""
MAKER = Path(__file__).parent / "synthetic_reviews.py"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        run([sys.executable, str(MAKER), "many.csv", "--rows", str(ROWS)], here)
        (here / "many.yaml").write_text(MANY, "utf-8")
        inside = {name: _inside(here, recipe) for name, recipe in (("reviews", REVIEWS), ("many", "many.yaml"))}
        taken = in_turn(
            {
                "reviews": lambda: _look(here, REVIEWS),
                "many": lambda: _look(here, "many.yaml"),
                "file": lambda: _look(here, "many.csv"),
            },
            rounds=3,
        )
    found = {name: [each["name"] for each in json.loads(sides[-1].stdout)["findings"]] for name, sides in taken.items()}
    full = {name: medians(sides) for name, sides in taken.items()}
    report("inspection", rows=ROWS, full=full, seconds_in_a_run=inside, found=found)


def _inside(here: Path, recipe: str) -> float:
    """The seconds of the stage in a run that makes everything; of three in empty workspaces the median."""
    seconds = []
    for number in range(3):
        done = run([*AIAAS, "train", recipe, "--json", "--workspace", f"space-{number}"], here)
        seconds += [each["seconds"] for each in json.loads(done.stdout)["stages"] if each["name"] == "inspect"]
    return sorted(seconds)[1]


def _look(here: Path, subject: str) -> Taken:
    """A whole command; what it collects and preprocesses is there after the first."""
    return run([*AIAAS, "inspect", subject, "--json"], here)


main()
