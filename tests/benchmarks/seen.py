"""What it costs to see what the service does: microseconds of processor time a request, for each watcher and for all of
them, bytes that a request takes in the log and the audit, and how fast an audit is verified.

python tests/benchmarks/seen.py
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from measure import report

from aiaas import audit
from aiaas.serve.batching import Batch, Size, Spent
from aiaas.serve.calls import Call, Caller
from aiaas.serve.seen import Places, open_watchers
from aiaas.serve.watching import All, Ended, Watcher

REQUESTS = 20_000
TOGETHER = 16
ROUNDS = 5
ABOUT = {"model": "reviews-zh-nb", "version": "3", "digest": "4c" * 32}


def requests() -> list[Ended]:
    """Of 50 tenants, a text each."""
    found = []
    for number in range(REQUESTS):
        caller = Caller(f"key-{number % 50}", f"tenant-{number % 50}", frozenset({"infer"}))
        call = Call(f"{number:016x}", caller, 0.0, 0.0, "native", ABOUT, rows=1, tokens=40)
        call.spent = Spent(0.0012, 0.0002, 1.0, 2.0)
        found.append(Ended(call.id, "POST", "/v1/models/{name}/predict", 200, 0.004, call, over=1.0))
    return found


async def cost(watchers: Sequence[Watcher], ended: Sequence[Ended]) -> float:
    """Microseconds a request."""
    told = All(watchers)
    began = time.process_time()
    for start in range(0, REQUESTS, TOGETHER):
        for each in ended[start : start + TOGETHER]:
            told.began()
            told.ended(each)
        told.computed(ABOUT, Batch(Size(TOGETHER, 40 * TOGETHER), 0.003, 0.1, 0))
        await asyncio.sleep(0)
    return (time.process_time() - began) / REQUESTS * 1e6


async def costs(places: Places, ended: Sequence[Ended]) -> tuple[dict[str, float], int]:
    """Those of each watcher and of all, medians of rounds; and how often each request was told in all."""
    with open_watchers(places) as watchers:
        groups = {type(each).__name__: [each] for each in watchers} | {"all": watchers}
        taken: dict[str, list[float]] = {name: [] for name in groups}
        for _ in range(ROUNDS):
            for name, group in groups.items():
                taken[name].append(await cost(group, ended))
    return {name: round(statistics.median(each), 1) for name, each in taken.items()}, 2 * ROUNDS


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.jsonl"))


with tempfile.TemporaryDirectory() as folder:
    root = Path(folder)
    (root / "metrics").mkdir()
    where = Places(root / "metrics", root / "audit", root / "logs")
    microseconds, times = asyncio.run(costs(where, requests()))
    start = time.perf_counter()
    (head,) = audit.verify(where.audit)
    seconds = time.perf_counter() - start
    report(
        "seen",
        microseconds=microseconds,
        log_bytes=round(size(where.logs) / (times * REQUESTS)),
        audit_bytes=round(size(where.audit) / head.entries),
        verified_per_second=round(head.entries / seconds),
    )
