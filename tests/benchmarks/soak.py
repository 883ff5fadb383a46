"""Many requests of random sizes by every protocol, from 20 clients of five tenants, with faults planted: a model that
fails at some texts, inputs and bodies that are no such, deadlines too short, clients that leave, quotas that are used
up, and with --kill SECONDS a worker that dies every so often. Every answer is compared with what its request must get.

python tests/benchmarks/soak.py [--requests 1000000] [--kill SECONDS] [--workspace FOLDER]

A million requests leave some 600 MB of audit and logs in the workspace, which is a temporary one unless it is named.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from measure import report

from aiaas import audit
from aiaas.control import Control, Quota
from aiaas.workspace import Workspace
from tests import soaking, task_toys
from tests.fleet import Service, kill, served, until
from tests.memory import pss
from tests.soaking import Asked, Requests
from tests.ways import SLOW
from tests.wire import Address, Reply, Wire

CLIENTS = 20
FIRST = 50_000
"""Requests after which memory is looked at, or a twentieth of all where those are fewer."""
LOOKS = 5
SHOWN = 10
WAIT = 0.25
"""Seconds that a client is silent whose quota is used up."""
QUOTAS: Mapping[str, str] = {
    "free": "",
    "requests": "requests=200/s",
    "rows": "rows=600/s",
    "tokens": "tokens=100000/s,compute=1000/day",
    "some": "",
}
"""Of each tenant; the last sees but some of the models."""
SOME = ("reviews", "flats", "writer")


@dataclass(slots=True)
class Outcome:
    """What became of the requests. `misrouted` were answered with something else than they asked, `unexpected` with a
    status that they must not get, `lost` not at all."""

    asked: int = 0
    answered: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    left: int = 0
    misrouted: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        counts = {name: len(getattr(self, name)) for name in ("misrouted", "unexpected", "lost")}
        refused = {str(code): count for code, count in sorted(self.refused.items())}
        return {"asked": self.asked, "answered": self.answered, "refused": refused, "left": self.left, **counts}

    @property
    def faults(self) -> list[str]:
        return [f"{name}: {each}" for name in ("misrouted", "unexpected", "lost") for each in getattr(self, name)]


class Client:
    """Asks until `total` requests were asked by all."""

    def __init__(self, number: int, address: Address, keys: Mapping[str, str], outcome: Outcome, total: int) -> None:
        tenant = list(QUOTAS)[number % len(QUOTAS)]
        models = SOME if tenant == "some" else soaking.MODELS
        self._asking = Requests(number, {"authorization": f"Bearer {keys[tenant]}"}, models)
        self._limited = bool(QUOTAS[tenant])
        self._wire = Wire(address)
        self._outcome = outcome
        self._total = total

    async def run(self) -> None:
        while self._outcome.asked < self._total:
            self._outcome.asked += 1
            asked = next(self._asking)
            try:
                if asked.leaves is not None:
                    await self._wire.leave(asked.data, asked.leaves)
                    self._outcome.left += 1
                    continue
                reply = await self._wire.ask(asked.data)
            except (OSError, TimeoutError) as error:
                self._outcome.lost.append(f"{asked.id}: {error!r}")
                self._wire.close()
                await asyncio.sleep(WAIT)
                continue
            self._look(asked, reply)
            if asked.ends:
                self._wire.close()
            if reply.status == 429:
                await asyncio.sleep(WAIT)
        self._wire.close()

    def _look(self, asked: Asked, reply: Reply) -> None:
        outcome = self._outcome
        if reply.id != asked.id:
            outcome.misrouted.append(f"{asked.id} got the answer to {reply.id}")
        elif reply.status not in asked.allowed and not (reply.status == 429 and self._limited):
            outcome.unexpected.append(f"{asked.id} {reply.status}, not {set(asked.allowed)}: {reply.body[:300]!r}")
        elif reply.status != 200:
            outcome.refused[reply.status] += 1
        elif _is_right(asked, reply):
            outcome.answered += 1
        else:
            outcome.misrouted.append(f"{asked.id}: {reply.body[:300]!r}")


def _is_right(asked: Asked, reply: Reply) -> bool:
    try:
        return asked.is_right(reply.body)
    except (ValueError, LookupError, TypeError):  # it has not even the form of an answer
        return False


class Memory:
    """MB of the supervisor and of its workers, at some times."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.seen: list[dict[int, float]] = []

    async def look(self) -> None:
        """The median of some looks, while all goes on."""
        looks = []
        for _ in range(LOOKS):
            looks.append({pid: pss(pid) for pid in (self._service.process.pid, *self._service.workers())})
            await asyncio.sleep(0.2)
        self.seen.append({pid: sorted(each.get(pid, 0.0) for each in looks)[LOOKS // 2] for pid in looks[-1]})

    def figures(self) -> dict[str, Any]:
        """The supervisor first, and all that there is now as a share of what there was at first."""
        first, last = (list(each.values()) for each in (self.seen[0], self.seen[-1]))
        return {
            "memory_mb": {"first": [round(each, 1) for each in first], "last": [round(each, 1) for each in last]},
            "memory_total_mb": [round(sum(each.values())) for each in self.seen],
            "grown": round(sum(last) / sum(first) - 1, 3),
        }


async def asked(service: Service, keys: Mapping[str, str], total: int, killing: float) -> tuple[Outcome, Memory, int]:
    """All requests, asked; and how many workers were killed meanwhile."""
    outcome, memory, killed = Outcome(), Memory(service), 0
    clients = [Client(number, Address.of(service.url), keys, outcome, total) for number in range(CLIENTS)]
    first = min(FIRST, total // 20)
    running = asyncio.gather(*(client.run() for client in clients))
    looks, last_kill = 0, time.monotonic()
    while not running.done():
        await asyncio.sleep(0.05)
        if outcome.asked >= first * (1 + 2 * looks):  # at the first, then ten times on the way
            looks += 1
            await memory.look()
            print(f"{outcome.asked:,} asked, {list(memory.seen[-1].values())} MB", file=sys.stderr)
        if killing and time.monotonic() - last_kill > killing and (workers := service.workers()):
            kill(random.choice(workers))
            killed, last_kill = killed + 1, time.monotonic()
    await running
    await memory.look()
    return outcome, memory, killed


@contextmanager
def prepared(folder: Path | None) -> Iterator[tuple[Workspace, dict[str, str]]]:
    """A workspace with the models, and a key of each tenant."""
    with tempfile.TemporaryDirectory() as temporary:
        space = Workspace.open(folder or Path(temporary))
        for model in soaking.MODELS:
            kind, seconds = ("reviews", 0.02) if model == SLOW else (model, 0.0)
            task_toys.register(space, model, kind, seconds)
        with Control(space) as control:
            keys = {
                tenant: control.create(
                    tenant, quota=Quota.parse(quota), models=list(SOME) if tenant == "some" else None
                ).text
                for tenant, quota in QUOTAS.items()
            }
        yield space, keys


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--kill", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--workers", default="2")
    told = parser.parse_args()
    with prepared(told.workspace) as (space, keys):
        with served(space, "--workers", told.workers, models=soaking.MODELS) as service:
            began = time.monotonic()
            outcome, memory, killed = asyncio.run(asked(service, keys, told.requests, told.kill))
            seconds = time.monotonic() - began
            until(lambda: service.status() == "ready")
            service.process.send_signal(signal.SIGTERM)
            status = service.process.wait(60)
        entries = sum(head.entries for head in audit.verify(space.audit))
    for each in outcome.faults[:SHOWN]:
        print(each, file=sys.stderr)
    report(
        "soak",
        **outcome.figures(),
        killed=killed,
        seconds=round(seconds),
        requests_per_second=round(told.requests / seconds),
        **memory.figures(),
        status=status,
        audited=entries,
    )
    allowed = killed * CLIENTS  # of those inside a worker that was killed: one a client at most
    sys.exit(bool(status or outcome.misrouted or outcome.unexpected or len(outcome.lost) > allowed))


if __name__ == "__main__":
    main()
