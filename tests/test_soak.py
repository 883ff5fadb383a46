"""serve: the soak in short: every answer belongs to its request, whatever goes wrong beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import soaking

SOAK = Path(__file__).parent / "benchmarks" / "soak.py"
REQUESTS = 600


@pytest.mark.skipif(sys.platform != "linux", reason="looks for workers in /proc")
def test_every_answer_belongs_to_its_request() -> None:
    done = subprocess.run([sys.executable, SOAK, "--requests", str(REQUESTS)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["misrouted"], told["unexpected"], told["lost"]) == (0, 0, 0)
    assert told["answered"] > 0.8 * REQUESTS
    assert told["answered"] + sum(told["refused"].values()) + told["left"] == told["asked"] >= REQUESTS
    assert {"400", "422"} <= set(told["refused"])
    assert told["audited"] >= told["answered"]
    assert len(told["memory_mb"]["last"]) == 3


def test_another_answer_is_not_taken_for_the_right_one() -> None:
    """The soak would see it if answers were exchanged: neither another's rows pass, nor fewer of the right ones."""
    asking = soaking.Requests(1, {}, ["vectors"])
    rows = ["a", "b"]
    right = soaking._expected("vectors", rows)
    assert soaking._alike(right, soaking._expected("vectors", rows))
    assert not soaking._alike(right[:1], right)
    assert not soaking._alike(right[::-1], right)
    assert len({next(asking).id for _ in range(50)}) == 50
