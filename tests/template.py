"""A process that has imported the libraries, but nothing of ours, and of which each run of the command line is a copy:
most of the time of a fresh process goes into importing them.

A copy imports all of aiaas itself and has the arguments, the environment, the folder and the files of a process of its
own. Tests of what is imported, and of signals, start real ones.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import subprocess
import sys
import tempfile
import traceback
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
        self, words: Sequence[str], folder: Path, environment: Mapping[str, str], stdin: str | bytes, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """What the process of `aiaas WORDS` leaves. Raises TimeoutExpired after it was killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory() as place:
            files = {name: Path(place, name) for name in ("stdin", "stdout", "stderr")}
            files["stdin"].write_bytes(stdin.encode() if isinstance(stdin, str) else stdin)
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


class Served:
    """A template whose copies are called from a shell, by `copied.py`, several at once."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "template.sock"
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(self.socket)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONUTF8": "1"},
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def prepare() -> None:
    for library in LIBRARIES:
        import_module(library)
    gc.freeze()  # a copy that collects garbage would write to all of it


def serve(path: str) -> None:
    """Copy this process for each connection: one copy runs, another waits for it and tells its status."""
    import signal
    import socket

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen(64)
        print("ready", flush=True)
        while True:
            line, _ = door.accept()
            if os.fork():
                line.close()
                continue
            door.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            attend(line)
            os._exit(0)


def attend(line: Any) -> None:
    import socket

    _, streams, _, _ = socket.recv_fds(line, 1, 3)
    with line.makefile("rwb") as stream:
        what = json.loads(stream.readline())
        child = os.fork()
        if not child:
            for number, opened in enumerate(streams):
                os.dup2(opened, number)
            settle(what)
            os._exit(ran())
        for opened in streams:
            os.close(opened)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        stream.write(b"%d\n" % (code if code >= 0 else 128 - code))


def main() -> None:
    """Copy this process for each line of stdin."""
    prepare()
    if sys.argv[1:]:
        serve(sys.argv[1])
    for line in sys.stdin:
        what = json.loads(line)
        child = os.fork()
        if not child:
            become(what)
            os._exit(ran())
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
    settle(what)


def settle(what: Mapping[str, Any]) -> None:
    """Take the folder, the environment and the words of another process, whose streams are here."""
    # Streams of its own: what was read before belongs to the other, and a file may have become a pipe.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.chdir(what["folder"])
    os.environ.clear()
    os.environ.update(what["environment"])
    sys.argv = ["aiaas", *what["words"]]
    sys.path[0] = what["folder"]  # as `python -m` has it


def ran() -> int:
    """Run the command line to its end, and give its status. What a process does when it ends is done, but for giving
    back all memory piece by piece."""
    status = 0
    try:
        runpy.run_module("aiaas", run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return status


if __name__ == "__main__":
    main()
