"""A recipe of toy plug-ins, which the tests change in one place each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from aiaas import plugins
from aiaas.errors import Fault, RecipeError
from aiaas.recipe import Recipe, read
from tests.recipe import recipe_toys

TOY = """\
# aiaas run toy.yaml
# nothing to expect
name: toy
task: toy-labels
collect:
  - source: toy:one
    label: pos
  - {source: "toy:two", label: neg, limit: 5}
preprocess:
  steps: [toy_clean, {toy_drop: {}}]
model:
  backend: toy
  architecture: bayes
  params:
    alpha: 0.5
    ngrams: [1, 3]
evaluate:
  gates: {accuracy: ">= 0.83"}
"""

Write = Callable[..., Path]
Faults = Callable[..., tuple[Fault, ...]]


@pytest.fixture(autouse=True, scope="module")
def toys() -> Iterator[None]:
    """The toys are registered beside what the project itself has."""
    with pytest.MonkeyPatch.context() as patch:
        registered = {
            room: {
                name: EntryPoint(name, f"tests.recipe.recipe_toys:{what}", f"aiaas.{room}")
                for name, what in points.items()
            }
            for room, points in recipe_toys.POINTS.items()
        }
        patch.setattr(plugins, "_registered", registered.__getitem__)
        yield


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes `toy.yaml` into the working directory: the toy recipe, with `old` replaced by `new`, or another text."""
    monkeypatch.chdir(tmp_path)

    def make(old: str = "", new: str = "", *, text: str | bytes = TOY) -> Path:
        if old:
            assert isinstance(text, str)
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the recipe"
            text = text.replace(old, new)
        file = Path("toy.yaml")
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return make


@pytest.fixture
def faults(write: Write) -> Faults:
    """The faults of the toy recipe after a change."""

    def find(
        old: str = "", new: str = "", *, text: str | bytes = TOY, overrides: Sequence[str] = (), **environ: str
    ) -> tuple[Fault, ...]:
        with pytest.raises(RecipeError) as caught:
            read(write(old, new, text=text), overrides, environ)
        return caught.value.faults

    return find


@pytest.fixture
def toy(write: Write) -> Recipe:
    return read(write(), environ={})
