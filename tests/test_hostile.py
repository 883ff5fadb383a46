"""serve: the hostile requests of the benchmark in short; and that it would see what must not be."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.damage import MARK
from tests.garbage import smuggled
from tests.hostility import Attacks, Shown

BENCHMARKS = Path(__file__).parent / "benchmarks"
REQUESTS = 400


@pytest.mark.skipif(sys.platform != "linux", reason="looks for workers in /proc")
def test_hostile_requests_bring_nothing_about() -> None:
    command = [sys.executable, str(BENCHMARKS / "hostile.py"), "--requests", str(REQUESTS), "--by-hand"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["faults"] == 0
    assert told["sent"] >= REQUESTS
    assert told["witnessed"] >= 25
    assert {"200", "400", "401", "404", "405", "415", "422"} <= set(told["statuses"])


@pytest.mark.parametrize(
    ("status", "answer", "fault"),
    [
        (500, b"{}", "a status of 500"),
        (504, b"{}", "a status of 504"),
        (400, f'{{"message": "{MARK} is unknown"}}'.encode(), "it says what was sent"),
        (422, b'Traceback (most recent call last):\n  File "x"', "it holds a trace"),
        (503, b"{}", None),
        (400, b'{"message": "the body is not JSON"}', None),
    ],
)
def test_what_must_not_be_is_seen(
    status: int, answer: bytes, fault: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    import hostile

    found = hostile.Found()
    found.look("odd values", status, answer)
    assert [each.splitlines()[0] for each in found.faults] == ([f"odd values: {fault}"] if fault else [])


def test_attacks_are_the_same_for_the_same_seed() -> None:
    shown = [Shown("/v1/models/reviews/predict", b'{"inputs": ["a"]}')]
    one, other = Attacks(shown, "key", 3), Attacks(shown, "key", 3)
    drawn = [next(one) for _ in range(300)]
    assert drawn == [next(other) for _ in range(300)]
    assert len({each.kind for each in drawn}) >= 12
    assert sum(any(MARK.encode() in piece for piece in each.pieces) for each in drawn) > 30
    assert smuggled(random.Random(1), "key").count(b"POST") == 2
