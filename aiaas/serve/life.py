"""The state of the service: whether it is on its way out, and how many requests are being answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Life:
    """`stopping` once it was told to end; `active` requests are under way, which a graceful stop waits for. `worker` is
    this process among those that share the port: a small number, which one that takes its place may have again;
    `missing` tells how many of them are not there, `shed` how many of our clients should come again elsewhere."""

    stopping: bool = False
    active: int = 0
    worker: int = 0
    shed: int = 0
    missing: Callable[[], int] = lambda: 0

    def sends_away(self) -> bool:
        """Whether the answer that is about to be sent asks its client to come again elsewhere."""
        if self.shed > 0:
            self.shed -= 1
            return True
        return self.stopping

    @property
    def status(self) -> str:
        """`ready`; `degraded` while workers are missing, whose work the others do; or `stopping`."""
        if self.stopping:
            return "stopping"
        return "degraded" if self.missing() else "ready"
