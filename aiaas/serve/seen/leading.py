"""What becomes of the workers and versions of a service, as whoever leads the workers sees it: metrics of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from aiaas.serve.seen.numbers import SERVICE, Counters, Gauges, Store

Outcome = Literal["switched", "refused", "gave way"]


class Leading:
    """Numbers that are shown with those of the workers. `folder` is theirs, `wanted` how many there should be."""

    def __init__(self, folder: Path, wanted: int) -> None:
        self._store = store = Store(folder, SERVICE)
        self._ended = Counters(store, "aiaas_worker_deaths", "Workers that ended unasked.", ("how",))
        self._switches = Counters(
            store, "aiaas_switches", "Versions that were to take the place of another.", ("model", "outcome")
        )
        Gauges(store, "aiaas_workers_wanted", "Workers that there should be.").of().set(wanted)
        store.flush()

    def died(self, how: str) -> None:
        """A worker ended, of a signal by its name or with a status."""
        self._ended.of(how).add()
        self._store.flush()

    def switched(self, model: str, outcome: Outcome) -> None:
        self._switches.of(model, outcome).add()
        self._store.flush()

    def close(self) -> None:
        self._store.close()
