"""Vectors of all texts of a data set: each text once, in batches alike in length, kept by content.

A vector is a function of its text alone. What a batch holds besides must not move its last bits: they would depend on
which texts were kept before, and an interrupted fit, or one that finds another's vectors, would learn something else.
So batches have few shapes, and each of them always the same number of rows: kernels then add in the same order.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from aiaas.backends.course import stopped
from aiaas.backends.subwords import Encoded, Subwords
from aiaas.backends.vector_store import VectorStore, key_of
from aiaas.contracts import Progress, Training
from aiaas.errors import TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Network = Callable[[dict[str, NDArray[np.int64]]], NDArray[np.float32]]

TOKENS = 1024
"""Of a batch, padding included. More are not faster on a processor, and texts of rare lengths would fill less of it."""

AT_ONCE = 16_384
"""Texts that are best given to an `Embedder` at a time: so many are sorted by length together."""

_KEEP = 20  # seconds after which what was computed is kept
_STEPS = ((64, 8), (128, 16), (256, 32))  # lengths up to the first are rounded up to multiples of the second
_LAST_STEP = 64


def widths(lengths: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """The lengths that texts of these lengths are padded to, in few different ones; none is above `most`."""
    multiple = np.full(len(lengths), _LAST_STEP)
    for longest, step in reversed(_STEPS):
        multiple[lengths <= longest] = step
    return np.asarray(np.minimum(-(-lengths // multiple) * multiple, most), np.int64)


def fixed(lengths: NDArray[np.int64], most: int) -> Iterator[tuple[NDArray[np.int64], int, int]]:
    """Batches of one width each, the narrowest first: places, how many of them count, and the width. Those that do not
    count fill a batch up to the number of rows that its width always has."""
    padded = widths(lengths, most)
    for width in np.unique(padded).tolist():
        places = np.flatnonzero(padded == width)
        rows = max(1, TOKENS // width)
        for first in range(0, len(places), rows):
            some = places[first : first + rows]
            yield np.resize(some, rows), len(some), width


@dataclass
class Embedder:
    """Texts to vectors. `network` computes them, `store` has those that were computed before; `rows` is how many texts
    there are in all, for whoever watches. `texts` counts different ones, `found` those that were in the store."""

    network: Network
    subwords: Subwords
    prefix: str
    store: VectorStore
    training: Training
    rows: int
    texts: int = 0
    found: int = 0
    seen: int = 0
    _known: dict[bytes, int] = field(default_factory=dict)
    _parts: list[NDArray[np.float32]] = field(default_factory=list)
    _cuts: list[NDArray[np.bool_]] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def add(self, texts: list[str]) -> NDArray[np.int64]:
        """Compute what is missing of texts, which are sorted by length among themselves, and return the row of each in
        `vectors`. Raises Interrupted."""
        names = [key_of(text) for text in texts]
        self._learn({name: text for name, text in zip(names, texts, strict=True) if name not in self._known})
        self.seen += len(texts)
        return np.array([self._known[name] for name in names], np.int64)

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The vectors (texts, size) of all different texts, in the order in which they came."""
        return np.concatenate([np.empty((0, self.store.size), np.float32), *self._parts])

    @property
    def cut(self) -> NDArray[np.bool_]:
        """Whether each of them was longer than what the encoder reads."""
        return np.concatenate([np.empty(0, np.bool_), *self._cuts])

    def _learn(self, fresh: dict[bytes, str]) -> None:
        vectors, cut = np.empty((len(fresh), self.store.size), np.float32), np.zeros(len(fresh), np.bool_)
        there = self.store.find({name: row for row, name in enumerate(fresh)}, vectors, cut)
        names = list(fresh)
        missing = np.array([row for row, name in enumerate(names) if name not in there], np.int64)
        if len(missing):
            encoded = self.subwords.encode([self.prefix + fresh[names[row]] for row in missing.tolist()])
            cut[missing] = encoded.cut
            self._compute(encoded, names, missing, vectors, cut)
        for name in names:
            self._known[name] = len(self._known)
        self._parts.append(vectors)
        self._cuts.append(cut)
        self.texts += len(names)
        self.found += len(there)

    def _compute(
        self,
        encoded: Encoded,
        names: list[bytes],
        missing: NDArray[np.int64],
        vectors: NDArray[np.float32],
        cut: NDArray[np.bool_],
    ) -> None:
        """Fill the rows `missing` of `vectors`; keep them from time to time, and when the fit is interrupted."""
        kept, done, tokens, total = time.monotonic(), [], 0, int(encoded.lengths.sum())
        for places, count, width in fixed(encoded.lengths, self.subwords.max_length):
            rows = missing[places[:count]]
            vectors[rows] = _finite(self.network(encoded.padded(places, width))[:count])
            done += rows.tolist()
            tokens += int(encoded.lengths[places[:count]].sum())
            stop = self.training.should_stop()
            if stop or time.monotonic() - kept > _KEEP:
                self._keep(names, done, vectors, cut)
                kept, done = time.monotonic(), []
            if stop:
                raise stopped()
            self._tell(self.seen + len(names) * tokens / total)
        self._keep(names, done, vectors, cut)

    def _keep(self, names: list[bytes], rows: list[int], vectors: NDArray[np.float32], cut: NDArray[np.bool_]) -> None:
        self.store.add([names[row] for row in rows], vectors[rows], cut[rows])

    def _tell(self, done: float) -> None:
        """`done` texts are, by their tokens."""
        rate = done / max(1e-9, time.monotonic() - self._began)
        self.training.progress(
            Progress(step=int(done), steps=self.rows, examples_per_second=rate, seconds_left=(self.rows - done) / rate)
        )


def _finite(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors as they are; TrainingError where one holds what is no number."""
    if not np.isfinite(vectors).all():
        raise TrainingError(
            "the encoder gives vectors that hold no numbers",
            where="model.params.encoder",
            hint="its weights may be damaged: fetch it again; or set model.params.precision to float32",
        )
    return vectors
