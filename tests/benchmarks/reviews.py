"""The whole of `aiaas run recipes/reviews_zh_nb.yaml` in an empty workspace, against a plain script; then everything
cached.

    python tests/benchmarks/reviews.py [PLAIN_SCRIPT]
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from measure import AIAAS, RECIPES, Taken, in_turn, medians, ratio, report, run

PLAIN = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "plain" / "nb_reviews.py").absolute()
COMMAND = [*AIAAS, "run", str(RECIPES / "reviews_zh_nb.yaml"), "--json"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)

        def empty() -> Taken:
            shutil.rmtree(here / ".aiaas", ignore_errors=True)
            return run(COMMAND, here)

        taken = in_turn(
            {
                "plain": lambda: run([sys.executable, str(PLAIN)], here),
                "aiaas": empty,
                "cached": lambda: run(COMMAND, here),
            }
        )
    ours, theirs = json.loads(taken["aiaas"][-1].stdout), json.loads(taken["plain"][-1].stdout)
    report(
        "reviews",
        **{name: medians(each) for name, each in taken.items()},
        wall_ratio=ratio(taken["aiaas"], taken["plain"]),
        peak_ratio=ratio(taken["aiaas"], taken["plain"], "peak_mb"),
        accuracy={"aiaas": ours["metrics"]["accuracy"], "plain": theirs["accuracy"]},
    )


main()
