"""Any text is a recipe or a RecipeError, and nothing else ever comes out."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from aiaas.errors import RecipeError
from aiaas.recipe import Recipe, overrides, paths
from aiaas.recipe.check import check
from aiaas.recipe.parse import parse
from tests.recipe.conftest import TOY

LINES = TOY.splitlines(keepends=True)
_scalars = st.sampled_from(
    ["", "~", "yes", "1e-3", ".nan", "0x", "*a", "&a x", "!!int x", "[", "{", "'", '"', "|", ">", "- ", "? ", ": ", "#",
     "${env:A}", "${env:", "toy", "toy:", "pos", "[1, 3]", "{a: 1}", "<<: {}", "\t", "\0", "\ud800", "９", "%", "---\n"]
)  # fmt: skip
_keys = st.sampled_from(
    ["name", "task", "schema", "seed", "collect", "preprocess", "steps", "split", "model", "backend", "architecture",
     "params", "alpha", "ngrams", "stop", "train", "evaluate", "gates", "accuracy", "deploy", "alias", "source", "x"]
)  # fmt: skip
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(
        ["toy", "toy-labels", "toy-numbers", "bayes", "line", "toy_clean", "toy:x", ">= 1", "${env:A}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys | st.text(max_size=4), inner, max_size=4),
    max_leaves=25,
)  # fmt: skip


def _check(content: bytes, *sets: str, environ: dict[str, str] | None = None) -> None:
    try:
        document = parse(content, "x")
        overrides.apply(document, sets, environ or {})
        recipe = check(document)
    except RecipeError as error:
        faults = error.faults
    else:
        _holds(recipe)
        return
    assert faults
    for fault in faults:
        assert fault.message
        assert fault.where


def _holds(recipe: Recipe) -> None:
    assert Recipe.from_dict(recipe.resolved()) == recipe
    assert check(parse(recipe.to_yaml().encode(), "again")) == recipe
    assert recipe.origins().keys() == recipe.flat().keys()


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_bytes(content: bytes) -> None:
    _check(content)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_text(text: str) -> None:
    _check(text.encode("utf-8", "surrogatepass"))


@settings(deadline=None, max_examples=400)
@given(st.integers(0, len(TOY)), st.integers(0, 12), _scalars | st.text(max_size=6))
def test_a_recipe_with_something_in_it(start: int, length: int, text: str) -> None:
    _check((TOY[:start] + text + TOY[start + length :]).encode("utf-8", "surrogatepass"))


@settings(deadline=None)
@given(st.permutations(LINES), st.integers(0, len(LINES)))
def test_lines_in_another_order(lines: list[str], count: int) -> None:
    _check("".join(lines[:count]).encode())


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(_keys, _values), st.data())
def test_values_from_python(values: dict[str, object], data: st.DataObject) -> None:
    base = parse(TOY.encode(), "x").data
    kept = data.draw(st.sets(st.sampled_from(sorted(base))))
    with contextlib.suppress(RecipeError):
        recipe = Recipe.from_dict({**{key: base[key] for key in kept}, **values})
        assert Recipe.from_dict(recipe.resolved()) == recipe


_parts = _keys | st.sampled_from(["0", "1", "2", "toy_clean", "html", "login", "password", "[0]", "[9]", '["a"]'])


@settings(deadline=None, max_examples=400)
@given(st.lists(_parts, min_size=1, max_size=4).map(".".join), _scalars | st.text(max_size=10))
def test_set(path: str, value: str) -> None:
    _check(TOY.encode(), f"{path.replace('.[', '[')}={value}")


@settings(deadline=None)
@given(st.text(max_size=20), st.lists(_parts, max_size=4).map("__".join), _scalars)
def test_any_override(text: str, name: str, value: str) -> None:
    _check(TOY.encode(), text, environ={f"AIAAS__{name.upper()}": value})


@given(st.lists(st.text(min_size=1, max_size=5) | st.integers(0, 99_999), min_size=1, max_size=4))
def test_paths_read_back(parts: list[str | int]) -> None:
    path = ("a", *parts)
    assert paths.parse(paths.render(path)) == path
