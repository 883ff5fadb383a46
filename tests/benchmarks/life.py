"""The life of a service under load: versions swapped, workers killed, the service ended; and how soon it begins.

python tests/benchmarks/life.py swaps [WORKSPACE MODEL] [--times 50]
python tests/benchmarks/life.py stops [WORKSPACE MODEL] [--times 10]
python tests/benchmarks/life.py kills [WORKSPACE MODEL] [--seconds 120]
python tests/benchmarks/life.py start WORKSPACE MODEL...

Without a workspace a toy answers, two milliseconds a batch, whose answer shows what it was asked. Of a registered model
the two newest versions take turns, and every answer is compared with what the bundle of its version says.
"""

from __future__ import annotations

import argparse
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from measure import report

from aiaas import bundle
from aiaas.track import Registry
from aiaas.workspace import Workspace
from tests import fleet_toy
from tests.fleet import Clients, Service, kill, served, until

EVERY = 5.0
"""Seconds between two workers that are killed."""
SETTLED = 0.2
"""Seconds after a switch in which every answer must be of the new version."""
TEXTS = 200


@contextmanager
def subject(workspace: Path | None, model: str) -> Iterator[tuple[Workspace, str]]:
    """The workspace of a model with two versions at least."""
    if workspace is not None:
        yield Workspace.open(workspace), model
        return
    with tempfile.TemporaryDirectory() as folder:
        space = Workspace.open(Path(folder))
        for turn in (1, 2):
            fleet_toy.register(space, "toy", seconds=0.002, turn=turn)
        yield space, "toy"


def known(space: Workspace, model: str) -> Mapping[str, Mapping[str, Any]]:
    """What each version answers to each of some texts; nothing of the toy, whose clients know."""
    if model == "toy":
        return {}
    told: dict[str, dict[str, Any]] = {}
    for version in Registry(space.models).versions(model)[-2:]:
        loaded = bundle.load(version.path, digest=version.digest)
        examples = [str(each["input"]) for each in loaded.examples()]
        lot = random.Random(7)
        texts = ["，".join(lot.choices(examples, k=2))[: lot.randint(4, 60)] for _ in range(TEXTS)]
        told[str(version.number)] = dict(zip(texts, loaded.predict(texts), strict=True))
    return told


def clients(service: Service, space: Workspace, model: str, count: int = 32) -> Clients:
    found = Clients(service.url, key=service.key, count=count, model=model, known=known(space, model))
    found.start()
    until(lambda: len(found.answers) > 5 * count)
    return found


def outcome(asking: Clients) -> dict[str, Any]:
    waited = sorted(each.given - each.asked for each in asking.answers)
    return {
        "answered": len(waited),
        "lost": len(asking.lost),
        "refused": dict(asking.refused),
        "misrouted": len(asking.wrong),
        "p50_ms": round(1000 * statistics.median(waited), 2),
        "p99_ms": round(1000 * waited[int(len(waited) * 0.99)], 2),
    }


def swaps(space: Workspace, model: str, workers: Sequence[str], times: int) -> dict[str, Any]:
    """The alias is moved between two versions, each time soon after the other one answers."""
    registry = Registry(space.models)
    first, second = [each.number for each in registry.versions(model)][-2:]
    registry.set_alias(model, "champion", first)
    taken: list[float] = []
    windows: list[tuple[float, float, str]] = []
    with served(space, *workers, models=(model,)) as service:
        asking = clients(service, space, model)
        for turn in range(times):
            number = (second, first)[turn % 2]
            began = time.monotonic()
            registry.set_alias(model, "champion", number)
            seen = until(lambda began=began, number=number: _first(asking, began, str(number)))
            taken.append(seen - began)
            time.sleep(SETTLED)
            windows.append((seen, time.monotonic(), str(number)))
        asking.end()
    late = sum(
        each.version != version for each in asking.answers for since, to, version in windows if since < each.asked < to
    )
    return {**outcome(asking), "swaps": times, "seconds_each": round(statistics.median(taken), 2), "late": late}


def _first(asking: Clients, since: float, version: str) -> float | None:
    """When the first answer of that version came to a request that was sent since then."""
    seen = (each.given for each in reversed(asking.answers) if each.asked > since and each.version == version)
    return next(seen, None)


def stops(space: Workspace, model: str, workers: Sequence[str], times: int) -> dict[str, Any]:
    """SIGTERM under load, until every client saw the door closed."""
    found: list[dict[str, Any]] = []
    for turn in range(times):
        with served(space, *workers, models=(model,)) as service:
            asking = Clients(
                service.url, key=service.key, kept=turn % 2 == 0, count=32, model=model, known=known(space, model)
            )
            asking.start()
            until(lambda asking=asking: len(asking.answers) > 500)
            service.process.send_signal(signal.SIGTERM)
            for thread in asking.threads:
                thread.join(60)
            found.append({**outcome(asking), "status": service.process.wait(60)})
    return {
        "stops": times,
        "answered": sum(each["answered"] for each in found),
        "lost": sum(each["lost"] for each in found),
        "refused": sum(sum(each["refused"].values()) for each in found),
        "misrouted": sum(each["misrouted"] for each in found),
        "statuses": sorted({each["status"] for each in found}),
    }


def kills(space: Workspace, model: str, workers: Sequence[str], seconds: float) -> dict[str, Any]:
    """One worker after another is killed while all are asked.

    What is lost was in them: one request a client at most.
    """
    with served(space, *workers, models=(model,)) as service:
        asking = clients(service, space, model)
        end = time.monotonic() + seconds
        killed, most = 0, 0
        while time.monotonic() < end:
            before = len(asking.lost)
            kill(random.choice(until(service.workers)))
            killed += 1
            time.sleep(EVERY)
            most = max(most, len(asking.lost) - before)
        until(lambda: service.status() == "ready")
        asking.end()
    return {**outcome(asking), "killed": killed, "most_lost_at_once": most, "clients": asking.count}


def start(space: Workspace, models: Sequence[str], workers: Sequence[str]) -> dict[str, Any]:
    taken = []
    for _ in range(5):
        began = time.monotonic()
        with served(space, *workers, models=tuple(models)) as service:
            until(lambda service=service: service.status() == "ready")
            taken.append(time.monotonic() - began)
    return {"models": list(models), "seconds": round(statistics.median(taken), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["swaps", "stops", "kills", "start"])
    parser.add_argument("workspace", nargs="?", type=Path)
    parser.add_argument("models", nargs="*", default=["toy"])
    parser.add_argument("--workers", default="2")
    parser.add_argument("--times", type=int)
    parser.add_argument("--seconds", type=float, default=120.0)
    asked = parser.parse_args()
    workers = ["--workers", asked.workers]
    with subject(asked.workspace, asked.models[0]) as (space, model):
        match asked.what:
            case "swaps":
                figures = swaps(space, model, workers, asked.times or 50)
            case "stops":
                figures = stops(space, model, workers, asked.times or 10)
            case "kills":
                figures = kills(space, model, workers, asked.seconds)
            case _:
                figures = start(space, asked.models, workers)
    report(f"life: {asked.what}", workers=int(asked.workers), **figures)


if __name__ == "__main__":
    main()
