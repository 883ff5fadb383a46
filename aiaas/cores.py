"""What the processor has: cores for this process, instructions."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path


def cores() -> int:
    """Cores that this process may use: fewer than the machine has where a scheduler or a container says so (Linux)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def instructions() -> frozenset[str]:
    """The extensions of the processor, as Linux calls them (`avx512f`, `amx_bf16`); empty where it does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return frozenset()
    named = (line.partition(":") for line in lines)
    return frozenset(next((words.split() for name, _, words in named if name.strip() in ("flags", "Features")), ()))
