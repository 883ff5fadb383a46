"""A process that has imported the libraries, but nothing of ours, and of which each run of the command line is a copy:
most of the time of a fresh process goes into importing them.

A copy imports all of aiaas itself and has the arguments, the environment, the folder and the files of a process of its
own. Tests of what is imported, and of signals, start real ones.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

LIBRARIES = (
    "numpy", "scipy.stats", "sklearn.preprocessing", "sklearn.naive_bayes", "sklearn.linear_model",
    "sklearn.feature_extraction.text", "pandas", "pyarrow.compute", "datasets", "pydantic", "typer", "rich.table",
    "yaml", "jinja2", "skops.io", "xxhash",
)  # fmt: skip


class Template:
    """The process, and what is asked of it: a copy at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUTF8": "1"},
        )

    def run(
        self, words: Sequence[str], folder: Path, environment: Mapping[str, str], stdin: str, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """What the process of `aiaas WORDS` leaves. Raises TimeoutExpired after it was killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory() as place:
            files = {name: Path(place, name) for name in ("stdin", "stdout", "stderr")}
            files["stdin"].write_text(stdin, "utf-8")
            what = {
                "words": list(words),
                "folder": str(folder),
                "environment": dict(environment),
                "files": {name: str(path) for name, path in files.items()},
                "timeout": timeout,
            }
            print(json.dumps(what), file=self._process.stdin, flush=True)
            status = json.loads(self._process.stdout.readline())
            if status is None:
                raise subprocess.TimeoutExpired(list(words), timeout)
            out, err = (files[name].read_bytes().decode("utf-8") for name in ("stdout", "stderr"))
        return subprocess.CompletedProcess(list(words), status, out, err)

    def close(self) -> None:
        self._process.communicate()


def main() -> None:
    """Copy this process for each line of stdin; a copy comes out of here with what it is to run."""
    for library in LIBRARIES:
        import_module(library)
    for line in sys.stdin:
        what = json.loads(line)
        child = os.fork()
        if not child:
            become(what)
            return
        print(json.dumps(ended(child, what["timeout"])), flush=True)
    os._exit(0)


def ended(child: int, seconds: float) -> int | None:
    """The status of a copy as subprocess has it; None where it had to be killed."""
    import signal
    import time

    end = time.monotonic() + seconds
    pause = 0.002
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(pause)
        pause = min(0.02, pause * 1.5)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def become(what: Mapping[str, Any]) -> None:
    """Take the place of a process that was started with this."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT
        opened = os.open(what["files"][name], flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - what was read before belongs to the other
    os.chdir(what["folder"])
    os.environ.clear()
    os.environ.update(what["environment"])
    sys.argv = ["aiaas", *what["words"]]


if __name__ == "__main__":
    main()
    sys.path[0] = str(Path.cwd())  # as `python -m` has it
    runpy.run_module("aiaas", run_name="__main__", alter_sys=True)
