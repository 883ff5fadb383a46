"""Fitting, saving and asking the networks over texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import create_model

from aiaas.backends import vectors
from aiaas.backends.classes import class_weights, one_hot, softmax
from aiaas.backends.lexicon import FIRST, UNKNOWN
from aiaas.backends.reading import check_classes, targets_of, tell_longer, texts_of
from aiaas.backends.sequences import Sequences, by_length, scored, shuffled
from aiaas.backends.settings import Learning
from aiaas.backends.tensorflow import _runner
from aiaas.backends.tensorflow._begin import begin
from aiaas.backends.tensorflow._feed import Batch
from aiaas.backends.tensorflow._fit import learn as learn_weights
from aiaas.backends.tensorflow._keras import keras
from aiaas.backends.tensorflow._network_of_texts import EMBEDDING, network
from aiaas.backends.tensorflow._text_params import TextParams
from aiaas.backends.vocabulary import Vocabulary
from aiaas.backends.vocabulary import learn as learn_vocabulary
from aiaas.contracts import Params as Base
from aiaas.contracts import Training
from aiaas.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

_BATCH = 256  # texts that are answered
_EMBEDDING_SIZE = 128

Heart = Callable[[Any, Any, Any, Any], Any]
"""What an architecture is: its parameters, embedded tokens, lengths and places of tokens to one vector a text."""


class Saved(Base):
    """What `model.json` holds: all that the network and its inputs are made from, but the vocabulary."""

    format: Literal[1] = 1
    params: TextParams
    embedding_size: int
    classes: int


class TextNetwork:
    """Texts in, probabilities out."""

    def __init__(self, saved: Any, vocabulary: Vocabulary, network: _runner.Network) -> None:
        self.saved, self.vocabulary, self.network = saved, vocabulary, network

    def predict(self, examples: Sequence[str]) -> NDArray[np.float32]:
        """Probabilities (n, classes); of a text longer than `max_length` the beginning decides."""
        return scored(
            examples,
            self.saved.classes,
            self.vocabulary.encode,
            lambda batch: softmax(self.network(batch)),
            _BATCH,
        )

    def save(self, directory: Path) -> None:
        """Write settings, vocabulary and weights."""
        _runner.write_settings(directory, self.saved)
        self.vocabulary.save(directory)
        self.network.save(directory)


class TextBatches:
    """Texts alike in length with their targets; shuffled anew each epoch where a seed is given."""

    def __init__(
        self,
        texts: Sequences,
        labels: NDArray[np.int64],
        weights: NDArray[np.float32],
        size: int,
        *,
        seed: int | None = None,
        smoothing: float = 0.0,
        token_dropout: float = 0.0,
    ) -> None:
        self.texts, self.labels, self.weights, self.size = texts, labels, weights, size
        self.seed, self.smoothing, self.token_dropout = seed, smoothing, token_dropout

    @property
    def steps(self) -> int:
        return -(-len(self.texts) // self.size)

    def epoch(self, epoch: int, first: int) -> Iterator[Batch]:
        """Numbers of tokens (n, length), targets (n, classes), weights (n,)."""
        lengths = self.texts.lengths
        batches = list(by_length(lengths, self.size))
        if self.seed is not None:
            batches = shuffled(lengths, self.size, self.seed, epoch)
        for step in range(first, self.steps):
            places = batches[step]
            numbers, labels = self.texts.padded(places), self.labels[places]
            if self.token_dropout and self.seed is not None:
                random = np.random.Generator(np.random.Philox([self.seed, epoch, step]))
                hidden = random.random(numbers.shape, np.float32) < self.token_dropout
                numbers[hidden & (numbers >= FIRST)] = UNKNOWN
            yield numbers, one_hot(labels, len(self.weights), self.smoothing), self.weights[labels]


def fit(params: Any, heart: Heart, train: Dataset, validation: Dataset, training: Training) -> TextNetwork:
    """Learn vocabulary and network. Raises DataError, TrainingError, Interrupted."""
    settings: Learning = training.settings
    names = training.signature.labels
    labels = targets_of(train, training)
    check_classes(labels, training)
    vocabulary, texts, longer = learn_vocabulary(params, texts_of(train, training))
    tell_longer(longer, len(texts), params.max_length, training)
    training.notes |= {"tokens": texts.tokens.size, "vocabulary": len(vocabulary.tokens)}
    pretrained = _pretrained(params, vocabulary, texts, training)
    size = pretrained.shape[1] if pretrained is not None else params.embedding_size or _EMBEDDING_SIZE
    saved = _saved(type(params))(params=params, embedding_size=size, classes=len(names))
    held_out = Sequences.joined([vocabulary.encode(batch) for batch in texts_of(validation, training)])
    made = begin(
        lambda: build(saved, vocabulary, heart),
        training,
        hint="train.batch_size, model.params.max_length or the sizes in model.params",
        length=int(texts.lengths.max(initial=1)),
    )
    if pretrained is not None:
        _begin_with(made.get_layer(EMBEDDING), pretrained)
    weights = class_weights(settings, labels, names)
    frame = keras()
    learn_weights(
        made,
        TextBatches(
            texts,
            labels,
            weights,
            settings.batch_size,
            seed=training.seed,
            smoothing=settings.label_smoothing,
            token_dropout=params.token_dropout,
        ),
        TextBatches(
            held_out,
            targets_of(validation, training),
            np.ones_like(weights),
            settings.batch_size,
        ),
        training,
        loss=frame.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[lambda: frame.metrics.CategoricalAccuracy(name="accuracy")],
    )
    return TextNetwork(saved, vocabulary, _runner.finished(made, lambda: build(saved, vocabulary, heart)))


def load(directory: Path, kind: type[TextParams], heart: Heart) -> TextNetwork:
    """The model that `TextNetwork.save` wrote. Raises VerificationError."""
    saved: Any = _runner.read_settings(directory, _saved(kind))
    vocabulary = Vocabulary.load(directory, saved.params)
    return TextNetwork(saved, vocabulary, _runner.read_network(directory, lambda: build(saved, vocabulary, heart)))


def export(directory: Path, out: Path, kind: type[TextParams], heart: Heart) -> None:
    """Write the model saved in `directory` into `out` for `load_portable`. Raises ExportError, VerificationError."""
    saved: Any = _runner.read_settings(directory, _saved(kind))
    vocabulary = Vocabulary.load(directory, saved.params)
    _runner.export(directory, out, lambda: build(saved, vocabulary, heart))
    vocabulary.save(out)


def load_portable(directory: Path, kind: type[TextParams]) -> TextNetwork:
    """What `export` wrote, without TensorFlow. Raises VerificationError."""
    saved: Any = _runner.read_settings(directory, _saved(kind))
    return TextNetwork(saved, Vocabulary.load(directory, saved.params), _runner.portable_network(directory))


def build(saved: Any, vocabulary: Vocabulary, heart: Heart) -> Any:
    """The network around an architecture's heart: numbers of tokens (n, length) to logits (n, classes)."""
    params = saved.params
    return network(params, len(vocabulary), saved.embedding_size, saved.classes, partial(heart, params))


def _saved(kind: type[TextParams]) -> type[Saved]:
    """What `model.json` holds of this architecture."""
    return create_model("Saved", __base__=Saved, params=(kind, ...))


def _pretrained(
    params: TextParams, vocabulary: Vocabulary, texts: Sequences, training: Training
) -> NDArray[np.float32] | None:
    """What the embedding begins with (numbers, size), and a note of how much of the texts it covers."""
    if params.vectors is None:
        return None
    found = vectors.read(vocabulary.tokens, training.files["vectors.source"], training.files.get("vectors.words"))
    size = found.vectors.shape[1]
    if params.embedding_size not in (None, size):
        raise DataError(
            f"the vectors have {size} numbers, model.params.embedding_size is {params.embedding_size}",
            where=params.vectors.source,
            hint=f"leave embedding_size out, or say {size}",
        )
    known = found.given | found.composed
    counts = np.bincount(texts.tokens, minlength=len(vocabulary))
    covered = counts[FIRST:][known].sum() / max(1, counts.sum())
    training.notes |= {
        "vectors": {
            "size": size,
            "found": int(found.given.sum()),
            "composed": int(found.composed.sum()),
            "of_vocabulary": round(float(known.mean()), 4),
            "of_texts": round(float(covered), 4),
            "told": f"vectors for {known.mean():.1%} of the vocabulary, {covered:.1%} of the texts",
        }
    }
    return vectors.table(found, training.seed, FIRST)


def _begin_with(embedding: Any, table: NDArray[np.float32]) -> None:
    embedding.set_weights([table])
