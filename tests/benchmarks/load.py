"""Load on a server by wrk, each request another body, and what the server takes of the machine meanwhile."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

_SCRIPT = Path(__file__).parent / "load.lua"
_TICK = os.sysconf("SC_CLK_TCK")
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Server:
    """One that listens, and what is sent to it: `bodies` is a file with a body of a request a line, `header` one that
    goes with each, `NAME: VALUE` or nothing."""

    process: subprocess.Popen[str]
    url: str
    bodies: Path
    header: str = ""

    @property
    def pids(self) -> list[int]:
        """The process, and all that it started."""
        found, left = [], [self.process.pid]
        while left:
            found.append(left.pop())
            for tasks in Path(f"/proc/{found[-1]}/task").glob("*/children"):
                left += map(int, tasks.read_text().split())
        return found

    @property
    def memory(self) -> float:
        """MB of all its processes, what they share counted once."""
        files = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self.pids]
        return sum(int(file.split("\nPss:")[1].split()[0]) for file in files) / 1024

    @property
    def cpu(self) -> float:
        """Seconds of processor time that they took."""
        stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.pids]
        return sum(int(stat[11]) + int(stat[12]) for stat in stats) / _TICK


@dataclass(frozen=True, slots=True)
class Load:
    """`refused` answers had a status from 400 on, `lost` requests none, or one too late."""

    requests_a_second: float
    p50_ms: float
    p99_ms: float
    refused: int
    lost: int
    cpu_us: float
    """Of processor time of the server, a request."""
    memory_mb: float


def load(server: Server, connections: int, seconds: float, rate: float = 0.0) -> Load:
    """Ask without pause, or so often a second at most, chance deciding when."""
    began = server.cpu
    found = told(wrk(server, connections, seconds, rate))
    lost = sum(found[kind] for kind in ("connect", "read", "write", "timeout"))
    spent = (server.cpu - began) / max(1, found["requests"])
    return Load(
        round(found["requests"] / found["seconds"], 1),
        found["p50_ms"],
        found["p99_ms"],
        found["status"],
        lost,
        round(1e6 * spent, 1),
        round(server.memory, 1),
    )


def wrk(server: Server, connections: int, seconds: float, rate: float = 0.0) -> subprocess.Popen[str]:
    """wrk at work; its last line is what `told` reads."""
    every = 1000 * connections / rate if rate else 0.0
    command = ["wrk", "-t1", f"-c{connections}", f"-d{round(seconds)}s", "--timeout", "30s", "-s", str(_SCRIPT)]
    command += [server.url, "--", str(server.bodies), server.header, f"{every:.3f}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def told(process: subprocess.Popen[str]) -> dict[str, Any]:
    said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"wrk ended with {process.returncode}: {said}")
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def in_turn(
    servers: Mapping[str, Server], connections: int, seconds: float, rounds: int, warm: float = 3.0
) -> dict[str, list[Load]]:
    """Every server once to warm up, then all in turn, so that a drift of the machine meets them alike. Those that are
    not asked stand still: some of them are busy waiting."""
    for server in servers.values():
        with alone(server, servers.values()):
            load(server, connections, warm)
    taken: dict[str, list[Load]] = {name: [] for name in servers}
    for _ in range(rounds):
        for name, server in servers.items():
            with alone(server, servers.values()):
                taken[name].append(load(server, connections, seconds))
    return taken


@contextmanager
def alone(server: Server, servers: Iterable[Server]) -> Iterator[None]:
    """The other servers are stopped meanwhile."""
    others = [pid for each in servers if each is not server for pid in each.pids]
    try:
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in reversed(others):
            os.kill(pid, signal.SIGCONT)


def medians(loads: Sequence[Load]) -> dict[str, float]:
    """Of all figures; of faults the sums."""
    counts = {name: sum(getattr(each, name) for each in loads) for name in ("refused", "lost")}
    middle = {name: round(statistics.median(getattr(each, name) for each in loads), 3) for name in _FIGURES}
    return middle | counts


_FIGURES = ("requests_a_second", "p50_ms", "p99_ms", "cpu_us", "memory_mb")


@contextmanager
def running(command: Sequence[str], log: Path, **how: Any) -> Iterator[subprocess.Popen[str]]:
    """A server as a process group of its own, all of which is ended at the end. What it says goes to `log`."""
    with log.open("w") as stream:
        process = subprocess.Popen(command, stderr=stream, text=True, start_new_session=True, **how)
    try:
        yield process
    except RuntimeError as error:
        raise RuntimeError(f"{error}\n{log.read_text()[-2000:]}") from None
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(server: Server) -> Server:
    """The same, once it answers."""
    until(lambda: said(server, 1) is not None, server.process)
    return server


def said(server: Server, count: int) -> list[Any] | None:
    """Its answers to its first bodies; None while it does not answer with status 200."""
    name, _, value = server.header.partition(": ")
    headers = {"content-type": "application/json"} | ({name: value} if name else {})
    try:
        with server.bodies.open(encoding="utf-8") as lines, httpx.Client(headers=headers, trust_env=False) as http:
            found = [http.post(server.url, content=line, timeout=_PATIENCE) for line in islice(lines, count)]
    except httpx.TransportError:
        return None
    return [each.json() for each in found] if all(each.status_code == 200 for each in found) else None


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for it; RuntimeError when the process ends first, or it takes too long."""
    end = time.monotonic() + _PATIENCE
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{process.args!r} does not answer")
        time.sleep(0.2)
