"""Requests that nobody should send, to a service of two workers with a model of every task: by hand (tests/hostility),
by schemathesis from the OpenAPI document, and, where atheris is installed, to the decoders alone. No answer may be a
fault of ours or hold what was sent, no log may; no worker may die; right requests are answered rightly beside them.

python tests/benchmarks/hostile.py [--requests 200000]

Of those a tenth each is schemathesis' and atheris'. `pip install atheris` has no wheel for every Python and system.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from measure import report

from aiaas.control import Control
from aiaas.workspace import Workspace
from tests import every_task, task_toys, ways
from tests.damage import MARK
from tests.fleet import Service, served, until
from tests.hostility import Attack, Attacks, Shown
from tests.memory import pss
from tests.soaking import Requests
from tests.wire import Address, Wire, shoot

ATTACKERS = 24
AFTER = 5
"""Right answers after each part of the requests, before the next."""
PAUSE, PATIENCE = 0.3, 0.5
"""Seconds between pieces of a slow request; and in which an answer comes to what is no right HTTP, or none will."""
SHARE = 0.1
ROUNDS = 5
"""Parts of the requests by hand, after each of which memory is looked at."""
SHOWN = 20
GROWN = 1.3
"""What all processes may take in the end, as a share of what they took at first."""
SCOPES: Mapping[str, Sequence[str]] = {"infer": ["infer"], "admin": ["infer", "admin"], "witness": ["infer"]}
"""Of the keys; every other attacker has the one of an administrator."""
ADMIN: Mapping[str, Any] = {
    "/v1/admin/keys": {"tenant": "acme", "quota": "requests=20/s", "expires": "90d", "models": ["reviews"]},
    "/v1/admin/models/reviews/rollback": {"alias": "champion"},
}
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_TEXT = re.compile(rb"(?:[\xe4-\xe9][\x80-\xbf]{2})+")
"""A run of Chinese in UTF-8."""
_TRACES = (b"Traceback", b'File "', b".py", b"site-packages", b"Exception")


@dataclass(slots=True)
class Found:
    """What came back; `faults` are answers that must not be."""

    sent: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    silent: int = 0
    witnessed: int = 0
    faults: list[str] = field(default_factory=list)

    def look(self, what: str, status: int, answer: bytes, *, timed: bool = False, sent: bytes = b"") -> None:
        self.statuses[status] += 1
        fault = ""
        if status >= 500 and status != 503 and not (status == 504 and timed):
            fault = f"a status of {status}"
        elif status >= 400 and MARK.encode() in answer:
            fault = "it says what was sent"
        elif status >= 400 and any(each in answer for each in _TRACES):
            fault = "it holds a trace"
        if fault:
            self.faults.append(f"{what}: {fault}\n  {sent[:600]!r}\n  {answer[:600]!r}")


class Attacker:
    def __init__(self, address: Address, attacks: Attacks, found: Found) -> None:
        self._address = address
        self._attacks = attacks
        self._found = found
        self._wire = Wire(address)

    async def run(self, total: int) -> None:
        while self._found.sent.total() < total:
            attack = next(self._attacks)
            self._found.sent[attack.kind] += 1
            try:
                await (self._framed(attack) if attack.framed else self._shot(attack))
            except TimeoutError:
                self._found.faults.append(f"{attack.kind}: no answer\n  {attack.pieces[0][:600]!r}")
                self._wire.close()
            except OSError:  # closed, which is an answer as well
                self._found.silent += 1
                self._wire.close()
        self._wire.close()

    async def _framed(self, attack: Attack) -> None:
        (data,) = attack.pieces
        reply = await self._wire.ask(data, 30)
        self._found.look(attack.kind, reply.status, reply.head + reply.body, timed=attack.timed, sent=data)
        if reply.status in (413, 415):  # the body may not have been read
            self._wire.close()

    async def _shot(self, attack: Attack) -> None:
        got = await shoot(self._address, attack.pieces, PAUSE, PATIENCE)
        statuses = [int(each) for each in _STATUS.findall(got)]
        self._found.silent += not statuses
        for status in statuses:
            self._found.look(attack.kind, status, got, sent=b"".join(attack.pieces))
        if attack.kind == "smuggled" and 200 in statuses:
            self._found.faults.append(f"a hidden request was answered\n  {attack.pieces[0]!r}\n  {got[:600]!r}")


async def witness(address: Address, key: str, found: Found) -> None:
    """Right requests meanwhile, which are answered rightly."""
    wire = Wire(address)
    asking = Requests(99, {"authorization": f"Bearer {key}"}, ["reviews", "flats", "vectors", "writer"], faults={})
    while True:
        asked = next(asking)
        reply = await wire.ask(asked.data)
        if reply.status != 200 or reply.id != asked.id or not asked.is_right(reply.body):
            found.faults.append(f"a right request got {reply.status}, {reply.body[:300]!r}\n  {asked.data[:600]!r}")
        found.witnessed += 1
        await asyncio.sleep(0.02)


async def by_hand(service: Service, shown: list[Shown], keys: Mapping[str, str], total: int, found: Found) -> None:
    """Until so many were sent, of which none is as one before."""
    first = found.sent.total()
    address = Address.of(service.url)
    watching = asyncio.create_task(witness(address, keys["witness"], found))
    attackers = [
        Attacker(address, Attacks(shown, keys[("infer", "admin")[seed % 2]], first + seed), found)
        for seed in range(ATTACKERS)
    ]
    await asyncio.gather(*(each.run(total) for each in attackers))
    before = found.witnessed
    while found.witnessed < before + AFTER and not watching.done():  # it answers right afterwards
        await asyncio.sleep(0.05)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    if not watching.cancelled() and (error := watching.exception()):
        found.faults.append(f"the witness was not answered: {error!r}")


def by_schemathesis(service: Service, document: dict[str, Any], key: str, total: int, found: Found) -> None:
    """Requests that fit the document, and such that do not, to every operation."""
    import requests
    import schemathesis
    from hypothesis import HealthCheck, given, settings

    session = requests.Session()
    session.trust_env = False
    headers = {"authorization": f"Bearer {key}", "x-request-timeout": "5"}
    described: Any = schemathesis.openapi.from_dict(document)
    operations = [each.ok() for each in described.get_all_operations()]
    works = [
        (operation, mode)
        for operation in operations
        for mode in schemathesis.GenerationMode
        if mode is schemathesis.GenerationMode.POSITIVE or operation.body.items
    ]
    told = settings(
        max_examples=max(1, total // len(works)),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )

    def ask(case: schemathesis.Case[Any]) -> None:
        found.sent["schemathesis"] += 1
        response = case.call(base_url=service.url, session=session, headers=headers, timeout=30)
        what = f"schemathesis: {case.method} {case.formatted_path}"
        found.look(what, response.status_code, response.content, timed=True, sent=repr(case.body).encode())

    for operation, mode in works:
        told(given(case=operation.as_strategy(generation_mode=mode))(ask))()


def by_atheris(total: int) -> str:
    """What came of it, in words."""
    if importlib.util.find_spec("atheris") is None:
        return "skipped: atheris is not installed"
    command = [sys.executable, "-m", "tests.fuzzing", f"-runs={total}", "-max_len=2000", "-rss_limit_mb=4096"]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(__file__).parent.parent.parent
        done = subprocess.run([*command, f"-artifact_prefix={folder}/"], cwd=root, capture_output=True, text=True)
    return f"{total} inputs" if not done.returncode else f"failed: {done.stderr[-3000:]}"


def shown_by(document: dict[str, Any]) -> Iterator[Shown]:
    """The examples of the document, as they are and with the mark in their texts, what administrators send, and
    tensors as bytes."""
    for path, item in document["paths"].items():
        body = item.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json", {})
        if "example" in body:
            example = ways.dumped(body["example"])
            yield Shown(path, example)
            yield Shown(path, _TEXT.sub(MARK.encode(), example))
    for path, value in ADMIN.items():
        yield Shown(path, ways.dumped(value))
    for model in ("reviews", "vectors"):
        sent, _ = ways.binary(model, ["good", MARK, "房间很干净"])
        yield Shown(sent.path, sent.body, int(sent.headers[ways.HEAD]))


def logged(folder: Path) -> list[str]:
    """Files of the workspace that hold the mark: logs, audit, metrics, what was said on stderr. The database of keys
    may: an administrator has given tenants such names."""
    files = [each for each in folder.rglob("*") if each.is_file() and each.parent.name != "control"]
    return [str(each.relative_to(folder)) for each in files if MARK.encode() in each.read_bytes()]


def attacked(space: Workspace, keys: Mapping[str, str], total: int, share: int) -> tuple[Found, dict[str, Any]]:
    """What was found, and figures of the processes."""
    import httpx

    found = Found()
    with served(space, "--workers", "2", models=every_task.NAMES) as service:
        headers = {"authorization": f"Bearer {keys['admin']}"}
        document = httpx.get(f"{service.url}/openapi.json", headers=headers, trust_env=False).json()
        shown = list(shown_by(document))
        pids = [service.process.pid, *service.workers()]
        by_then = (total - 2 * share) // ROUNDS
        memory = []
        for turn in range(ROUNDS):
            asyncio.run(by_hand(service, shown, keys, (turn + 1) * by_then, found))
            memory.append([round(pss(pid), 1) for pid in pids])
        if share:
            by_schemathesis(service, document, keys["admin"], share, found)
        until(lambda: service.status() == "ready")
        memory.append([round(pss(pid), 1) for pid in pids])
        if pids[1:] != service.workers():
            found.faults.append(f"workers died: {pids[1:]}, now {service.workers()}")
        if sum(memory[-1]) > GROWN * sum(memory[0]):
            found.faults.append(f"memory grew from {memory[0]} to {memory[-1]} MB")
        service.process.send_signal(signal.SIGTERM)
        if status := service.process.wait(60):
            found.faults.append(f"the service ended with {status}")
        if "Traceback" in service.said:
            found.faults.append(f"a trace in the log: {service.said[-2000:]}")
    found.faults += [f"{each} holds what was sent" for each in logged(space.root)]
    return found, {"memory_mb": memory}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--by-hand", action="store_true", help="Leave schemathesis and atheris out.")
    told = parser.parse_args()
    total, share = told.requests, 0 if told.by_hand else int(told.requests * SHARE)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        space = Workspace.open(Path(folder))
        for model in every_task.NAMES:
            task_toys.register(space, model)
        with Control(space) as control:
            keys = {name: control.create(name, scopes=scopes).text for name, scopes in SCOPES.items()}
        found, figures = attacked(space, keys, total, share)
    fuzzed = by_atheris(share) if share else "left out"
    if fuzzed.startswith("failed"):
        found.faults.append(f"atheris {fuzzed}")
    for each in found.faults[:SHOWN]:
        print(each, file=sys.stderr)
    report(
        "hostile",
        sent=found.sent.total(),
        kinds=dict(found.sent),
        statuses={str(status): count for status, count in sorted(found.statuses.items())},
        silent=found.silent,
        witnessed=found.witnessed,
        atheris=fuzzed,
        faults=len(found.faults),
        seconds=round(time.monotonic() - began),
        **figures,
    )
    sys.exit(bool(found.faults))


if __name__ == "__main__":
    main()
