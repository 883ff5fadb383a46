"""Texts that are nearly equal: what datasketch says of them, what is found, and what is not made up."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiaas.near import Sketcher, pairs, search, sketches
from aiaas.near.shingles import SIZES, Unit, shingles

CHINESE = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面"


def runs(text: str, unit: Unit, size: int | None) -> set[tuple[str, ...]]:
    """The shingles of a text, said in another way."""
    text = text.lower()
    eastern = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00010000-\U0010ffff"
    words = re.findall(rf"[{eastern}]|[^\W_{eastern}]+", text)
    many = sum(bool(re.fullmatch(f"[{eastern}]", word)) for word in words)
    letters = sum(map(len, words))
    units = words if unit == "word" else [character for character in text if not character.isspace()]
    if size is None:
        size = SIZES[unit][0 if 2 * many >= letters else 1]
    size = min(size, len(units))
    return {tuple(units[at : at + size]) for at in range(len(units) - size + 1)} if units else set()


def jaccard(one: set[Any], other: set[Any]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0


def found(texts: list[str], threshold: float, tmp_path: Path, **options: Any) -> dict[tuple[int, int], float]:
    sketcher = Sketcher(threshold, **options)
    parts = [sketcher.sketch(texts[at : at + 50]) for at in range(0, len(texts), 50)]
    whole = [each for part in pairs(parts, threshold, tmp_path) for each in part.tolist()]
    assert [each[:2] for each in whole] == sorted(each[:2] for each in whole)
    return {(first, second): similarity for first, second, similarity in whole}


def varied(chance: random.Random, count: int) -> list[str]:
    """Texts of which some are near to others."""
    texts: list[str] = []
    for _ in range(count):
        if texts and chance.random() < 0.5:
            letters = list(chance.choice(texts))
            for _ in range(chance.randrange(4)):
                letters[chance.randrange(len(letters))] = chance.choice(CHINESE)
            texts.append("".join(letters))
        else:
            texts.append("".join(chance.choices(CHINESE, k=chance.randrange(20, 120))))
    return texts


TEXTS = st.lists(st.text(st.sampled_from("abcé1 ,。\n好坏酒店の한\U0001f600_A"), max_size=30), max_size=8)


@given(TEXTS, st.sampled_from(["character", "word"]), st.none() | st.integers(1, 6))
def test_shingles_are_the_runs_of_units(texts: list[str], unit: Unit, size: int | None) -> None:
    hashes, counts = shingles(texts, unit, size)
    assert counts.tolist() == [len(runs(text, unit, size)) for text in texts]
    parts = np.split(hashes, np.cumsum(counts)[:-1]) if texts else []
    assert all((np.diff(part.astype(np.int64)) > 0).all() for part in parts)
    alone = [shingles([text], unit, size)[0].tolist() for text in texts]
    assert [part.tolist() for part in parts] == alone


def test_case_and_space_do_not_count() -> None:
    one, other = (
        shingles([text], "character", None)[0].tolist() for text in ("The Room was  fine", "the room\nWAS fine")
    )
    assert one == other
    words = [shingles([text], "word", 2)[0].tolist() for text in ("clean, quiet room!", "clean quiet room")]
    assert words[0] == words[1] != []


def test_signatures_estimate_what_datasketch_does() -> None:
    """The share of the 128 permutations in which two texts agree is their similarity, as well as datasketch says it."""
    from datasketch import MinHash

    chance = random.Random(3)
    texts = varied(chance, 120)
    sketcher = Sketcher(0.8)
    hashes, counts = shingles(texts, "character", None)
    ours = sketcher._lowest(hashes, np.cumsum(counts) - counts)
    sets = [runs(text, "character", None) for text in texts]
    theirs = []
    for each in sets:
        theirs.append(MinHash(num_perm=128))
        theirs[-1].update_batch(["".join(run).encode() for run in each])
    off, reference = [], []
    for one in range(0, 120, 3):
        for other in range(120):
            true = jaccard(sets[one], sets[other])
            off.append((ours[one] == ours[other]).mean() - true)
            reference.append(theirs[one].jaccard(theirs[other]) - true)
    assert abs(np.mean(off)) < 0.01
    assert np.std(off) < 1.2 * np.std(reference) + 0.002


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0])
def test_bands_find_a_pair_at_the_threshold(threshold: float) -> None:
    bands, rows = sketches.banding(threshold)
    assert bands * rows <= sketches.PERMUTATIONS
    assert 1 - (1 - threshold**rows) ** bands >= sketches.FOUND


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_finds_what_is_near_and_makes_nothing_up(threshold: float, tmp_path: Path) -> None:
    texts = varied(random.Random(5), 400)
    sets = [runs(text, "character", None) for text in texts]
    near = {
        (one, other): jaccard(sets[one], sets[other])
        for other in range(len(sets))
        for one in range(other)
        if jaccard(sets[one], sets[other]) >= threshold
    }
    pairs_found = found(texts, threshold, tmp_path)
    assert len(near) > 100
    assert set(pairs_found) <= set(near)
    assert len(pairs_found) >= 0.97 * len(near)
    linked = {second for _, second in near}
    assert len({second for _, second in pairs_found} & linked) >= 0.99 * len(linked)
    assert all(abs(similarity - near[pair]) < 1e-6 for pair, similarity in pairs_found.items())


def test_over_files_it_finds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = varied(random.Random(7), 300)
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = found(texts, 0.6, tmp_path / "whole")
    monkeypatch.setattr(search, "ROWS", 20)
    monkeypatch.setattr(search, "SPAN", 16)
    monkeypatch.setattr(search, "_SHINGLES", 500)
    assert found(texts, 0.6, tmp_path / "parts") == whole
    left = {path.name for path in (tmp_path / "parts").iterdir()}
    assert left == {"shingles"}


def test_long_texts_are_compared_by_a_sample(tmp_path: Path) -> None:
    chance = random.Random(9)
    long = chance.choices(CHINESE + "abcdefghijklmnopqrstuvwxyz0123456789", k=6000)
    other = [letter if chance.random() > 0.02 else "X" for letter in long]
    texts = ["".join(long), "".join(other), "".join(chance.choices(CHINESE, k=6000)), "短"]
    true = jaccard(runs(texts[0], "character", 3), runs(texts[1], "character", 3))
    pairs_found = found(texts, 0.7, tmp_path, size=3)
    assert set(pairs_found) == {(0, 1)}
    assert abs(pairs_found[0, 1] - true) < 0.05


def test_many_rows_alike_are_linked_to_the_first(tmp_path: Path) -> None:
    texts = ["房间很干净服务也很好下次还会再来"] * 3000 + ["完全不同的一句话在这里而已没有别的"]
    pairs_found = found(texts, 0.8, tmp_path)
    assert {second for _, second in pairs_found} == set(range(1, 3000))
    assert {(0, second) for second in range(1, 3000)} <= set(pairs_found)
    assert len(pairs_found) < 3000 * 2 * search.WITNESSES


def test_no_text_is_near_to_none(tmp_path: Path) -> None:
    assert found(["", "", " \n", "好", "好"], 0.8, tmp_path) == {(3, 4): 1.0}


def test_nothing_at_all(tmp_path: Path) -> None:
    sketcher = Sketcher(0.8)
    assert list(pairs([], 0.8, tmp_path)) == []
    assert [len(part) for part in pairs([sketcher.sketch([])], 0.8, tmp_path)] == []


def test_a_very_long_text_is_compared_by_its_beginning() -> None:
    text = "".join(random.Random(2).choices("abcdefghij ", k=sketches.LONGEST))
    one, other = Sketcher(0.8).sketch([text]), Sketcher(0.8).sketch([text + "tail" * 1000])
    assert all((one[name] == other[name]).all() for name in one)


def test_half_surrogates_do_not_stop_it(tmp_path: Path) -> None:
    assert found(["ab\ud800cdefgh", "ab\ud800cdefgh"], 0.8, tmp_path) == {(0, 1): 1.0}
