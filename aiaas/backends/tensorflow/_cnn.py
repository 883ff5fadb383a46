"""Fitting, saving and asking a network over pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from aiaas import pictures
from aiaas.backends.classes import class_weights, softmax
from aiaas.backends.reading import check_classes, targets_of
from aiaas.backends.settings import Learning
from aiaas.backends.tensorflow import _runner
from aiaas.backends.tensorflow._begin import begin
from aiaas.backends.tensorflow._fit import learn
from aiaas.backends.tensorflow._keras import keras
from aiaas.backends.tensorflow._network_of_pictures import build
from aiaas.backends.tensorflow._pictures import Form, PictureBatches, Pixels
from aiaas.backends.tensorflow.cnn import Params
from aiaas.contracts import Params as Base
from aiaas.contracts import Training
from aiaas.errors import ExampleError, TrainingError

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

_LARGEST = 128
_LOOKED_AT = 64
_GREY = {"1", "L", "LA", "I", "I;16", "I;16B", "F"}


class Saved(Base):
    """What `model.json` holds: all that the network and its inputs are made from."""

    format: Literal[1] = 1
    params: Params
    form: Form
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    classes: int


class PictureModel:
    """Encoded pictures in, probabilities out."""

    def __init__(self, saved: Saved, network: _runner.Network) -> None:
        self.saved, self.network = saved, network

    def predict(self, examples: Sequence[bytes]) -> NDArray[np.float32]:
        """Probabilities (n, classes). Raises ExampleError for what is no picture."""
        scores = np.empty((len(examples), self.saved.classes), np.float32)
        step = self.saved.form.at_once
        for first in range(0, len(examples), step):
            try:
                shown = self.saved.form.decode(examples[first : first + step])
            except ExampleError as error:  # its place is that among these few
                raise ExampleError(error.message, first + error.index, hint=error.hint) from None
            scores[first : first + step] = softmax(self.network(shown.astype(np.float32)))
        return scores

    def save(self, directory: Path) -> None:
        """Write settings and weights."""
        _runner.write_settings(directory, self.saved)
        self.network.save(directory)


def fit(params: Params, train: Dataset, validation: Dataset, training: Training) -> PictureModel:
    """See `cnn.fit`."""
    settings: Learning = training.settings
    column = next(iter(training.signature.features))
    labels = targets_of(train, training)
    check_classes(labels, training)
    form = _form(params, train, column)
    pixels = Pixels(train, column, form)
    mean, deviation = _scale(params, pixels)
    saved = Saved(
        params=params, form=form, mean=tuple(mean), deviation=tuple(deviation), classes=len(training.signature.labels)
    )
    weights = class_weights(settings, labels, training.signature.labels)
    batches = PictureBatches(
        pixels,
        labels,
        weights,
        settings.batch_size,
        seed=training.seed,
        smoothing=settings.label_smoothing,
        varied=params.augment,
    )
    held_out = PictureBatches(
        Pixels(validation, column, form), targets_of(validation, training), np.ones_like(weights), settings.batch_size
    )
    network = begin(
        lambda: build(saved),
        training,
        hint="train.batch_size, model.params.size or model.params.filters",
        convolutions=True,
    )
    frame = keras()
    learn(
        network,
        batches,
        held_out,
        training,
        loss=frame.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[lambda: frame.metrics.CategoricalAccuracy(name="accuracy")],
    )
    return PictureModel(saved, _runner.finished(network, lambda: build(saved)))


def load(directory: Path) -> PictureModel:
    """See `cnn.load`."""
    saved = _runner.read_settings(directory, Saved)
    return PictureModel(saved, _runner.read_network(directory, lambda: build(saved)))


def export(directory: Path, out: Path) -> None:
    """See `Portable.export`."""
    saved = _runner.read_settings(directory, Saved)
    _runner.export(directory, out, lambda: build(saved))


def load_portable(directory: Path) -> PictureModel:
    """See `Portable.load_portable`."""
    return PictureModel(_runner.read_settings(directory, Saved), _runner.portable_network(directory))


def _form(params: Params, train: Dataset, column: str) -> Form:
    """Size and colours: what the recipe says, else what the first training pictures are."""
    seen = [pictures.header(each) for each in train.select(range(min(_LOOKED_AT, len(train))))[column]]
    if not seen:
        raise TrainingError("there are no training rows", hint="give train a share in preprocess.split")
    scale = min(1.0, _LARGEST / max(seen[0].height, seen[0].width))
    height, width = params.size or (max(4, round(seen[0].height * scale)), max(4, round(seen[0].width * scale)))
    if min(height, width) < params.smallest:
        raise TrainingError(
            f"the pictures have {height} x {width} pixels; these layers want {params.smallest} a side",
            where="model.params",
            hint="give fewer filters, or a larger size",
        )
    channels = params.channels or (3 if any(each.mode not in _GREY for each in seen) else 1)
    return Form(height=height, width=width, channels=channels, resize=params.resize)


def _scale(params: Params, pixels: Pixels) -> tuple[list[float], list[float]]:
    if params.scaling == "unit":
        return [0.0] * pixels.form.channels, [255.0] * pixels.form.channels
    return pixels.moments()
