"""Training pictures: the same batches from memory and from files, and no more of them at once than must be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from datasets import Dataset, Features, Value

from aiaas.backends.augment import Augment
from aiaas.backends.tensorflow import _pictures
from aiaas.backends.tensorflow._pictures import Form, PictureBatches, Pixels
from tests.picture_toys import encoded, noise

FORM = Form(height=6, width=5, channels=3, resize="stretch")
COUNT = 300


@pytest.fixture(scope="module")
def rows() -> Dataset:
    files = [encoded(noise(number)) for number in range(COUNT)]
    return Dataset.from_dict({"image": files}, features=Features({"image": Value("binary")}))


def batches_of(rows: Dataset) -> tuple[Pixels, PictureBatches]:
    pixels = Pixels(rows, "image", FORM)
    labels = np.arange(COUNT) % 3
    return pixels, PictureBatches(pixels, labels, np.ones(3, np.float32), 32, seed=5, varied=Augment(crop=1, mixup=0.2))


def test_pictures_that_do_not_fit_into_memory_make_the_same_batches(
    rows: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, from_memory = batches_of(rows)
    monkeypatch.setattr(_pictures, "KEPT", 0)
    unkept, from_files = batches_of(rows)
    assert kept.kept is not None
    assert unkept.kept is None
    assert unkept.moments() == kept.moments()
    for epoch, first in ((0, 0), (1, 4)):
        pairs = zip(from_memory.epoch(epoch, first), from_files.epoch(epoch, first), strict=True)
        for one, other in pairs:
            for a, b in zip(one, other, strict=True):
                np.testing.assert_array_equal(a, b)


def test_moments_are_those_of_all_pixels(rows: Dataset) -> None:
    pixels, _ = batches_of(rows)
    assert pixels.kept is not None
    flat = pixels.kept.reshape(-1, 3).astype(np.float64)
    mean, deviation = pixels.moments()
    np.testing.assert_allclose(mean, flat.mean(axis=0))
    np.testing.assert_allclose(deviation, flat.std(axis=0) + 1e-3)


@pytest.mark.parametrize("side", [8, 1024])
def test_few_large_pictures_are_held_at_once(rows: Dataset, side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pictures, "KEPT", 0)
    sizes: list[int] = []

    def decode(self: Form, files: list[bytes]) -> Any:
        sizes.append(len(files) * side * side * 3)
        return np.zeros((len(files), 2, 2, 3), np.uint8)

    monkeypatch.setattr(Form, "decode", decode)
    Pixels(rows, "image", FORM.model_copy(update={"height": side, "width": side})).moments()
    assert len(sizes) > 1
    assert max(sizes) <= 8 << 20
