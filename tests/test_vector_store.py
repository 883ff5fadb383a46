"""Vectors on disk: found again by content, whatever happened to the files meanwhile."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from aiaas.backends.vector_store import VectorStore, key_of

SIZE = 3
WAY = {"pooling": "mean"}


def filled(folder: Path, texts: str, way: dict[str, str] = WAY) -> VectorStore:
    """A store that holds a vector for each letter of `texts`: its number, three times."""
    store = VectorStore(folder, way, SIZE)
    numbers = np.array([[ord(text)] * SIZE for text in texts], np.float32)
    store.add([key_of(text) for text in texts], numbers, np.array([text.isupper() for text in texts]))
    return store


def found(store: VectorStore, texts: str) -> str:
    """The letters whose vectors are there, after a look at each vector."""
    vectors, cut = np.zeros((len(texts), SIZE), np.float32), np.zeros(len(texts), np.bool_)
    there = store.find({key_of(text): row for row, text in enumerate(texts)}, vectors, cut)
    got = "".join(text for text in texts if key_of(text) in there)
    for row, text in enumerate(texts):
        assert vectors[row].tolist() == [float(ord(text)) if text in got else 0.0] * SIZE
        assert cut[row] == (text in got and text.isupper())
    return got


def test_what_was_added_is_found_by_its_text(tmp_path: Path) -> None:
    filled(tmp_path, "aB")
    filled(tmp_path, "Bc")
    assert found(VectorStore(tmp_path, WAY, SIZE), "xcaBy") == "caB"


def test_another_way_of_reading_finds_nothing(tmp_path: Path) -> None:
    filled(tmp_path, "ab")
    assert found(VectorStore(tmp_path, {"pooling": "cls"}, SIZE), "ab") == ""
    assert found(VectorStore(tmp_path / "elsewhere", WAY, SIZE), "ab") == ""


def test_equal_content_is_one_file(tmp_path: Path) -> None:
    store = filled(tmp_path, "ab")
    filled(tmp_path, "ab")
    assert len(list(store.folder.iterdir())) == 1
    store.add([], np.empty((0, SIZE), np.float32), np.empty(0, np.bool_))
    assert len(list(store.folder.iterdir())) == 1


@pytest.mark.parametrize("damage", ["removed", "emptied", "cut", "replaced", "pickled", "other"])
def test_a_damaged_file_costs_only_what_was_in_it(tmp_path: Path, damage: str) -> None:
    store = filled(tmp_path, "ab")
    (file,) = store.folder.iterdir()
    filled(tmp_path, "c")
    content = file.read_bytes()
    match damage:
        case "removed":
            file.unlink()
        case "emptied":
            file.write_bytes(b"")
        case "cut":
            file.write_bytes(content[:-5])
        case "replaced":
            file.write_bytes(b"{}")
        case "pickled":
            np.save(file, np.array([{"a": 1}], object), allow_pickle=True)
        case "other":
            np.save(file, np.zeros(4))
    assert found(store, "abc") == "c"


def test_what_a_killed_process_leaves_is_no_file(tmp_path: Path) -> None:
    store = filled(tmp_path, "a")
    (file,) = store.folder.iterdir()
    (store.folder / f".{file.name}.1.tmp").write_bytes(file.read_bytes()[:40])
    assert found(store, "a") == "a"


def _adds(folder: Path, texts: str) -> None:
    for text in texts:
        filled(folder, text)


def test_several_processes_add_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_adds, args=(tmp_path, texts)) for texts in ("abcdef", "defghi")]
    for each in others:
        each.start()
    for each in others:
        each.join()
        assert each.exitcode == 0
    assert found(VectorStore(tmp_path, WAY, SIZE), "abcdefghi") == "abcdefghi"
