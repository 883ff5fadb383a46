"""Inputs changed as life changes them: by chance that is the same again, and only as far as said."""

from __future__ import annotations

import io
from random import Random
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aiaas import perturb, pictures, plugins
from aiaas.errors import MissingPackageError
from aiaas.perturb import numbers, writing
from aiaas.perturb import pictures as of_pictures
from aiaas.tasks import image_classification, tabular_regression, text_classification

ENGLISH = "The room was clean and the staff were very friendly, but breakfast was cold and rather late."
CHINESE = "房间很干净，服务也不错，就是早餐有点凉，下次还会再来住的。"
TEXTS = (ENGLISH, CHINESE, "", " ", "a", "好", "😀👍🏽", "a\nb\t c", "ﬃ ß İ")


@pytest.mark.parametrize(
    "change", [writing.typos, writing.homophones, writing.case, writing.width, writing.traditional]
)
def test_texts_change_by_chance_that_is_the_same_again(change: Any) -> None:
    for text in TEXTS:
        changed = change(text, Random(5))
        assert change(text, Random(5)) == changed
        assert isinstance(changed, str)
        assert bool(changed.strip()) == bool(text.strip())
        changed.encode()
    assert change(None, Random(5)) is None


@pytest.mark.parametrize("text", [ENGLISH, CHINESE])
def test_typos_are_few_and_there(text: str) -> None:
    found = {writing.typos(text, Random(seed)) for seed in range(40)}
    assert len(found) > 20
    slips = max(1, round(writing.SHARE * len(text)))
    assert all(abs(len(each) - len(text)) <= slips for each in found)
    assert sum(each == text for each in found) <= 1


def test_latin_letters_are_mistaken_for_those_beside_them_and_chinese_characters_for_none() -> None:
    strange = {each for seed in range(300) for each in writing.typos("ggg", Random(seed))} - {"g"}
    assert strange == set("fhtyvb")
    assert set("".join(writing.typos(CHINESE, Random(seed)) for seed in range(200))) <= set(CHINESE)


def test_homophones_sound_alike() -> None:
    from pypinyin import lazy_pinyin

    changed = [writing.homophones(CHINESE, Random(seed)) for seed in range(20)]
    assert len(set(changed)) > 15
    for each in changed:
        assert len(each) == len(CHINESE)
        differ = [(old, new) for old, new in zip(CHINESE, each, strict=True) if old != new]
        assert len(differ) == 1
        assert all(lazy_pinyin(old, errors="ignore") == lazy_pinyin(new, errors="ignore") for old, new in differ)
    assert writing.homophones(ENGLISH, Random(0)) == ENGLISH


def test_case_width_and_traditional_characters() -> None:
    assert {writing.case("Good", Random(seed)) for seed in range(20)} == {"GOOD", "good"}
    assert writing.case("good", Random(0)) == "GOOD"
    assert writing.case("123 好", Random(0)) == "123 好"
    assert writing.width("Wi-Fi 5，好", Random(0)) == "Ｗｉ－Ｆｉ\u3000５,好"
    assert writing.width(writing.width(ENGLISH, Random(0)), Random(0)) == ENGLISH
    assert writing.traditional("头发后来", Random(0)) == "頭髮後來"
    assert writing.traditional(ENGLISH, Random(0)) == ENGLISH


def encoded(pixels: Any, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


RANDOM = np.random.default_rng(0)
FIELDS = np.kron(RANDOM.integers(0, 256, (8, 6, 3)), np.ones((5, 5, 1))).astype(np.uint8)
GREY = FIELDS[:, :, 0]
CHANGES = [of_pictures.noise, of_pictures.blur, of_pictures.rotation, of_pictures.jpeg]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("pixels", [GREY, FIELDS], ids=["grey", "coloured"])
def test_pictures_keep_their_size_and_channels(change: Any, pixels: Any) -> None:
    data = encoded(pixels)
    changed = change(data, Random(3))
    assert change(data, Random(3)) == changed
    header = pictures.header(changed)
    assert (header.width, header.height) == (30, 40)
    before, after = (pictures.upright(each, 100).astype(int) for each in (data, changed))
    assert after.shape == before.shape
    assert 0.5 < np.abs(after - before).mean() < 60


def test_a_picture_of_one_pixel_and_a_large_one() -> None:
    for change in CHANGES:
        assert pictures.header(change(encoded(np.full((1, 1), 7, np.uint8)), Random(0))).width == 1
    wide = of_pictures.blur(encoded(np.zeros((60, 1200), np.uint8)), Random(0))
    assert (pictures.header(wide).width, pictures.header(wide).height) == (of_pictures.SIDE, 26)


def test_what_is_transparent_or_turned_is_seen_as_it_is_shown() -> None:
    clear = np.zeros((4, 6, 4), np.uint8)
    assert pictures.upright(encoded(clear), 10).tolist() == np.full((4, 6, 3), 255).tolist()
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY).save(out, "JPEG", exif=exif)
    assert pictures.upright(out.getvalue(), 100).shape == (30, 40, 1)
    for change in CHANGES:
        assert pictures.header(change(out.getvalue(), Random(0))).width == 40


def test_numbers_move_by_a_part_of_their_spread() -> None:
    values = RANDOM.normal(50, 20, 500).tolist()
    change = numbers.noise(values)
    moved = np.array([change(value, Random(place)) - value for place, value in enumerate(values)])
    assert np.std(moved) == pytest.approx(numbers.SPREAD * 20, rel=0.15)
    assert isinstance(numbers.noise([1, 100, 1000])(100, Random(0)), int)
    alike = numbers.noise([7.0, 7.0, None])
    assert alike(7.0, Random(0)) == 7.0
    assert alike(None, Random(0)) is None
    assert numbers.noise([None, float("nan")])(True, Random(0)) is True
    gone = [numbers.missing(1, Random(place)) for place in range(1000)].count(None)
    assert 70 < gone < 130


def test_which_fit() -> None:
    texts, files, tables = (
        perturb.fitting(perturb.kinds_of(task))
        for task in (text_classification, image_classification, tabular_regression)
    )
    assert texts == ["typos", "homophones", "case", "width", "traditional"]
    assert files == ["noise", "blur", "rotation", "jpeg"]
    assert tables == [*texts, "noise", "missing"]
    assert perturb.named("noise", "number") is not perturb.named("noise", "picture")
    assert perturb.named("blur", "text") is None
    kinds = ("string", "int64", "float32", "bool", "binary", "timestamp")
    assert [perturb.kind_of(tabular_regression, each) for each in kinds] == [
        "word", "number", "number", "truth", "picture", None,
    ]  # fmt: skip
    assert perturb.kind_of(text_classification, "string") == "text"


def test_what_is_not_installed_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "_version", lambda name: None)
    writing._alike.cache_clear()
    with pytest.raises(MissingPackageError, match="pypinyin") as caught:
        writing.homophones("好", Random(0))
    assert caught.value.hint == "pip install 'aiaas[data]'"
