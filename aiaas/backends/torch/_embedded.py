"""Vectors to learn from: in the precision that is fast and loses nothing, found again where they were kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends.reading import tell_longer, texts_of
from aiaas.backends.torch import _encoder
from aiaas.backends.torch._embed import AT_ONCE, Embedder
from aiaas.backends.torch._pooled import Precision, TorchNetwork
from aiaas.backends.torch._torch import has_bfloat16, torch, transformers
from aiaas.backends.torch._vectors import Saved
from aiaas.backends.vector_store import VectorStore
from aiaas.contracts import Training
from aiaas.workspace import keys

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

_STORE = "vectors"
_ALIKE = 0.999  # the cosine above which a vector in bfloat16 is as good as the one in float32
_PROBED = 32  # texts that show it


def embedded(
    params: Any,
    read: _encoder.Encoder,
    encoder: Any,
    saved: Saved,
    splits: list[Dataset],
    training: Training,
    device: str,
) -> list[NDArray[np.float32]]:
    """The vectors (n, size) of the rows of each split, the first of which is the one to learn from. Raises DataError
    and Interrupted."""
    probe = next(texts(splits[0], training), [])[:_PROBED]
    network, precision = _network(params, read, encoder, saved, probe, device)
    store = VectorStore(
        (training.cache or training.checkpoints) / _STORE, _way(read, saved, precision, device), saved.size
    )
    embedder = Embedder(network, read.subwords, saved.prefix, store, training, sum(map(len, splits)))
    places = []
    for rows in splits:
        found = [embedder.add(some) for some in texts(rows, training)]
        places.append(np.concatenate([np.empty(0, np.int64), *found]))
        if rows is splits[0]:
            longer = int(embedder.cut[places[0]].sum())
            tell_longer(longer, len(rows), params.max_length, training, params.truncation)
    fresh, known = embedder.texts - embedder.found, embedder.found
    told = f"{fresh:,} texts embedded in {precision}" + (f", {known:,} known" if known else "")
    training.notes |= {"embedded": {"texts": fresh, "known": known, "precision": precision, "told": told}}
    vectors = embedder.vectors
    return [vectors[each] for each in places]


def texts(rows: Dataset, training: Training) -> Iterator[list[str]]:
    """The texts of all rows, as many at a time as are best sorted together. Raises DataError, Interrupted."""
    return texts_of(rows, training, at_once=AT_ONCE)


def _network(
    params: Any, read: _encoder.Encoder, encoder: Any, saved: Saved, probe: list[str], device: str
) -> tuple[TorchNetwork, Precision]:
    """The network in bfloat16 where the processor is faster with it and the vectors of some texts show that nothing is
    lost, else in float32; or as the recipe says."""

    def made(precision: Precision) -> TorchNetwork:
        return TorchNetwork(encoder, saved.pooling, saved.normalise, None, precision, device)

    exact = made("float32")
    if params.precision == "float32" or (params.precision == "auto" and device == "cpu" and not has_bfloat16()):
        return exact, "float32"
    small = made("bfloat16")
    if params.precision == "auto" and probe:
        encoded = read.subwords.encode([saved.prefix + text for text in probe])
        batch = encoded.padded(np.arange(len(encoded)))
        if cosines(exact(batch), small(batch)).min() < _ALIKE:
            return exact, "float32"
    return small, "bfloat16"


def cosines(some: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """The cosine (n,) of each vector of `some` (n, size) with that of `others`."""
    lengths = np.linalg.norm(some, axis=1) * np.linalg.norm(others, axis=1)
    products = np.einsum("ij,ij->i", some, others, dtype=np.float64)
    return np.asarray(products / np.maximum(lengths, np.finfo(np.float32).tiny))


def _way(read: _encoder.Encoder, saved: Saved, precision: Precision, device: str) -> dict[str, Any]:
    """All that a vector depends on besides its text."""
    weights = sorted(path.name for path in read.folder.glob("*.safetensors"))
    return {
        "encoder": keys.digest_files(read.folder, ["config.json", *weights]),
        "tokenizer": keys.digest_bytes(read.subwords.content.encode()),
        **saved.model_dump(mode="json", include={"pooling", "normalise", "prefix"}),
        "precision": precision,
        "device": device,
        "torch": torch().__version__,
        "transformers": transformers().__version__,
    }
