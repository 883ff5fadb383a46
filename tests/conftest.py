"""Small real things that many tests need: a folder with reviews and a recipe over them, and the command line."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.template import Template

GOOD = ["很好", "干净", "满意", "热情", "舒适", "划算", "喜欢", "推荐"]
BAD = ["很差", "脏乱", "失望", "冷淡", "吵闹", "太贵", "讨厌", "后悔"]
THINGS = ["房间", "服务", "早餐", "位置", "前台", "价格", "环境", "床铺", "电视", "空调"]

RECIPE = """\
schema: 1
name: tiny
task: text-classification
seed: 3
collect:
  - {source: good.txt, label: pos}
  - {source: bad.txt, label: neg}
preprocess:
  steps: [clean, deduplicate]
  split: {train: 0.6, validation: 0.1, test: 0.3}
model:
  backend: sklearn
  architecture: naive_bayes
  params: {ngrams: [1, 2], alpha: 0.5}
evaluate:
  gates: {accuracy: ">= 0.7"}
deploy:
  alias: champion
"""

Aiaas = Callable[..., subprocess.CompletedProcess[str]]


def comments(words: list[str], count: int, seed: int) -> list[str]:
    """Distinct short comments, each about two things."""
    chance = random.Random(seed)
    made: dict[str, None] = {}
    while len(made) < count:
        first, second = chance.sample(THINGS, 2)
        made[f"{first}{chance.choice(words)}，{second}{chance.choice(words)}"] = None
    return list(made)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with reviews and `tiny.yaml` over them."""
    (tmp_path / "good.txt").write_text("\n".join(comments(GOOD, 120, 1)) + "\n", "utf-8")
    (tmp_path / "bad.txt").write_text("\n".join(comments(BAD, 120, 2)) + "\n", "utf-8")
    (tmp_path / "tiny.yaml").write_text(RECIPE, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def template() -> Iterator[Template]:
    process = Template()
    yield process
    process.close()


@pytest.fixture
def aiaas(project: Path, template: Template) -> Aiaas:
    """Run the real command in `project`, without MLflow unless `track=True`; give the finished process."""

    def run(
        *words: str, stdin: str | None = None, track: bool = False, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        given = {**os.environ, "AIAAS_TRACKING": "on" if track else "off", "PYTHONUTF8": "1", **(environment or {})}
        return template.run(words, project, given, stdin or "", 120)

    return run


def answer(process: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON object that `--json` printed."""
    lines = process.stdout.splitlines()
    assert len(lines) == 1, process
    return dict(json.loads(lines[0]))
