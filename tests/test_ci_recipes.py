"""What docs/guides/ci.md tells people to put into their CI works: the script is run, the jobs call it as it is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

ROOT = Path(__file__).parent.parent
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = FENCE.findall((ROOT / "docs" / "guides" / "ci.md").read_text("utf-8"))
SCRIPT = next(block for language, block in BLOCKS if language == "sh")
GITHUB, GITLAB, PRECOMMIT = (yaml.safe_load(block) for language, block in BLOCKS if language == "yaml")


@pytest.fixture
def beside(project: Path) -> Path:
    """A folder with reviews, a recipe over them, and the script."""
    (project / "model.sh").write_text(SCRIPT, "utf-8")
    folder = project / "bin"
    folder.mkdir()
    command = folder / "aiaas"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m aiaas "$@"\n', "utf-8")
    command.chmod(0o755)
    return project


def script(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "AIAAS_TRACKING": "off", "PYTHONPATH": str(ROOT), "PATH": path}
    return subprocess.run(
        ["sh", "model.sh", *words],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_the_script_tells_what_was_not_good_enough(beside: Path) -> None:
    recipe = beside / "tiny.yaml"
    recipe.write_text(recipe.read_text("utf-8").replace('">= 0.7"', '">= 2.0"'), "utf-8")
    done = script(beside, "evaluate", "tiny.yaml")
    assert done.returncode == 6, done.stderr
    assert "the champion stays" in done.stdout
    cases = ElementTree.parse(beside / "ci" / "gates.xml").findall(".//testcase")
    assert [case.find("failure") is not None for case in cases] == [True, False]  # accuracy; there is no champion yet
    assert "champion" in (beside / "ci" / "summary.md").read_text("utf-8")
    assert json.loads((beside / "ci" / "result.json").read_text("utf-8"))["error"]["code"] == "gate"


def test_a_recipe_that_cannot_be_read_is_told_where_the_change_is_discussed(beside: Path) -> None:
    (beside / "tiny.yaml").write_text("schema: 1\n", "utf-8")
    assert script(beside, "run", "tiny.yaml").returncode == 2
    assert "task: is missing" in (beside / "ci" / "summary.md").read_text("utf-8")
    assert (beside / "ci" / "gates.xml").exists()


def commands(job: dict[str, Any]) -> list[str]:
    """The lines of a job that a shell runs."""
    return [step["run"] for step in job["steps"] if "run" in step] if "steps" in job else job["script"]


def test_both_jobs_call_the_script_and_keep_the_workspace() -> None:
    job, other = GITHUB["jobs"]["model"], GITLAB["model"]
    call = 'sh model.sh "$VERB" "$RECIPE"'
    assert call in commands(job)
    assert call in commands(other)
    kept = [step["with"]["path"] for step in job["steps"] if step.get("uses", "").startswith("actions/cache/")]
    assert kept == [".aiaas", ".aiaas"]
    assert ".aiaas" in other["cache"]["paths"]
    assert other["artifacts"]["reports"]["junit"] == "ci/gates.xml"
    assert any("$GITHUB_STEP_SUMMARY" in line for line in commands(job))


@pytest.mark.parametrize(
    "line", [*commands(GITHUB["jobs"]["model"]), *commands(GITLAB["model"]), *GITLAB["model"]["after_script"]]
)
def test_every_line_of_the_jobs_is_read_by_a_shell(line: str) -> None:
    done = subprocess.run(["sh", "-n"], input=line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_hook_reads_recipes(project: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert [used["id"] for used in PRECOMMIT["repos"][0]["hooks"]] == [hook["id"]]
    names = ["recipes/a.yaml", "models/recipes/b.yml", "a.yaml", "recipes/old/c.yaml", "myrecipes/d.yaml"]
    assert [name for name in names if re.search(hook["files"], name)] == names[:2]
    program, *words = hook["entry"].split()
    assert program == "aiaas"
    (project / "bad.yaml").write_text("schema: 1\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "aiaas", *words, "tiny.yaml", "bad.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "bad.yaml:" in done.stderr
