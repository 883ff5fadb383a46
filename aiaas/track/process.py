"""The handle of the process that sends a run."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

LOG = "sender.log"
# One thread for the numeric libraries that MLflow imports: the others belong to the work.
_FEW_THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def command(mode: str, place: Path, *names: str) -> list[str]:
    # -P: a file of the user's called like a module of MLflow's must not be imported in its place
    return [sys.executable, "-P", "-m", "aiaas.track.sender", mode, str(place), *names]


class Sender:
    """Sends the run in `folder` as long as its journal grows."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / LOG
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command("--follow", folder),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **_FEW_THREADS},
                bufsize=0,
                process_group=0,  # Ctrl-C in a terminal is for the work; what was done is still sent
            )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)

    def poke(self) -> None:
        """A byte says: there is more in the journal."""
        stdin = self._process.stdin
        if stdin and not stdin.closed:
            try:
                os.write(stdin.fileno(), b".")
            except BlockingIOError:  # it has pokes enough to read
                pass
            except OSError:  # it died; answer() will say so
                stdin.close()

    def answer(self, timeout: float) -> dict[str, Any]:
        """The line of JSON it writes when all is sent, within `timeout` seconds; else a `problem`."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        line = b""
        deadline = time.monotonic() + timeout
        with process.stdout as stream:
            while not line.endswith(b"\n"):
                ready, _, _ = select.select([stream], [], [], max(0.0, deadline - time.monotonic()))
                if not ready:
                    threading.Thread(target=process.wait, daemon=True).start()  # so that no zombie stays
                    return {"problem": "it is still being sent"}
                chunk = os.read(stream.fileno(), 1 << 16)
                if not chunk:
                    break
                line += chunk
        status = process.wait()
        try:
            return dict(json.loads(line))
        except ValueError:
            return {"problem": f"the sender ended with status {status}; see {self._log}"}


def send(mode: str, root: Path, *names: str) -> list[dict[str, Any]]:
    """Run the sender over a workspace, `--sync`, `--aliases` or, over the runs with these names, `--delete`; return its
    answers."""
    log = root / "runs" / LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stderr:
        done = subprocess.run(
            command(mode, root, *names),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, **_FEW_THREADS},
            check=False,
        )
    answers = [dict(json.loads(line)) for line in done.stdout.splitlines()]
    if done.returncode:
        answers.append({"tracked": False, "problem": f"the sender ended with status {done.returncode}; see {log}"})
    return answers
