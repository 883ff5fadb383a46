"""Who is told of what the service does: metrics, logs and the audit are such watchers. None of them sees a payload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiaas.serve.batching import Size
from aiaas.serve.calls import Call


@dataclass(frozen=True, slots=True)
class Ended:
    """A request that is over. `call` is None where it had no caller or needed none; `code` is that of its error."""

    id: str
    method: str
    path: str
    status: int
    seconds: float
    call: Call | None = None
    code: str | None = None


class Watcher(Protocol):
    """Told on the event loop, so it must be quick, and must not fail."""

    def ended(self, request: Ended) -> None:
        """A request is over."""

    def computed(self, about: Mapping[str, Any], size: Size, seconds: float) -> None:
        """A batch of a model was computed."""


@dataclass(frozen=True, slots=True)
class All:
    """Tells all of `watchers`."""

    watchers: Sequence[Watcher] = ()

    def ended(self, request: Ended) -> None:
        for each in self.watchers:
            each.ended(request)

    def computed(self, about: Mapping[str, Any], size: Size, seconds: float) -> None:
        for each in self.watchers:
            each.computed(about, size, seconds)
