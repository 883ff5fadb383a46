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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from aiaas.control import Control
from aiaas.workspace import Workspace
from tests import fleet_toy

PATIENCE = 120.0
"""Seconds after which something that should come to pass does not: many, for a busy machine."""
SERVE = (sys.executable, "-m", "aiaas", "serve")


@dataclass(slots=True)
class Service:
    """A process of `aiaas serve`; `said` is what it says on stderr."""

    process: subprocess.Popen[str]
    url: str
    stderr: Path
    about: list[dict[str, Any]]
    key: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}

    @property
    def said(self) -> str:
        return self.stderr.read_text("utf-8")

    def workers(self) -> list[int]:
        """The processes that answer."""
        return workers_of(self.process.pid)

    def predict(self, *texts: str, model: str = "toy") -> httpx.Response:
        with httpx.Client(trust_env=False, timeout=PATIENCE, headers=self.headers) as client:
            return client.post(f"{self.url}/v1/models/{model}/predict", json={"inputs": list(texts)})

    def version(self, model: str = "toy") -> str:
        return str(self.predict("1", model=model).json()["version"])

    def status(self) -> str:
        return str(httpx.get(self.url + "/health/ready", trust_env=False, timeout=PATIENCE).json()["status"])


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
        key = told.get("key") or (_another(workspace) if told.get("url") else "")
        yield Service(process, told.get("url", ""), stderr, told.get("models", []), key)
    finally:
        left = workers_of(process.pid)
        if process.poll() is None:
            process.kill()
        process.communicate()
        for worker in left:  # alone it would finish what it began, and write into a folder that is being removed
            kill(worker)


def workers_of(pid: int) -> list[int]:
    """The processes that answer for the service which is this process."""
    try:
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return sorted(map(int, words))


def _another(workspace: Workspace) -> str:
    """A key for everything, where the first was told to an earlier service."""
    with Control(workspace) as control:
        return control.create("default", scopes=("infer", "admin")).text


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
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
    """Ask without pause, each text one of its own, until `stop` is set or the door is closed. `lost` are requests
    without an answer, `refused` those with another status than 200, `wrong` answers to something else. `known` is what
    each version answers to each text; of the toy it follows from the text."""

    url: str
    kept: bool = True
    count: int = 8
    key: str = ""
    model: str = "toy"
    known: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
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
            thread.join(PATIENCE)

    def _ask(self, number: int) -> None:
        headers = {"authorization": f"Bearer {self.key}"} | ({} if self.kept else {"connection": "close"})
        with httpx.Client(base_url=self.url, trust_env=False, headers=headers, timeout=PATIENCE) as client:
            turn = 0
            while not self.stop.is_set():
                turn += 1
                text = self._text(number, turn)
                asked = time.monotonic()
                try:
                    response = client.post(f"/v1/models/{self.model}/predict", json={"inputs": [text]})
                except httpx.ConnectError:
                    return  # closed: never accepted, so not lost
                except httpx.HTTPError as error:
                    self.lost.append(repr(error))
                    continue
                self._look(response, text, asked)

    def _text(self, number: int, turn: int) -> str:
        if not self.known:
            return f"{(number * 100 + turn) % 1000} of {number}"
        texts = list(next(iter(self.known.values())))
        return texts[(number * 37 + turn) % len(texts)]

    def _look(self, response: httpx.Response, text: str, asked: float) -> None:
        if response.status_code != 200:
            self.refused[response.status_code] += 1
            return
        told = response.json()
        (output,) = told["outputs"]
        if not self._is_right(output, text, told["version"]):
            self.wrong.append(response.text)
        self.answers.append(Seen(asked, time.monotonic(), told["version"]))

    def _is_right(self, output: Any, text: str, version: str) -> bool:
        if self.known:
            return bool(output == self.known[version][text])
        return abs(output["scores"]["high"] - int(text.split()[0]) / 1000) < 1e-5


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to a worker that may be gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
