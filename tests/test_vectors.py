"""Pretrained vectors: their files, what is wrong with them, and the way from a recipe to an embedding."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from aiaas.backends import vectors
from aiaas.contracts import SourceContext
from aiaas.errors import DataError, RecipeError
from aiaas.pipeline import files
from aiaas.recipe import Recipe

ROWS = {"房": [1, 0], "间": [0, 1], "the": [0.5, -2e-1], "room": [3, 4]}
GLOVE = "".join(f"{word} {a} {b}\n" for word, (a, b) in ROWS.items())
TOKENS = ["room", "房间", "房", "clean"]


def written(folder: Path, content: str | bytes, name: str = "v.txt") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        GLOVE,
        f"4 2\n{GLOVE}",
        GLOVE.replace("\n", " \n"),
        GLOVE.replace("\n", "\r\n"),
        GLOVE + ". . 1 1\nroom 9 9\n",
        gzip.compress(f"4 2\n{GLOVE}".encode(), mtime=0),
    ],
)
def test_the_vectors_of_the_tokens_are_read(content: str | bytes, tmp_path: Path) -> None:
    found = vectors.read(TOKENS, written(tmp_path, content))
    assert found.given.tolist() == [True, False, True, False]
    assert found.composed.tolist() == [False, True, False, False]
    np.testing.assert_allclose(found.vectors, [[3, 4], [0.5, 0.5], [1, 0], [0, 0]])
    assert found.vectors.dtype == np.float32


@pytest.mark.parametrize("kind", ["lines", "json", "parquet"])
def test_an_array_has_its_words_beside_it(kind: str, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.array(list(ROWS.values())))
    words = tmp_path / f"words.{kind}"
    match kind:
        case "lines":
            words.write_text("\n".join(ROWS) + "\n", encoding="utf-8")
        case "json":
            words.write_text(json.dumps(list(ROWS)), encoding="utf-8")
        case _:
            parquet.write_table(pa.table({"word": list(ROWS), "rank": range(4)}), words)
    found = vectors.read(TOKENS, tmp_path / "v.npy", words)
    np.testing.assert_allclose(found.vectors, [[3, 4], [0.5, 0.5], [1, 0], [0, 0]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: it says that a vector has 0 numbers"),
        ("4 2\nroom 1\n", "line 2: it has fewer than 2 numbers"),
        ("4 2\nroom 1 2\n", "its first line says 4 vectors, it has 1"),
        ("the 1 2\nroom 1 b\n", "line 2: what stands behind the word are no numbers"),
        ("the 1 2\nroom 1 nan\n", "line 2: a number of the vector is not finite"),
        ("text,label\ngood,pos\n", "line 1: it says that a vector has 0 numbers"),
        (b"4 2\nroom \0\0\0\0", "line 2: it is no text"),
        (gzip.compress(GLOVE.encode() * 900, mtime=0)[:-30], "damaged or cut short"),
        ("il 1 2\nla 2 3\n", "none of the 4 tokens of the training texts, such as 'room', '房间', '房'"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(content: str | bytes, message: str, tmp_path: Path) -> None:
    path = written(tmp_path, content)
    with pytest.raises(DataError, match=message) as caught:
        vectors.read(TOKENS, path)
    assert caught.value.where
    assert caught.value.where.startswith(str(path))
    assert caught.value.hint


def test_what_is_wrong_with_an_array_is_said(tmp_path: Path) -> None:
    array, words = tmp_path / "v.npy", written(tmp_path, "the\nroom")
    np.save(array, np.zeros((3, 2)))
    with pytest.raises(DataError, match="needs the list of its words"):
        vectors.read(TOKENS, array)
    with pytest.raises(DataError, match="names 2 words for 3 vectors"):
        vectors.read(TOKENS, array, words)
    np.save(array, np.array([["a", "b"]]))
    with pytest.raises(DataError, match="vectors are floats"):
        vectors.read(TOKENS, array, words)
    array.write_bytes(array.read_bytes()[:50])
    with pytest.raises(DataError, match="cannot be read"):
        vectors.read(TOKENS, array, words)
    with pytest.raises(DataError, match="only an array"):
        vectors.read(TOKENS, words, words)


def test_a_token_may_come_twice(tmp_path: Path) -> None:
    found = vectors.read(["房", "room", "房", "房间"], written(tmp_path, GLOVE))
    np.testing.assert_allclose(found.vectors, [[1, 0], [3, 4], [1, 0], [0.5, 0.5]])
    assert found.composed.tolist() == [False, False, False, True]


def test_an_embedding_begins_with_them(tmp_path: Path) -> None:
    found = vectors.read(TOKENS, written(tmp_path, GLOVE))
    table = vectors.table(found, seed=3, first=2)
    assert table.shape == (6, 2)
    assert table.dtype == np.float32
    assert not table[0].any()
    np.testing.assert_allclose(table[2:5], found.vectors[:3])
    assert table[5].any()
    np.testing.assert_array_equal(table, vectors.table(found, seed=3, first=2))


# --- from the recipe ---------------------------------------------------------------------------------------------


def recipe(base: Path, **given: str) -> Recipe:
    model = {"backend": "tensorflow", "architecture": "text_cnn", "params": {"vectors": given}}
    data = {"schema": 1, "name": "toy", "task": "text-classification", "collect": [{"source": "a.csv"}]}
    return Recipe.from_dict({**data, "model": model}, base=base)


def test_what_is_in_the_file_decides_the_key(tmp_path: Path) -> None:
    context = SourceContext(tmp_path, tmp_path / "cache")
    model = recipe(tmp_path, source="v.txt").model
    with pytest.raises(DataError, match="no such file"):
        files.fingerprints(model, context)
    path = written(tmp_path, GLOVE)
    assert files.paths(model, context) == {"vectors.source": path}
    before = files.fingerprints(model, context)
    assert set(before["files"]) == {"vectors.source"}
    path.touch()
    assert files.fingerprints(model, context) == before
    path.write_text(GLOVE + "neu 1 1\n", encoding="utf-8")
    assert files.fingerprints(model, context) != before


def test_a_model_without_files_has_none_in_its_key(tmp_path: Path) -> None:
    data = {"schema": 1, "name": "toy", "task": "text-classification", "collect": [{"source": "a.csv"}]}
    model = Recipe.from_dict({**data, "model": {"backend": "sklearn", "architecture": "naive_bayes"}}).model
    assert files.fingerprints(model, SourceContext(tmp_path, tmp_path)) == {}


def test_one_file_is_meant(tmp_path: Path) -> None:
    for name in ("a.vec", "b.vec"):
        written(tmp_path, GLOVE, name)
    with pytest.raises(DataError, match="names 2 files; it must be one"):
        files.paths(recipe(tmp_path, source="*.vec").model, SourceContext(tmp_path, tmp_path))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"source": "ftp9:x"}, "vectors.source: unknown kind of source 'ftp9:'"),
        ({"source": "hf:owner/name"}, "vectors.source: 'hf:owner/name' gives rows"),
        ({"source": "v.npy", "words": "package:x"}, "vectors.words: it must read package:NAME/path"),
    ],
)
def test_an_address_that_gives_no_file_is_a_fault_of_the_recipe(
    given: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe(tmp_path, **given)
