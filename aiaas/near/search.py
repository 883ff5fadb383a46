"""Pairs of similar texts among their sketches: which share a key, and how similar these are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aiaas.near.sketches import KEPT

ROWS = 2**20
"""Rows whose keys are sorted in memory at once, some 50 bytes each."""
SPAN = 2**16
"""Rows whose pairs are compared at once."""
WITNESSES = 8
"""Of many rows with one key, with how many of the first of them and of those before it each is compared."""
_MOST = 512  # files written at once: half of what a process may usually have open
_SHINGLES = 2**21  # compared at once

PAIR = np.dtype([("first", "<u4"), ("second", "<u4"), ("similarity", "<f4")])


def pairs(
    sketches: Iterable[Mapping[str, NDArray[Any]]], threshold: float, scratch: Path
) -> Iterator[NDArray[np.void]]:
    """The pairs whose similarity reaches the threshold, as arrays of `PAIR`: the numbers of two rows, `first` before
    `second`, ascending through all arrays. `scratch` is an empty folder; some bytes a row are held in memory.

    A pair just at the threshold is missed with a chance of 1 in 100, a closer one more rarely; none is made up. Where
    a key has more rows than `WITNESSES` twice over, each is compared with some of them: a row that is like others is
    found to be, if not like each.
    """
    stored = _Stored(scratch)
    for sketch in sketches:
        stored.add(sketch)
    stored.close()
    candidates = _Candidates(scratch, stored.rows)
    for band in range(stored.bands):
        for found in stored.sharing(band):
            candidates.add(found)
    for found in candidates.spans():
        yield stored.compared(found, threshold)


class _Stored:
    """The sketches on disk: a file of keys for each band, and one of all shingles."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._stack = ExitStack()
        self._counts: list[NDArray[np.uint32]] = []
        self._keys: list[Any] = []
        self._shingles = self._stack.enter_context((scratch / "shingles").open("wb"))
        self.rows = self.bands = 0

    def add(self, sketch: Mapping[str, NDArray[Any]]) -> None:
        keys = np.asarray(sketch["keys"], np.uint64)
        if not self._keys:
            self.bands = keys.shape[1]
            paths = [self._scratch / f"keys-{band}" for band in range(self.bands)]
            self._keys = [self._stack.enter_context(path.open("wb")) for path in paths]
        for band, file in enumerate(self._keys):
            file.write(keys[:, band].tobytes())
        self._shingles.write(np.asarray(sketch["shingles"], np.uint32).tobytes())
        self._counts.append(np.asarray(sketch["counts"], np.uint32))
        self.rows += len(keys)

    def close(self) -> None:
        """To be called after the last `add`."""
        self._stack.close()
        self.counts = np.concatenate([np.empty(0, np.uint32), *self._counts])
        self._ends = np.cumsum(self.counts, dtype=np.int64)
        path = self._scratch / "shingles"
        self._all: NDArray[np.uint32] = np.empty(0, np.uint32)
        if path.stat().st_size:
            self._all = np.memmap(path, np.uint32, "r")

    # --- rows that share a key

    def sharing(self, band: int) -> Iterator[NDArray[np.uint64]]:
        """Pairs of rows that have the same key in a band, as numbers whose high half is the first row."""
        path = self._scratch / f"keys-{band}"
        keys = np.fromfile(path, np.uint64) if self.rows <= ROWS else np.memmap(path, np.uint64, "r")
        for bucket in self._buckets(keys):
            yield from _sharing(keys[bucket], bucket)
        path.unlink()

    def _buckets(self, keys: NDArray[np.uint64]) -> Iterator[NDArray[np.int64]]:
        """The numbers of rows that have shingles, ascending, such that equal keys come together."""
        if self.rows <= ROWS:
            yield np.flatnonzero(self.counts)
            return
        bits = min((self.rows // ROWS).bit_length(), _MOST.bit_length() - 1)
        paths = [self._scratch / f"rows-{number}" for number in range(2**bits)]
        with ExitStack() as stack:
            files = [stack.enter_context(path.open("wb")) for path in paths]
            for start in range(0, self.rows, SPAN):
                rows = start + np.flatnonzero(self.counts[start : start + SPAN])
                place = (keys[rows] >> np.uint64(64 - bits)).astype(np.int64)
                order = np.argsort(place, kind="stable")
                parts = np.split(rows[order], np.searchsorted(place[order], np.arange(1, len(files))))
                for file, part in zip(files, parts, strict=True):
                    file.write(part.tobytes())
        for path in paths:
            yield np.fromfile(path, np.int64)
            path.unlink()

    # --- how similar they are

    def compared(self, found: NDArray[np.uint64], threshold: float) -> NDArray[np.void]:
        """Those of the pairs that are similar enough."""
        first, second = (found >> np.uint64(32)).astype(np.int64), (found & np.uint64(2**32 - 1)).astype(np.int64)
        one, other = self.counts[first].astype(np.int64), self.counts[second].astype(np.int64)
        possible = np.minimum(one, other) >= threshold * np.maximum(one, other)  # as few cannot hold as many
        first, second, sizes = first[possible], second[possible], (one + other)[possible]
        if not len(first):
            return np.empty(0, PAIR)
        cuts = np.unique(np.searchsorted(np.cumsum(sizes), np.arange(0, sizes.sum(), _SHINGLES)))
        shares = [
            self._similarity(first[begin:end], second[begin:end])
            for begin, end in zip(cuts, [*cuts[1:], len(first)], strict=True)
        ]
        result = np.empty(len(first), PAIR)
        result["first"], result["second"] = first, second
        result["similarity"] = np.concatenate(shares)
        return result[result["similarity"] >= np.float32(threshold)]

    def _similarity(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
        """Shingles in both of all in either; of texts of which a sample is kept, within what both samples reach."""
        rows = np.concatenate((first, second))
        counts, ends = self.counts[rows].astype(np.int64), self._ends[rows]
        pair = np.repeat(np.tile(np.arange(len(first), dtype=np.uint64), 2), counts)
        inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        hashes = self._all[np.repeat(ends - counts, counts) + inside].astype(np.uint64)
        if (counts == KEPT).any():
            reach = np.where(counts == KEPT, self._all[ends - 1], np.uint32(2**32 - 1))
            reach = np.minimum(reach[: len(first)], reach[len(first) :]).astype(np.uint64)
            within = hashes <= reach[pair.astype(np.int64)]
            hashes, pair = hashes[within], pair[within]
        both = np.sort(pair << np.uint64(32) | hashes)
        again = both[1:] == both[:-1]
        shared = np.bincount((both[1:][again] >> np.uint64(32)).astype(np.int64), minlength=len(first))
        held = np.bincount(pair.astype(np.int64), minlength=len(first))
        return np.asarray(shared / np.maximum(held - shared, 1), np.float64)


def _sharing(keys: NDArray[np.uint64], rows: NDArray[np.int64]) -> Iterator[NDArray[np.uint64]]:
    """Pairs of `rows` (ascending) with equal `keys`: each with the `WITNESSES` before it and the first of all."""
    order = np.argsort(keys, kind="stable")
    keys, numbers = keys[order], rows[order].astype(np.uint64)
    begins = np.ones(len(keys), np.bool_)
    begins[1:] = keys[1:] != keys[:-1]
    start = np.flatnonzero(begins)[np.cumsum(begins) - 1] if len(keys) else np.empty(0, np.int64)
    place = np.arange(len(keys)) - start
    for back in range(1, WITNESSES + 1):
        later = np.flatnonzero(place >= back)
        if not len(later):
            return
        yield (numbers[later - back] << np.uint64(32)) | numbers[later]
    for ahead in range(WITNESSES):
        later = np.flatnonzero(place > ahead + WITNESSES)
        if not len(later):
            return
        yield (numbers[start[later] + ahead] << np.uint64(32)) | numbers[later]


class _Candidates:
    """Pairs worth comparing, each once, by their first row."""

    def __init__(self, scratch: Path, rows: int) -> None:
        self._paths = [scratch / f"pairs-{number}" for number in range(-(-rows // SPAN))]

    def add(self, found: NDArray[np.uint64]) -> None:
        """Some pairs, one at least."""
        span = (found >> np.uint64(32)).astype(np.int64) // SPAN
        order = np.argsort(span, kind="stable")
        found, span = found[order], span[order]
        starts = np.flatnonzero(np.diff(span, prepend=-1))
        for number, part in zip(span[starts], np.split(found, starts[1:]), strict=True):
            with self._paths[number].open("ab") as file:
                file.write(part.tobytes())

    def spans(self) -> Iterator[NDArray[np.uint64]]:
        for path in self._paths:
            if path.exists():
                yield np.unique(np.fromfile(path, np.uint64))
                path.unlink()
