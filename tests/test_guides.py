"""Every command of every guide is typed, and ends as it says; what a test has no time for, a benchmark types."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

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


def test_every_guide_with_commands_is_typed() -> None:
    pages = {page.stem for page in (ROOT / "docs" / "guides").glob("*.md") if any(commands(page))}
    assert pages == set(GUIDES)
