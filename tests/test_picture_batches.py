"""Training pictures: the same batches from memory and from files, and no more of them at once than must be; and how
small they may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from aiaas import plugins
from aiaas.backends.augment import Augment
from aiaas.backends.settings import Learning
from aiaas.backends.tensorflow import _pictures, cnn
from aiaas.backends.tensorflow._pictures import Form, PictureBatches, Pixels
from aiaas.contracts import Training
from aiaas.errors import MissingPackageError, TrainingError
from aiaas.train import signature_of
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


@pytest.mark.parametrize(
    "params",
    [
        {"filters": [1, 1, 1, 1]},
        {"filters": [1, 1], "padding": "valid", "stem": 1, "convolutions": 2},
        {"filters": [1, 1], "padding": "valid", "global_pooling": "none", "kernel": 5},
        {"filters": [1, 1, 1], "padding": "valid", "layout": "residual", "stem": 1},
    ],
    ids=str,
)
def test_pictures_too_small_for_the_layers_are_refused_before_a_network_is_made(
    params: dict[str, Any], tmp_path: Path
) -> None:
    try:
        plugins.require(cnn.REQUIRES, "this test")
    except MissingPackageError as error:
        pytest.skip(error.message)
    from aiaas.backends.tensorflow import _cnn

    smallest = cnn.Params(**params).smallest
    form = Form(height=smallest, width=smallest + 3, channels=3, resize="stretch")
    enough = cnn.Params(**params, size=(form.height, form.width))
    assert _cnn.build(_cnn.Saved(params=enough, form=form, mean=(0, 0, 0), deviation=(1, 1, 1), classes=2))
    with pytest.raises(ValueError, match=f"want {smallest} pixels a side"):
        cnn.Params(**params, size=(smallest + 3, smallest - 1))
    side = smallest - 1
    data = Dataset.from_dict(
        {"image": [encoded(noise(1, (side, side)))] * 2, "label": [0, 1]},
        features=Features({"image": Value("binary"), "label": ClassLabel(names=["a", "b"])}),
    )
    signature = signature_of(data, plugins.task("image-classification"))
    training = Training("image-classification", signature, 1, tmp_path, Learning())
    with pytest.raises(TrainingError, match=f"these layers want {smallest} a side"):
        cnn.fit(cnn.Params(**params), data, data, training)
