"""Counters, gauges and histograms of one worker, kept where every worker can read them.

They lie in files that are mapped into memory, in the form that prometheus_client has for several processes, so they
outlive a worker that is killed. The name of a file holds the number of its worker, not of the process: who is put in
the place of a worker counts on where it ended, and there are no more files than workers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.utils import floatToGoString

Labels = tuple[str, ...]

MOST = 500
"""Label sets of one metric in a worker; further ones are counted together as `other`."""
OTHER = "other"


class Store:
    """The files of one worker in the folder of a service."""

    def __init__(self, folder: Path, worker: int) -> None:
        gauges = folder / f"gauge_livesum_{worker}.db"
        gauges.unlink(missing_ok=True)  # what was under way in a worker that was killed is no more
        self.counters = MmapedDict(str(folder / f"counter_{worker}.db"))
        self.histograms = MmapedDict(str(folder / f"histogram_{worker}.db"))
        self.gauges = MmapedDict(str(gauges))

    def close(self) -> None:
        for file in (self.counters, self.histograms, self.gauges):
            file.close()


class Number:
    """One value in a file."""

    __slots__ = ("_file", "_key", "value")

    def __init__(self, file: MmapedDict, key: str) -> None:
        self._file = file
        self._key = key
        self.value: float = file.read_value(key)[0]

    def add(self, amount: float = 1.0) -> None:
        self.set(self.value + amount)

    def set(self, value: float) -> None:
        self.value = value
        self._file.write_value(self._key, value, 0.0)


class Distribution:
    """How often a value fell between the bounds of a histogram, and their sum."""

    __slots__ = ("_bounds", "_buckets", "_sum")

    def __init__(self, bounds: Sequence[float], buckets: list[Number], total: Number) -> None:
        self._bounds = bounds
        self._buckets = buckets
        self._sum = total

    def seen(self, value: float) -> None:
        self._sum.add(value)
        self._buckets[bisect_left(self._bounds, value)].add()


Kept = TypeVar("Kept", Number, Distribution)


class Family(Generic[Kept]):
    """A metric: what is kept of it for each set of labels, which are bounded."""

    def __init__(self, name: str, told: str, labels: Sequence[str]) -> None:
        self.name = name
        self.told = told
        self.labels = list(labels)
        self._kept: dict[Labels, Kept] = {}

    def of(self, *values: str) -> Kept:
        kept = self._kept.get(values)
        if kept is None:
            if len(self._kept) >= MOST:
                values = (OTHER,) * len(values)
            kept = self._kept[values] = self._kept.get(values) or self._made(values)
        return kept

    def _made(self, values: Labels) -> Kept:
        raise NotImplementedError

    def _number(self, file: MmapedDict, values: Labels, ending: str = "", **more: str) -> Number:
        labels = [*self.labels, *more]
        return Number(file, mmap_key(self.name, self.name + ending, labels, [*values, *more.values()], self.told))


class Counters(Family[Number]):
    """Numbers that only grow."""

    def __init__(self, store: Store, name: str, told: str, labels: Sequence[str] = ()) -> None:
        super().__init__(name, told, labels)
        self._file = store.counters

    def _made(self, values: Labels) -> Number:
        return self._number(self._file, values, "_total")


class Gauges(Family[Number]):
    """Numbers as they are now; those of all workers are added up."""

    def __init__(self, store: Store, name: str, told: str, labels: Sequence[str] = ()) -> None:
        super().__init__(name, told, labels)
        self._file = store.gauges

    def _made(self, values: Labels) -> Number:
        return self._number(self._file, values)


class Histograms(Family[Distribution]):
    """Distributions over the same bounds, which ascend; above the last there is one more."""

    def __init__(self, store: Store, name: str, told: str, bounds: Sequence[float], labels: Sequence[str] = ()) -> None:
        super().__init__(name, told, labels)
        self._file = store.histograms
        self._bounds = [*bounds, float("inf")]

    def _made(self, values: Labels) -> Distribution:
        total = self._number(self._file, values, "_sum")
        buckets = [self._number(self._file, values, "_bucket", le=floatToGoString(bound)) for bound in self._bounds]
        return Distribution(self._bounds, buckets, total)


def text(folder: Path, accept: str) -> tuple[bytes, str]:
    """The numbers of all workers that keep them in `folder`, added up, and the media type of that, as a scraper that
    sends `accept` takes it."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    encode, kind = choose_encoder(accept)
    return encode(registry), kind
