"""How long the command line takes to answer when there is nothing to compute, beside an empty interpreter.

python tests/benchmarks/startup.py
"""

from __future__ import annotations

import sys

from measure import AIAAS, RECIPES, in_turn, medians, report, run

SIDES = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "aiaas --help": [*AIAAS, "--help"],
    "aiaas --version": [*AIAAS, "--version"],
    "aiaas recipe validate": [*AIAAS, "recipe", "validate", str(RECIPES / "reviews_zh_nb.yaml")],
}

taken = in_turn({name: lambda command=command: run(command) for name, command in SIDES.items()}, rounds=15)
report("startup", **{name: medians(each) for name, each in taken.items()})
