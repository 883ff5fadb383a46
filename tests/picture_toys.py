"""A model of pictures for tests: a picture gets the label whose mean picture is nearest. And pictures to show it."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aiaas import contracts, pictures, plugins

REQUIRES = ("numpy",)
TASKS = ("image-classification",)
SIDE = 8


class Params(contracts.Params):
    """There is nothing to set."""


class Model:
    def __init__(self, means: NDArray[np.float64]) -> None:
        self.means = means  # (labels, pixels)

    def predict(self, examples: Sequence[bytes]) -> NDArray[np.float32]:
        seen = pictures.decode_many(examples, SIDE, SIDE, 3).reshape(len(examples), 1, -1) / 255
        closeness = np.exp(-np.square(seen - self.means).mean(axis=2))
        return (closeness / closeness.sum(axis=1, keepdims=True)).astype(np.float32)

    def save(self, directory: Path) -> None:
        (directory / "means.json").write_text(json.dumps(self.means.tolist()))


def fit(params: Params, train: Any, validation: Any, training: contracts.Training) -> Model:
    seen = pictures.decode_many(train["image"], SIDE, SIDE, 3).reshape(len(train), -1) / 255
    labels = np.array(train["label"])
    return Model(np.stack([seen[labels == place].mean(axis=0) for place in range(len(training.signature.labels))]))


def load(directory: Path) -> Model:
    return Model(np.array(json.loads((directory / "means.json").read_text())))


@contextmanager
def registered() -> Iterator[None]:
    """The model is `backend: toy, architecture: means`, as if a package had registered it."""
    points = {"architectures": {"toy/means": EntryPoint("toy/means", "tests.picture_toys", "aiaas.architectures")}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plugins, "_registered", lambda room: points.get(room, {}))
        yield


def encoded(image: Image.Image, kind: str = "PNG", **how: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def plain(colour: Any = (200, 30, 30), size: tuple[int, int] = (16, 12), mode: str = "RGB") -> Image.Image:
    return Image.new(mode, size, colour)


def noise(seed: int, size: tuple[int, int] = (64, 48)) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8))


def red_or_blue(number: int, kind: str = "PNG", size: tuple[int, int] = (12, 12)) -> bytes:
    """Even numbers are reddish, odd ones bluish; no two are equal."""
    given = np.random.default_rng(number).integers(0, 60, (size[1], size[0], 3), np.uint8)
    given[:, :, 2 * (number % 2)] += 180
    return encoded(Image.fromarray(given), kind)


def claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has this size."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def animated_gif() -> bytes:
    return encoded(plain(), "GIF", save_all=True, append_images=[plain((0, 0, 255))], duration=100)
