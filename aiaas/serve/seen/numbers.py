"""Counters, gauges and histograms of one worker, kept where every worker can read them.

They lie in files that are mapped into memory, in the form that prometheus_client has for several processes, so they
outlive a worker that is killed, but for its last moment. The name of a file holds the number of its worker, not of the
process: who is put in the place of a worker counts on where it ended, and there are no more files than workers.
"""

from __future__ import annotations

import asyncio
import os
import sys
from bisect import bisect_left
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.utils import floatToGoString

from aiaas.audit.append import append
from aiaas.serve.errors import logger

Labels = tuple[str, ...]
Kept = TypeVar("Kept")

MOMENT = 0.1
"""Seconds after which what was counted is in the files: to write every number every time costs ten times as much."""
MOST = 500
"""Label sets of one metric in a worker; further ones are counted together as `other`."""
OTHER = "other"
SERVICE = "service"
FIRST = 1 << 16
"""Bytes of a file at first."""


class _Kept(MmapedDict):  # type: ignore[misc]
    """A file whose room on the disk is taken before it is written to: to write into a map for which the disk has none
    ends the process (SIGBUS)."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            new = path.with_suffix(".new")  # whoever reads meanwhile must find no file that is cut short
            try:
                new.write_bytes(bytes(FIRST))
                new.replace(path)
            finally:
                new.unlink(missing_ok=True)
        super().__init__(str(path))

    def _init_value(self, key: str) -> None:
        if self._used + len(key.encode()) + 64 > self._capacity:
            append(self._f.fileno(), bytes(self._capacity), self._capacity)
        super()._init_value(key)


class Store:
    """The files of one worker in the folder of a service, or of whoever leads the workers (`SERVICE`). For one
    thread; numbers reach the files by `flush`, which follows a moment after `soon`."""

    def __init__(self, folder: Path, worker: int | str) -> None:
        forget(folder, worker)  # one that was killed left them
        self._place = folder, worker
        self.counters = _kept(folder / f"counter_{worker}.db")
        self.histograms = _kept(folder / f"histogram_{worker}.db")
        self.gauges = _kept(_gauges(folder, worker))
        self.changed: list[Number] = []
        self._timer: asyncio.TimerHandle | None = None

    def soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(MOMENT, self.flush)

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for number in self.changed:
            number.write()
        self.changed.clear()

    def close(self) -> None:
        self.flush()
        for file in (self.counters, self.histograms, self.gauges):
            file.close()
        forget(*self._place)


def _kept(path: Path) -> _Kept:
    """The file, or where that is full or away one that nobody sees: to answer comes first."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _Kept(path)
    except OSError as error:
        if sys.platform != "linux":
            raise
        logger.error("the metrics of this worker are not shown: %s", error.strerror)
        return _Kept(Path(f"/proc/self/fd/{os.memfd_create(path.name)}"))


def forget(folder: Path, worker: int | str) -> None:
    """Let what is only true of a worker while it lives no more count: it is gone."""
    _gauges(folder, worker).unlink(missing_ok=True)


def _gauges(folder: Path, worker: int | str) -> Path:
    return folder / f"gauge_livesum_{worker}.db"


class Number:
    """One value, and its place in a file."""

    __slots__ = ("_changed", "_file", "_key", "_store", "value")

    def __init__(self, store: Store, file: MmapedDict, key: str) -> None:
        self._store = store
        self._file = file
        self._key = key
        self._changed = False
        self.value: float = file.read_value(key)[0]

    def add(self, amount: float = 1.0) -> None:
        self.set(self.value + amount)

    def set(self, value: float) -> None:
        self.value = value
        if not self._changed:
            self._changed = True
            self._store.changed.append(self)

    def write(self) -> None:
        self._changed = False
        self._file.write_value(self._key, self.value, 0.0)


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


class Bounded(Generic[Kept]):
    """What `make` makes for each set of labels, until there are `MOST` of them."""

    def __init__(self, make: Callable[..., Kept]) -> None:
        self._make = make
        self._kept: dict[Labels, Kept] = {}

    def of(self, *values: str) -> Kept:
        kept = self._kept.get(values)
        return self._new(values) if kept is None else kept

    def _new(self, values: Labels) -> Kept:
        if len(self._kept) >= MOST:
            values = (OTHER,) * len(values)
        if values not in self._kept:
            self._kept[values] = self._make(*values)
        return self._kept[values]


class _Family:
    """The name, the help and the names of the labels of a metric."""

    def __init__(self, store: Store, name: str, told: str, labels: Sequence[str]) -> None:
        self._store = store
        self._name = name
        self._told = told
        self._labels = list(labels)

    def number(self, file: MmapedDict, values: Labels, ending: str = "", **more: str) -> Number:
        names, full = [*self._labels, *more], [*values, *more.values()]
        return Number(self._store, file, mmap_key(self._name, self._name + ending, names, full, self._told))


class Counters(Bounded[Number]):
    """Numbers that only grow."""

    def __init__(self, store: Store, name: str, told: str, labels: Sequence[str] = ()) -> None:
        family = _Family(store, name, told, labels)
        super().__init__(lambda *values: family.number(store.counters, values, "_total"))


class Gauges(Bounded[Number]):
    """Numbers as they are now; those of all workers are added up."""

    def __init__(self, store: Store, name: str, told: str, labels: Sequence[str] = ()) -> None:
        family = _Family(store, name, told, labels)
        super().__init__(lambda *values: family.number(store.gauges, values))


class Histograms(Bounded[Distribution]):
    """Distributions over the same bounds, which ascend; above the last there is one more."""

    def __init__(self, store: Store, name: str, told: str, bounds: Sequence[float], labels: Sequence[str] = ()) -> None:
        family = _Family(store, name, told, labels)
        above = [*bounds, float("inf")]

        def made(*values: str) -> Distribution:
            total = family.number(store.histograms, values, "_sum")
            buckets = [family.number(store.histograms, values, "_bucket", le=floatToGoString(each)) for each in above]
            return Distribution(above, buckets, total)

        super().__init__(made)


def text(folder: Path, accept: str) -> tuple[bytes, str]:
    """The numbers of all workers that keep them in `folder`, added up, and the media type of that, as a scraper that
    sends `accept` takes it."""
    registry = CollectorRegistry()
    if folder.is_dir():  # somebody may have removed it
        MultiProcessCollector(registry, path=str(folder))
    encode, kind = choose_encoder(accept)
    return encode(registry), kind
