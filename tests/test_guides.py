"""Every command of every guide is typed, and ends as it says; what a test has no time for, a benchmark types."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest

from tests import guides
from tests.template import Served
from tests.typed import ROOT, Guide, commands, faults, typed

GUIDES: dict[str, Guide] = {
    guide.page: guide
    for module in iter_modules(guides.__path__)
    for guide in import_module(f"tests.guides.{module.name}").GUIDES
}
QUICK = [name for name, guide in GUIDES.items() if not guide.slow]


@pytest.fixture(scope="session")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    served = Served(tmp_path_factory.mktemp("copies"))
    yield served.socket
    served.close()


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose workspace has the model reviews-zh-nb, of the recipe of the README."""
    folder = tmp_path_factory.mktemp("reviews")
    command = [sys.executable, "-m", "aiaas", "run", str(ROOT / "recipes" / "reviews_zh_nb.yaml"), "--quiet"]
    subprocess.run(command, cwd=folder, check=True)
    return folder


@pytest.mark.parametrize("name", QUICK)
def test_every_command_of_a_guide_ends_as_it_says(
    name: str, tmp_path: Path, copies: Path, request: pytest.FixtureRequest
) -> None:
    guide = GUIDES[name]
    home = request.getfixturevalue(guide.home) if guide.home else None
    assert not faults(guide, typed(guide, tmp_path, copies, home))


ELSEWHERE = {
    "getting-started": "tests/test_tutorial.py follows it word for word",
    "contributing": ".ci/run makes an environment, tests in it and builds the site; that of kserve is made by hand",
}


def test_every_page_with_commands_is_typed() -> None:
    docs = ROOT / "docs"
    pages = {
        page.stem for page in (ROOT / "README.md", *docs.glob("*.md"), *docs.glob("guides/*.md")) if any(commands(page))
    }
    assert pages == set(GUIDES) | set(ELSEWHERE)


def test_the_chinese_readme_types_the_same() -> None:
    english, chinese = (
        [each.typed for each in commands(page)] for page in (ROOT / "README.md", ROOT / "docs" / "zh" / "README.md")
    )
    assert english == chinese


PAGE = """\
```console
$ echo 'one
two' | tail -1
two
$ false
$ false
```

```sh
false
true
```

```sh
false
echo $?
```
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    monkeypatch.setattr("tests.typed.ROOT", tmp_path)
    (tmp_path / "docs" / "guides").mkdir(parents=True)
    (tmp_path / "docs" / "guides" / "toy.md").write_text(PAGE, "utf-8")

    def found(**words: Any) -> list[str]:
        guide = Guide("toy", **words)
        with tempfile.TemporaryDirectory() as folder:
            return faults(guide, typed(guide, Path(folder), tmp_path / "none"))

    return found


def test_each_status_is_held_against_what_is_expected(toy: Callable[..., list[str]]) -> None:
    wrong = "$ false\nended with 1, not 0:\n"
    assert toy() == [wrong, wrong, "$ false\ntrue\nended with 1, not 0:\n"]
    assert toy(ends={"false\ntrue": 1, "false\necho": 0, "false": (1, 0)}) == [wrong]


def test_the_first_failure_of_a_script_counts_unless_it_asks_itself(toy: Callable[..., list[str]]) -> None:
    assert toy(ends={"false\ntrue": 1, "false\necho": 0, "false": 1}) == []


def test_what_is_named_must_stand_on_the_page(toy: Callable[..., list[str]]) -> None:
    faults = toy(ends={"false\ntrue": 1, "false\necho": 0, "false": 1}, instead={"three": "3"}, apart={"ls": "why"})
    assert faults == ["no command begins with 'ls'", "'three' stands in no command"]
