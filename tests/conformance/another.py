"""Another process, in which a case is loaded and fitted again: with other hashes of texts, and whatever else it fitted
before. It reads what to do as lines of JSON and answers with lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Another:
    def __init__(self) -> None:
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "conformance.another"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
            cwd=ROOT,
        )

    def asked(self, **what: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(what), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            self._said.seek(0)
            raise AssertionError(self._said.read())
        return json.loads(line)

    def close(self) -> None:
        self._process.communicate()
        self._said.close()


def main() -> None:
    """Answer what comes, on a stdout that nobody else writes to."""
    from aiaas.workspace import keys
    from conformance.conftest import Case

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        what = json.loads(line)
        case, fresh = Case(*what["case"]), Path(what["fresh"])
        scores = case.module.load(Path(what["saved"])).predict(case.data()[2])
        case.fit(fresh / "checkpoints").save(fresh / "model")
        told = {"scores": scores.tolist(), "files": keys.digest_files(fresh / "model")}
        print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
