"""A shell completes verbs, options and runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aiaas.track import Run
from aiaas.workspace import Workspace


def complete(line: str, folder: Path) -> list[str]:
    """What bash would offer for the last word of a line, as it asks for it."""
    words = line.split(" ")
    asked = {"_AIAAS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    code = "import sys; sys.argv[0] = 'aiaas'; from aiaas.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [("aiaas do", ["doctor"]), ("aiaas run --ev", ["--events"])],
)
def test_verbs_and_options(line: str, offered: list[str], tmp_path: Path) -> None:
    assert complete(line, tmp_path) == offered


def test_runs_of_the_workspace(tmp_path: Path) -> None:
    runs = [Run.start(Workspace.open(tmp_path / ".aiaas"), "reviews", send=False) for _ in range(2)]
    for run in runs:
        run.finish()
    assert complete("aiaas runs logs 2", tmp_path) == sorted((run.id for run in runs), reverse=True)
