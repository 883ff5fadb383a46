"""Whether each recipe, run again from its lock, makes what it made, to the bit.

    python tests/benchmarks/reproduce.py  # every recipe; some hours
    python tests/benchmarks/reproduce.py iris_gaussian reviews_zh_nb --set reviews_zh_nb:model.params.alpha=0.5

A line of JSON each: seconds of the run and of the reproduction, whether all digests are identical, and which are not.
What reads from a server is given one. A recipe that does not run here (a hub, a data set that is not installed) is told
with its error.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from measure import AIAAS, ENVIRONMENT, RECIPES

sys.path.insert(0, str(Path(__file__).parent.parent.parent))
from tests.recipe_servers import SERVERS, Served


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help="their names; by default all")
    parser.add_argument("--set", dest="words", action="append", default=[], metavar="RECIPE:PATH=VALUE")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where downloads and caches may stay")
    asked = parser.parse_args()
    names = asked.recipes or sorted(file.stem for file in RECIPES.glob("*.yaml"))
    found = []
    for name in names:
        words = [word.partition(":")[2] for word in asked.words if word.startswith(f"{name}:")]
        server = SERVERS[name]() if name in SERVERS else nullcontext(Served(None))
        with tempfile.TemporaryDirectory(dir=asked.keep) as folder, server as served:
            found.append(again(name, [*served.words, *words], Path(folder), served.environment))
        print(json.dumps(found[-1], ensure_ascii=False), flush=True)
    ran = [each for each in found if "error" not in each]
    told = {"recipes": len(found), "ran": len(ran), "identical": sum(each["identical"] for each in ran)}
    print(json.dumps(told))
    sys.exit(told["ran"] != told["identical"])


def again(name: str, words: list[str], workspace: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Run the recipe and reproduce it."""
    sets = [word for value in words for word in ("--set", value)]
    ran, seconds = command("run", str(RECIPES / f"{name}.yaml"), *sets, "--workspace", str(workspace), **environment)
    if "lock" not in ran:
        return {"recipe": name, "error": ran.get("error", {}).get("message", "it left no lock")}
    made, later = command("reproduce", ran["lock"], "--workspace", str(workspace), **environment)
    if "stages" not in made:
        return {"recipe": name, "error": made["error"]["message"], "run": seconds}
    return {
        "recipe": name,
        "run": seconds,
        "reproduce": later,
        "identical": made["identical"],
        "other": [stage["name"] for stage in made["stages"] if not stage["same"]],
        "metrics_apart": max((each["apart"] or 0.0 for each in made["metrics"]), default=None),
    }


def command(*words: str, **environment: str) -> tuple[dict[str, Any], float]:
    """What it prints with `--json`, whether it failed or not, and its seconds."""
    started = time.perf_counter()
    done = subprocess.run(
        [*AIAAS, *words, "--json", "--quiet"],
        env={**ENVIRONMENT, "AIAAS_TRACKING": "off", **environment},
        cwd=os.fspath(RECIPES.parent),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout), round(time.perf_counter() - started, 1)


if __name__ == "__main__":
    main()
