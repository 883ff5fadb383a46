"""Changes to training pictures: repeatable, within bounds, and what they say they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aiaas.backends.augment import Augment, augment

RANDOM = np.random.default_rng(1)
PICTURES = RANDOM.integers(0, 256, (40, 12, 10, 3), dtype=np.uint8)
TARGETS = np.eye(4, dtype=np.float32)[RANDOM.integers(0, 4, 40)]


def varied(seed: int = 0, **options: Any) -> tuple[Any, Any]:
    return augment(PICTURES, TARGETS, Augment(**options), np.random.default_rng(seed))


def test_by_default_nothing_changes() -> None:
    shown, targets = varied()
    np.testing.assert_array_equal(shown, PICTURES)
    np.testing.assert_array_equal(targets, TARGETS)


EACH: list[dict[str, Any]] = [{"flip": "both"}, {"crop": 3}, {"cutout": 4}, {"colour": 0.5}, {"mixup": 0.4}]


@pytest.mark.parametrize("options", EACH, ids=str)
def test_equal_seeds_vary_alike_and_others_do_not(options: dict[str, Any]) -> None:
    np.testing.assert_array_equal(varied(5, **options)[0], varied(5, **options)[0])
    assert not np.array_equal(varied(5, **options)[0], varied(6, **options)[0])


@pytest.mark.parametrize("options", EACH, ids=str)
def test_shape_type_and_range_stay(options: dict[str, Any]) -> None:
    before = PICTURES.copy()
    shown, targets = varied(**options)
    assert shown.shape == PICTURES.shape
    assert shown.dtype == targets.dtype == np.float32
    assert shown.min() >= 0
    assert shown.max() <= 255
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(PICTURES, before)  # the kept pictures are not written to


@pytest.mark.parametrize(("how", "axis"), [("horizontal", 2), ("vertical", 1)])
def test_about_half_of_the_pictures_are_mirrored(how: str, axis: int) -> None:
    shown, _ = varied(flip=how)
    mirrored = np.flip(PICTURES, axis)
    as_it_was = [np.array_equal(a, b) for a, b in zip(shown, PICTURES, strict=True)]
    turned = [np.array_equal(a, b) for a, b in zip(shown, mirrored, strict=True)]
    assert all(a or b for a, b in zip(as_it_was, turned, strict=True))
    assert 8 < sum(turned) < 32


def test_a_crop_is_a_window_of_the_widened_picture() -> None:
    shown, _ = varied(crop=2)
    wide = np.pad(PICTURES, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    for picture, around in zip(shown, wide, strict=True):
        windows = [around[top : top + 12, left : left + 10] for top in range(5) for left in range(5)]
        assert any(np.array_equal(picture, window) for window in windows)


def test_cutout_paints_one_square_in_the_mean_colour() -> None:
    shown, _ = varied(cutout=4)
    for picture, before in zip(shown, PICTURES, strict=True):
        painted = (picture != before).any(axis=-1)
        assert 4 <= painted.sum() <= 16
        np.testing.assert_allclose(
            picture[painted], np.broadcast_to(before.mean(axis=(0, 1)), (painted.sum(), 3)), rtol=1e-5
        )


def test_mixup_mixes_pictures_and_labels_by_the_same_share() -> None:
    flat = np.repeat(np.arange(4, dtype=np.uint8) * 60, 10)
    pictures = np.broadcast_to(flat[:, None, None, None], (40, 4, 4, 1)).astype(np.uint8)
    targets = np.eye(4, dtype=np.float32)[flat // 60]
    shown, mixed = augment(pictures, targets, Augment(mixup=1.0), np.random.default_rng(0))
    np.testing.assert_allclose(shown[:, 0, 0, 0], mixed @ (np.arange(4) * 60), rtol=1e-4, atol=1e-3)
