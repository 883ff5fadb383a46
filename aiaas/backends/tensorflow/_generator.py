"""Fitting a generator: texts joined to one running text, which is read in windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends import characters
from aiaas.backends.characters import END, Characters
from aiaas.backends.generator import CharacterGenerator
from aiaas.backends.reading import tables
from aiaas.backends.recurrent import Layer, Recurrent
from aiaas.backends.settings import Learning
from aiaas.backends.tensorflow._begin import begin
from aiaas.backends.tensorflow._feed import Batch
from aiaas.backends.tensorflow._fit import learn
from aiaas.backends.tensorflow._keras import keras
from aiaas.backends.tensorflow.lstm_generator import Params
from aiaas.contracts import Training

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray


class RunningText:
    """Texts as one: an end, a text, an end, the next text, … in rows of `window` characters, `rows` of them a batch.

    With a seed the texts come in another order each epoch, so that other characters stand together in a row.
    """

    def __init__(self, texts: list[NDArray[np.int32]], window: int, rows: int, *, seed: int | None = None) -> None:
        self.texts = [np.append(text, np.int32(END)) for text in texts if text.size]
        self.window, self.rows, self.seed = window, rows, seed
        self.size = sum(text.size for text in self.texts)

    @property
    def steps(self) -> int:
        return -(-self.size // (self.window * self.rows))

    def epoch(self, epoch: int, first: int) -> Iterator[Batch]:
        """Characters (rows, window), for each that which follows it, and a weight of 1 where there is one."""
        order = np.arange(len(self.texts))
        if self.seed is not None:
            np.random.default_rng([self.seed, epoch]).shuffle(order)
        running = np.full(1 + self.steps * self.rows * self.window, END, np.int32)
        running[1 : 1 + self.size] = np.concatenate([self.texts[place] for place in order])
        weights = (np.arange(running.size - 1) < self.size).astype(np.float32)
        shape = (self.steps, self.rows, self.window)
        parts = (running[:-1].reshape(shape), running[1:].reshape(shape), weights.reshape(shape))
        for step in range(first, self.steps):
            filled = parts[2][step, :, 0] > 0
            yield parts[0][step, filled], parts[1][step, filled], parts[2][step, filled]


def fit(params: Params, train: Dataset, validation: Dataset, training: Training) -> CharacterGenerator:
    """See `lstm_generator.fit`."""
    settings: Learning = training.settings
    known = characters.learn(_texts(train, training), params.min_count, params.max_characters)
    batches = RunningText(_encoded(known, train, training), params.window, settings.batch_size, seed=training.seed)
    held_out = RunningText(_encoded(known, validation, training), params.window, settings.batch_size)
    hint = "train.batch_size, model.params.window or model.params.units"
    network = begin(lambda: build(params, len(known)), training, hint=hint)
    training.notes["characters"] = len(known.characters)
    learn(
        network,
        batches,
        held_out,
        training,
        loss=keras().losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight"),
    )
    return CharacterGenerator(known, finished(network, params))


def build(params: Params, tokens: int) -> Any:
    """Tokens (n, window) to logits (n, window, tokens); embedding and output share their weights."""
    frame = keras()
    layers = frame.layers
    embedding = layers.ReversibleEmbedding(tokens, params.embedding, name="embedding")
    inputs = frame.Input((params.window,), dtype="int32", name="tokens")
    tensor = embedding(inputs)
    for number in range(params.layers):
        if params.dropout:
            tensor = layers.Dropout(params.dropout, name=f"dropout{number}")(tensor)
        tensor = layers.LSTM(params.units, return_sequences=True, name=f"lstm{number}")(tensor)
    if params.dropout:
        tensor = layers.Dropout(params.dropout, name="dropout")(tensor)
    tensor = layers.Dense(params.embedding, name="projection")(tensor)
    return frame.Model(inputs, embedding(tensor, reverse=True))


def finished(network: Any, params: Params) -> Recurrent:
    """The trained weights as arrays that numpy computes with."""

    def of(name: str) -> list[NDArray[np.float32]]:
        return [np.asarray(each, np.float32) for each in network.get_layer(name).get_weights()]

    layers = [Layer(*of(f"lstm{number}")) for number in range(params.layers)]
    (embedding,), (projection, bias) = of("embedding"), of("projection")
    return Recurrent(embedding, layers, projection, bias)


def _texts(rows: Dataset, training: Training) -> Iterator[list[str]]:
    name = next(iter(training.signature.features))
    for table in tables(rows.select_columns([name]), training):
        yield [text or "" for text in table.column(name).to_pylist()]


def _encoded(known: Characters, rows: Dataset, training: Training) -> list[NDArray[np.int32]]:
    return [known.encode(text) for texts in _texts(rows, training) for text in texts]
