"""The servers that are compared: ours as anybody would run it in earnest, LitServe and MLflow's as their users do."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from load import Server, answers, running
from measure import AIAAS, ENVIRONMENT

PLAIN = Path(__file__).parent / "plain"
LARGE = "requests=1000000/s,rows=1000000/s,tokens=1000000000/day,compute=1000000/s"
"""A quota of everything, which is counted, and never used up."""
Body = Callable[[str], Any]


def write_bodies(path: Path, texts: Sequence[str], body: Body) -> Path:
    path.write_text("".join(json.dumps(body(text), ensure_ascii=False) + "\n" for text in texts), "utf-8")
    return path


def new_key(workspace: Path, tenant: str, quota: str = LARGE) -> str:
    command = [*AIAAS, "keys", "create", "--tenant", tenant, "--json", "--workspace", str(workspace)]
    command += chain.from_iterable(("--quota", each) for each in quota.split(","))
    made = json.loads(subprocess.run(command, stdout=subprocess.PIPE, env=ENVIRONMENT, check=True).stdout)
    return str(made["key"])


@contextmanager
def aiaas(folder: Path, workspace: Path, model: str, workers: int, texts: Sequence[str]) -> Iterator[Server]:
    """`aiaas serve` with all that it has: keys, quotas, metrics, the audit and the access log."""
    key = new_key(workspace, "bench")
    command = [*AIAAS, "serve", model, "--json", "--port", "0", "--workers", str(workers)]
    command += ["--workspace", str(workspace)]
    environment = ENVIRONMENT | {"AIAAS_TRACKING": "off"}
    with running(command, folder / "aiaas.log", stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout
        started = json.loads(process.stdout.readline())
        url = f"{started['url']}/v1/models/{started['models'][0]['name']}/predict"
        bodies = write_bodies(folder / "aiaas.jsonl", texts, lambda text: {"inputs": [text]})
        yield answers(Server(process, url, bodies, f"Authorization: Bearer {key}"))


@contextmanager
def litserve(folder: Path, python: str, script: str, texts: Sequence[str], *words: str) -> Iterator[Server]:
    """A script of `plain` under a Python that has LitServe."""
    port = free_port()
    command = [python, str(PLAIN / script), *words, str(port)]
    with running(command, folder / "litserve.log", stdout=subprocess.DEVNULL, env=beside(python)) as process:
        bodies = write_bodies(folder / "litserve.jsonl", texts, lambda text: {"text": text})
        yield answers(Server(process, f"http://127.0.0.1:{port}/predict", bodies))


@contextmanager
def mlflow(folder: Path, python: str, model: Path, texts: Sequence[str]) -> Iterator[Server]:
    """`mlflow models serve`."""
    port = free_port()
    command = [python, "-m", "mlflow", "models", "serve", "-m", str(model), "-p", str(port), "-h", "127.0.0.1"]
    command += ["--env-manager", "local"]
    with running(command, folder / "mlflow.log", stdout=subprocess.DEVNULL, env=beside(python)) as process:
        bodies = write_bodies(folder / "mlflow.jsonl", texts, lambda text: {"dataframe_records": [{"text": text}]})
        yield answers(Server(process, f"http://127.0.0.1:{port}/invocations", bodies))


def beside(python: str) -> dict[str, str]:
    """An environment where the programs that were installed with `python` are found first."""
    return ENVIRONMENT | {"PATH": f"{Path(python).parent}{os.pathsep}{ENVIRONMENT.get('PATH', '')}"}


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])
