"""Whole processes, timed from outside: wall seconds, processor seconds, peak memory of the largest process."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AIAAS = [sys.executable, "-m", "aiaas"]
RECIPES = Path(__file__).parent.parent.parent / "recipes"
# As where it is installed: pip compiles the modules, so no run pays for that.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def bearer(started: Mapping[str, Any]) -> dict[str, str]:
    """The header with the first key of a service, of what `aiaas serve --json` said in a workspace that had none."""
    return {"authorization": f"Bearer {started['key']}"}


@dataclass(frozen=True, slots=True)
class Taken:
    """`peak_mb` is that of the largest process among the command and the children it waited for."""

    wall: float
    cpu: float
    peak_mb: float
    stdout: str


def run(command: Sequence[str], cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> Taken:
    """Run a command to its end; RuntimeError with what it said when it fails.

    The peak that Linux accounts to a process is at least what its parent held when it was started: a benchmark keeps
    itself small, and lets a command that says much say it to a file.
    """
    started = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**ENVIRONMENT, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        out, err = process.stdout.read(), process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{err}")
    return Taken(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out)


def in_turn(sides: Mapping[str, Callable[[], Taken]], rounds: int = 5) -> dict[str, list[Taken]]:
    """Every side once to warm up, then all in turn, so that a drift of the machine meets them alike."""
    for side in sides.values():
        side()
    taken: dict[str, list[Taken]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            taken[name].append(side())
    return taken


def medians(taken: Sequence[Taken]) -> dict[str, float]:
    return {
        "wall": round(statistics.median(each.wall for each in taken), 3),
        "cpu": round(statistics.median(each.cpu for each in taken), 3),
        "peak_mb": round(statistics.median(each.peak_mb for each in taken), 1),
    }


def ratio(ours: Sequence[Taken], theirs: Sequence[Taken], figure: str = "wall") -> float:
    """The median of the ratios round by round."""
    return round(
        statistics.median(getattr(a, figure) / getattr(b, figure) for a, b in zip(ours, theirs, strict=True)), 3
    )


def report(benchmark: str, **figures: Any) -> None:
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "machine": platform.machine()}
    print(json.dumps({"benchmark": benchmark, **figures, **machine}, ensure_ascii=False))
