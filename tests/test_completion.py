"""A shell completes verbs, options and runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aiaas.cli import app
from aiaas.track import Run
from aiaas.workspace import Workspace

Complete = Callable[[str], list[str]]


@pytest.fixture
def complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Complete:
    """What bash would offer for the last word of a line, as it asks for it."""

    def offered(line: str) -> list[str]:
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
        with pytest.raises(SystemExit):
            app(prog_name="aiaas")
        out, said = capsys.readouterr()
        assert said == ""
        return out.split()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("_AIAAS_COMPLETE", "complete_bash")
    return offered


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("aiaas do", ["doctor"]),
        ("aiaas run --ev", ["--events"]),
        ("aiaas runs list --status f", ["finished", "failed"]),
    ],
)
def test_verbs_options_and_choices(line: str, offered: list[str], complete: Complete) -> None:
    assert complete(line) == offered


@pytest.mark.parametrize("verb", ["runs logs", "runs watch", "runs delete", "reproduce"])
def test_runs_of_the_workspace(verb: str, tmp_path: Path, complete: Complete) -> None:
    runs = [Run.start(Workspace.open(tmp_path / ".aiaas"), "reviews", send=False) for _ in range(2)]
    for run in runs:
        run.end("FINISHED")
    assert complete(f"aiaas {verb} 2") == sorted((run.id for run in runs), reverse=True)
