"""A service of several workers as tests and benchmarks start it, and clients that keep an eye on every answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from aiaas.workspace import Workspace
from tests import fleet_toy

SERVE = (sys.executable, "-m", "aiaas", "serve")


@dataclass(slots=True)
class Service:
    """A process of `aiaas serve`; `said` is what it says on stderr."""

    process: subprocess.Popen[str]
    url: str
    stderr: Path
    about: list[dict[str, Any]]

    @property
    def said(self) -> str:
        return self.stderr.read_text("utf-8")

    def workers(self) -> list[int]:
        """The processes that answer."""
        try:
            words = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        except FileNotFoundError:
            return []
        return sorted(map(int, words))

    def predict(self, *texts: str, model: str = "toy") -> httpx.Response:
        with httpx.Client(trust_env=False, timeout=30) as client:
            return client.post(f"{self.url}/v1/models/{model}/predict", json={"inputs": list(texts)})

    def version(self, model: str = "toy") -> str:
        return str(self.predict("1", model=model).json()["version"])

    def status(self) -> str:
        return str(httpx.get(self.url + "/health/ready", trust_env=False).json()["status"])


@contextmanager
def served(workspace: Workspace, *words: str, models: tuple[str, ...] = ("toy",)) -> Iterator[Service]:
    """`aiaas serve MODELS WORDS` on a free port, once it is ready."""
    stderr = workspace.root / "stderr.txt"
    with stderr.open("w") as stream:
        process = subprocess.Popen(
            [*SERVE, *models, "--json", "--port", "0", "--workspace", str(workspace.root), *words],
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            env={**os.environ, "PYTHONPATH": fleet_toy.site(workspace.root / "site"), "AIAAS_TRACKING": "off"},
        )
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
        yield Service(process, told.get("url", ""), stderr, told.get("models", []))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What `condition` gives once it is true; AssertionError when it stays false."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)
    return found


@dataclass(slots=True)
class Seen:
    """An answer: when it was asked for and given, and by which version."""

    asked: float
    given: float
    version: str


@dataclass(slots=True)
class Clients:
    """Ask without pause, each text a number of its own, until `stop` is set or the door is closed. `lost` are requests
    without an answer, `refused` those with another status than 200, `wrong` answers to something else."""

    url: str
    kept: bool = True
    count: int = 8
    answers: list[Seen] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self.threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(self.count)]
        for thread in self.threads:
            thread.start()

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(60)

    def _ask(self, number: int) -> None:
        headers = {} if self.kept else {"connection": "close"}
        with httpx.Client(base_url=self.url, trust_env=False, headers=headers, timeout=30) as client:
            turn = 0
            while not self.stop.is_set():
                turn += 1
                expected = (number * 100 + turn) % 1000
                asked = time.monotonic()
                try:
                    response = client.post("/v1/models/toy/predict", json={"inputs": [f"{expected} of {number}"]})
                except httpx.ConnectError:
                    return  # closed: never accepted, so not lost
                except httpx.HTTPError as error:
                    self.lost.append(repr(error))
                    continue
                self._look(response, expected / 1000, asked)

    def _look(self, response: httpx.Response, expected: float, asked: float) -> None:
        if response.status_code != 200:
            self.refused[response.status_code] += 1
            return
        told = response.json()
        if abs(told["outputs"][0]["scores"]["high"] - expected) > 1e-5:
            self.wrong.append(response.text)
        self.answers.append(Seen(asked, time.monotonic(), told["version"]))


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to a worker that may be gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
