"""Fitting and loading torch/text_embedding. The encoder is never trained: a fit looks at the texts, and with labels
learns a linear head over their vectors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends import arrays, linear_head, memory
from aiaas.backends.linear_head import Head, Rows, Tried
from aiaas.backends.reading import check_classes, go_on, targets_of, tell_longer
from aiaas.backends.settings import Learning
from aiaas.backends.subwords import Subwords
from aiaas.backends.torch import _encoder, _memory, _portable
from aiaas.backends.torch._embed import TOKENS
from aiaas.backends.torch._embedded import embedded, texts
from aiaas.backends.torch._params import ENCODER
from aiaas.backends.torch._pooled import TorchNetwork, pooled
from aiaas.backends.torch._saved import SETTINGS, read_network
from aiaas.backends.torch._torch import quiet, set_up, torch
from aiaas.backends.torch._vectors import Saved, Vectors, read_head
from aiaas.contracts import Training

if TYPE_CHECKING:
    from datasets import Dataset

_EMBEDDING = "embedding these texts"
_LESS = "choose a smaller encoder, fewer rows, or a lower model.params.max_length"
_LAYERS = 16  # times the vectors of its tokens, what a batch holds at once


def fit(params: Any, train: Dataset, validation: Dataset, training: Training) -> Vectors:
    """The encoder as it is; with labels, and a head over it. Raises DataError, TrainingError, Interrupted."""
    labelled = bool(training.signature.labels)
    targets = targets_of(train, training) if labelled else np.empty(0, np.int64)
    if labelled:
        check_classes(targets, training)
    settings = Learning(device=training.settings.device, threads=training.settings.threads)
    with quiet(), set_up(settings, training.seed) as device:
        folder = training.files[ENCODER]
        read = _encoder.read(params, folder, "AutoModel")
        size, weights = _size(read)
        _check_memory(weights, size, len(train) + len(validation) if labelled else 0)
        encoder = _encoder.weights(read)[0].eval().requires_grad_(False)
        training.notes |= {"weights": weights, "dimensions": size}
        saved = Saved(
            pooling=params.pooling,
            normalise=params.normalise,
            prefix=params.prefix,
            precision="bfloat16" if params.precision == "bfloat16" else "float32",
            size=size,
            classes=len(training.signature.labels),
        )
        if not labelled:
            _look(params, read.subwords, train, training)
            return _model(saved, read.subwords, encoder, None)
        with _memory.told(_EMBEDDING, _LESS):
            some = embedded(params, read, encoder, saved, [train, validation], training, device.kind)
        judged = some[1], targets_of(validation, training)
        return _model(saved, read.subwords, encoder, _head(params, (some[0], targets), judged, training))


def load(directory: Path) -> Vectors:
    """The model that `Vectors.save` wrote. Raises VerificationError."""
    saved = arrays.read_settings(directory / SETTINGS, Saved)
    subwords, head = Subwords.load(directory), read_head(directory, saved)
    encoder = read_network(directory, "AutoModel")
    if encoder.config.hidden_size != saved.size or len(subwords) > encoder.get_input_embeddings().num_embeddings:
        raise arrays.damaged(directory / SETTINGS, "the files of the model do not fit each other")
    return _model(saved, subwords, encoder, head)


def export(directory: Path, out: Path) -> None:
    """Write the model saved in `directory` into `out` for `load_portable`, in float32. Raises ExportError and
    VerificationError."""
    saved = arrays.read_settings(directory / SETTINGS, Saved)
    encoder, head = read_network(directory, "AutoModel"), read_head(directory, saved)
    network = pooled(encoder, saved.pooling, saved.normalise, head)
    _portable.export(directory, out, network, encoder, types=_encoder.takes_types(encoder))


def _model(saved: Saved, subwords: Subwords, encoder: Any, head: Head | None) -> Vectors:
    device = "cuda" if torch().cuda.is_available() else "cpu"
    network = TorchNetwork(encoder, saved.pooling, saved.normalise, head, saved.precision, device)
    return Vectors(saved, subwords, network, head)


def _size(read: _encoder.Encoder) -> tuple[int, int]:
    """Numbers of a vector, and of all weights."""
    return int(read.config.hidden_size), sum(each.numel() for each in read.shapes.parameters())


def _check_memory(weights: int, size: int, rows: int) -> None:
    """Refuse what does not fit: the weights twice (as they are, and in bfloat16), a batch, and all vectors twice."""
    needed = 6 * weights + 4 * _LAYERS * TOKENS * size + 8 * size * rows
    memory.check(needed, _EMBEDDING, _LESS)


def _look(params: Any, subwords: Subwords, train: Dataset, training: Training) -> None:
    """Nothing is learned, but a person is told what is cut."""
    cut = 0
    for some in texts(train, training):
        cut += int(subwords.encode([params.prefix + text for text in some]).cut.sum())
    tell_longer(cut, len(train), params.max_length, training, params.truncation)


def _head(params: Any, train: Rows, validation: Rows, training: Training) -> Head:
    """The head that is right most often on the validation rows; where there are none, one that is learned from all
    rows with the C that was best on some of them."""
    grid = linear_head.GRID if params.C is None else (params.C,)
    classes, balanced = len(training.signature.labels), params.class_weight == "balanced"
    tried: list[Tried] = []
    for number, each in enumerate(linear_head.heads(train, validation, classes, grid, balanced), 1):
        training.report(number, {"C": each.C, **each.metrics})
        tried.append(each)
        go_on(training)
    chosen = linear_head.best(tried)
    head, converged = chosen.head, chosen.converged
    if len(grid) > 1 and not len(validation[1]):
        head, converged = linear_head.fit(*train, classes, chosen.C, balanced)
    training.notes |= {"C": chosen.C, "converged": converged}
    return head
