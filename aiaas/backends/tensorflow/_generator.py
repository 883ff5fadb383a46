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


_SPREAD = 0.2
"""Standard deviation of the embedding before it learns. Keras's own 0.03 makes scores and gates so small that the first
hundreds of steps go into growing them: after 220 on the same batches the loss was 5.46 with it, and 5.24 with this."""


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

    def shares(self, tokens: int) -> NDArray[np.float64]:
        """How frequent each of `tokens` is (tokens,): one in sum, and none of them never."""
        counts = np.bincount(np.concatenate([[END], *self.texts]), minlength=tokens) + 1.0
        return np.asarray(counts / counts.sum())

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
    shares = batches.shares(len(known))
    hint = "train.batch_size, model.params.window or model.params.units"
    network = begin(lambda: build(params, len(known), shares), training, hint=hint)
    training.notes["characters"] = len(known.characters)
    learn(
        network,
        batches,
        held_out,
        training,
        loss=keras().losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight"),
    )
    return CharacterGenerator(known, finished(network, params))


def build(params: Params, tokens: int, shares: NDArray[np.float64] | None = None) -> Any:
    """Tokens (n, window) to logits (n, window, tokens); embedding and output share their weights.

    With `shares` (tokens,), how frequent each is, the network knows that much before it begins to learn: its weights
    are else busy with it for the first hundreds of steps.
    """
    frame = keras()
    layers = frame.layers
    wide = frame.initializers.RandomNormal(stddev=_SPREAD)
    embedding = layers.ReversibleEmbedding(tokens, params.embedding, embeddings_initializer=wide, name="embedding")
    inputs = frame.Input((params.window,), dtype="int32", name="tokens")
    tensor = embedding(inputs)
    for number in range(params.layers):
        if params.dropout:
            tensor = layers.Dropout(params.dropout, name=f"dropout{number}")(tensor)
        tensor = layers.LSTM(params.units, return_sequences=True, name=f"lstm{number}")(tensor)
    if params.dropout:
        tensor = layers.Dropout(params.dropout, name="dropout")(tensor)
    tensor = layers.Dense(params.embedding, name="projection")(tensor)
    network = frame.Model(inputs, _offset(tokens)(embedding(tensor, reverse=True)))
    if shares is not None:
        network.get_layer("offset").set_weights([np.log(shares).astype(np.float32)])
    return network


def _offset(tokens: int) -> Any:
    """A layer that adds a number to the score of each token."""

    class Offset(keras().layers.Layer):  # type: ignore[misc]
        def build(self, shape: Any) -> None:
            self.offset = self.add_weight(shape=(tokens,), initializer="zeros", name="offset")

        def call(self, scores: Any) -> Any:
            return scores + self.offset

    return Offset(name="offset")


def finished(network: Any, params: Params) -> Recurrent:
    """The trained weights as arrays that numpy computes with."""

    def of(name: str) -> list[NDArray[np.float32]]:
        return [np.asarray(each, np.float32) for each in network.get_layer(name).get_weights()]

    layers = [Layer(*of(f"lstm{number}")) for number in range(params.layers)]
    (embedding,), (projection, bias), (offset,) = of("embedding"), of("projection"), of("offset")
    return Recurrent(embedding, layers, projection, bias, offset)


def _texts(rows: Dataset, training: Training) -> Iterator[list[str]]:
    name = next(iter(training.signature.features))
    for table in tables(rows.select_columns([name]), training):
        yield [text or "" for text in table.column(name).to_pylist()]


def _encoded(known: Characters, rows: Dataset, training: Training) -> list[NDArray[np.int32]]:
    return [known.encode(text) for texts in _texts(rows, training) for text in texts]
