"""Training pictures in batches: decoded as they are read, or once where all of them fit into memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aiaas import pictures
from aiaas.backends.augment import Augment, augment
from aiaas.backends.classes import one_hot
from aiaas.backends.tensorflow._feed import Batch
from aiaas.contracts import Params

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

KEPT = 512 << 20
"""Bytes: decoded pictures of a split are kept up to this size, and decoded again each epoch beyond it."""

_AT_ONCE = 128
_VALUES = _AT_ONCE * 128 * 128 * 3
_LOOKED_AT = 8192


class Form(Params):
    """What every picture is brought to before a network sees it."""

    height: int
    width: int
    channels: Literal[1, 3]
    resize: pictures.Fit

    @property
    def at_once(self) -> int:
        """How many pictures are held decoded beside each other: of files from a camera, and of large forms, few are
        much."""
        return max(1, min(_AT_ONCE, _VALUES // (self.height * self.width * self.channels)))

    def decode(self, files: Sequence[bytes]) -> NDArray[np.uint8]:
        """Pictures (n, height, width, channels); ExampleError names the one that cannot be decoded."""
        decoded: NDArray[np.uint8] = pictures.decode_many(
            files, self.height, self.width, self.channels, fit=self.resize
        )
        return decoded


class Pixels:
    """The pictures of a split by their places, decoded."""

    def __init__(self, rows: Dataset, column: str, form: Form) -> None:
        self.rows, self.column, self.form = rows.select_columns([column]), column, form
        self.kept: NDArray[np.uint8] | None = None
        shape = (len(rows), form.height, form.width, form.channels)
        if math.prod(shape) <= KEPT:
            kept = np.empty(shape, np.uint8)
            for places in self._parts(range(len(rows))):  # a range is read faster than places
                kept[places] = self._read(places)
            self.kept = kept

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The pictures at `places` (n, height, width, channels)."""
        return self.kept[places] if self.kept is not None else self._read(places)

    def moments(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each channel, over some thousands of pictures spread over all."""
        places = np.unique(np.linspace(0, len(self) - 1, min(len(self), _LOOKED_AT)).astype(np.int64))
        levels, counts = np.arange(256), np.zeros((self.form.channels, 256), np.int64)
        for part in self._parts(places):
            for channel, values in enumerate(np.moveaxis(self.at(part), -1, 0)):
                counts[channel] += np.bincount(values.ravel(), minlength=256)
        shares = counts / counts.sum(axis=1, keepdims=True)
        mean = shares @ levels
        deviation = np.sqrt((shares * np.square(levels - mean[:, None])).sum(axis=1))
        return mean.tolist(), (deviation + 1e-3).tolist()

    def _read(self, places: Any) -> NDArray[np.uint8]:
        return self.form.decode(self.rows[places][self.column])

    def _parts(self, places: Any) -> Iterator[Any]:
        for first in range(0, len(places), self.form.at_once):
            yield places[first : first + self.form.at_once]


class PictureBatches:
    """Pictures with their targets; shuffled and varied where `augment` is given."""

    def __init__(
        self,
        pixels: Pixels,
        labels: NDArray[np.int64],
        weights: NDArray[np.float32],
        size: int,
        *,
        seed: int = 0,
        smoothing: float = 0.0,
        varied: Augment | None = None,
    ) -> None:
        self.pixels, self.labels, self.weights, self.size = pixels, labels, weights, size
        self.seed, self.smoothing, self.varied = seed, smoothing, varied

    @property
    def steps(self) -> int:
        return -(-len(self.pixels) // self.size)

    def epoch(self, epoch: int, first: int) -> Iterator[Batch]:
        """The batches from step `first` on: inputs (n, height, width, channels) float32 0 to 255."""
        order = np.arange(len(self.pixels))
        if self.varied:
            np.random.default_rng([self.seed, epoch]).shuffle(order)
        for step in range(first, self.steps):
            places = order[step * self.size : (step + 1) * self.size]
            labels = self.labels[places]
            shown, targets = self.pixels.at(places), one_hot(labels, len(self.weights), self.smoothing)
            random = np.random.default_rng([self.seed, epoch, step])
            inputs, targets = augment(shown, targets, self.varied or Augment(), random)
            yield inputs, targets, self.weights[labels]
