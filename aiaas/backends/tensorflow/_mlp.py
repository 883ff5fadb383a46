"""Fitting, saving and asking a network over rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aiaas.backends.classes import class_weights, one_hot, softmax
from aiaas.backends.columns import Encoder, Inputs
from aiaas.backends.columns import learn as learn_columns
from aiaas.backends.reading import check_classes
from aiaas.backends.rows import Codec, columns_of, matrix_of
from aiaas.backends.settings import Learning
from aiaas.backends.tensorflow import _runner
from aiaas.backends.tensorflow._fit import Batch, learn
from aiaas.backends.tensorflow._keras import keras, start
from aiaas.backends.tensorflow._layers import dropped, outputs
from aiaas.backends.tensorflow.mlp import Params
from aiaas.contracts import Params as Base
from aiaas.contracts import Training
from aiaas.errors import TrainingError

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

_AT_ONCE = 8192


class Saved(Base):
    """What `model.json` holds. A regression has one output and learns its target with mean 0 and deviation 1."""

    format: Literal[1] = 1
    params: Params
    inputs: Inputs
    classes: int
    mean: float = 0.0
    deviation: float = 1.0


class RowNetwork:
    """Rows in, probabilities or values out."""

    def __init__(self, saved: Saved, network: _runner.Network) -> None:
        self.saved, self.network, self._encoder = saved, network, Encoder(saved.inputs)

    def predict(self, examples: Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
        """Probabilities (n, classes), or (n, 1) values of a regression."""
        scores = np.empty((len(examples), self.saved.classes or 1), np.float32)
        for first in range(0, len(examples), _AT_ONCE):
            given = self.network(self._encoder.rows(examples[first : first + _AT_ONCE]))
            values = softmax(given) if self.saved.classes else given * self.saved.deviation + self.saved.mean
            scores[first : first + _AT_ONCE] = values
        return scores

    def save(self, directory: Path) -> None:
        """Write settings and weights."""
        _runner.write_settings(directory, self.saved)
        self.network.save(directory)


class RowBatches:
    """Rows in batches, shuffled anew each epoch where a seed is given."""

    def __init__(
        self,
        inputs: NDArray[np.float32],
        targets: NDArray[np.float32],
        weights: NDArray[np.float32],
        size: int,
        seed: int | None = None,
    ) -> None:
        self.inputs, self.targets, self.weights, self.size, self.seed = inputs, targets, weights, size, seed

    @property
    def steps(self) -> int:
        return -(-len(self.inputs) // self.size)

    def epoch(self, epoch: int, first: int) -> Iterator[Batch]:
        """Inputs (n, width), targets (n, outputs), weights (n,)."""
        order = np.arange(len(self.inputs))
        if self.seed is not None:
            np.random.default_rng([self.seed, epoch]).shuffle(order)
        for step in range(first, self.steps):
            places = order[step * self.size : (step + 1) * self.size]
            yield self.inputs[places], self.targets[places], self.weights[places]


def fit(params: Params, train: Dataset, validation: Dataset, training: Training) -> RowNetwork:
    """See `mlp.fit`."""
    settings: Learning = training.settings
    codec = Codec(columns_of(train, training))
    if not codec.columns:
        raise TrainingError(
            "no column is left to learn from: every one is empty", hint="collect rows with at least one feature column"
        )
    matrix, targets = matrix_of(codec, train, training)
    labels = training.signature.labels
    if labels:
        check_classes(targets.astype(np.int64), training)
    elif targets.size < 2:
        raise TrainingError(f"there are {targets.size} training rows; two or more are needed")
    saved = Saved(
        params=params,
        inputs=learn_columns(codec, matrix, params.max_categories),
        classes=len(labels),
        **({} if labels else {"mean": float(targets.mean()), "deviation": float(targets.std()) or 1.0}),
    )
    weights = class_weights(settings, targets.astype(np.int64), labels) if labels else np.ones(0, np.float32)
    strategy = start(settings, training.seed)
    with strategy.scope():
        network = build(saved)
    training.notes["weights"] = network.count_params()
    learn(
        network,
        _batches(saved, settings, matrix, targets, weights, training.seed),
        _batches(saved, settings, *matrix_of(codec, validation, training), np.ones_like(weights)),
        training,
        **_judged(bool(labels)),
    )
    return RowNetwork(saved, _runner.finished(network, lambda: build(saved)))


def load(directory: Path) -> RowNetwork:
    """See `mlp.load`."""
    saved = _runner.read_settings(directory, Saved)
    return RowNetwork(saved, _runner.read_network(directory, lambda: build(saved)))


def export(directory: Path, out: Path) -> None:
    """See `Portable.export`."""
    saved = _runner.read_settings(directory, Saved)
    _runner.export(directory, out, lambda: build(saved))


def load_portable(directory: Path) -> RowNetwork:
    """See `Portable.load_portable`."""
    return RowNetwork(_runner.read_settings(directory, Saved), _runner.portable_network(directory))


def build(saved: Saved) -> Any:
    """Dense layers from the inputs (n, width) to logits (n, classes), or to (n, 1) values."""
    frame = keras()
    layers, params = frame.layers, saved.params
    tensor = inputs = frame.Input((saved.inputs.width,), name="row")
    regular = frame.regularizers.L2(params.l2) if params.l2 else None
    for number, size in enumerate(params.hidden, 1):
        tensor = dropped(tensor, params.dropout, f"hidden{number}_dropout")
        tensor = layers.Dense(size, kernel_regularizer=regular, name=f"hidden{number}")(tensor)
        if params.batch_normalization:
            tensor = layers.BatchNormalization(name=f"hidden{number}_norm")(tensor)
        tensor = layers.Activation(params.activation, name=f"hidden{number}_activation")(tensor)
    return frame.Model(inputs, outputs(tensor, saved.classes or 1))


def _batches(
    saved: Saved,
    settings: Learning,
    matrix: NDArray[np.float64],
    targets: NDArray[np.float64],
    weights: NDArray[np.float32],
    seed: int | None = None,
) -> RowBatches:
    inputs = Encoder(saved.inputs).matrix(matrix)
    if not saved.classes:
        scaled = ((targets - saved.mean) / saved.deviation).astype(np.float32)[:, None]
        return RowBatches(inputs, scaled, np.ones(len(inputs), np.float32), settings.batch_size, seed)
    labels = targets.astype(np.int64)
    smoothing = 0.0 if seed is None else settings.label_smoothing
    return RowBatches(inputs, one_hot(labels, saved.classes, smoothing), weights[labels], settings.batch_size, seed)


def _judged(classes: bool) -> dict[str, Any]:
    """Loss and metrics of the two tasks."""
    frame = keras()
    if classes:
        loss = frame.losses.CategoricalCrossentropy(from_logits=True)
        return {"loss": loss, "metrics": [lambda: frame.metrics.CategoricalAccuracy(name="accuracy")]}
    return {"loss": frame.losses.MeanSquaredError(), "metrics": [lambda: frame.metrics.MeanAbsoluteError(name="mae")]}
