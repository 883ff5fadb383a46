"""Who is told of what the service does: metrics, logs and the audit are such watchers. None of them sees a payload."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from starlette.routing import Route

from aiaas.serve.batching import Batch
from aiaas.serve.calls import Call

GONE = 499
"""The status of a request whose client left; nobody sees it but the log."""
SELDOM = 60.0
"""Seconds between two traces of a watcher that fails."""
logger = logging.getLogger("aiaas.serve")


@dataclass(frozen=True, slots=True)
class Ended:
    """A request that is over. `route` is the path as the service knows it, `/v1/models/{name}/predict`, None where it
    knows none; `call` is None where there was no caller or none was needed; `code` is that of the error. `traceparent`
    is the header of that name, as it came."""

    id: str
    method: str
    route: str | None
    status: int
    seconds: float
    call: Call | None = None
    code: str | None = None
    traceparent: str | None = None
    over: float = 0.0
    """When it was over, as a time of the event loop."""


class Watcher(Protocol):
    """Told on the event loop, so it must be quick."""

    def began(self) -> None:
        """A request came; `ended` follows."""

    def ended(self, request: Ended) -> None:
        """A request is over."""

    def computed(self, about: Mapping[str, Any], batch: Batch) -> None:
        """A batch of a model was computed."""


@runtime_checkable
class Exposing(Protocol):
    """A watcher that shows what it saw, to administrators."""

    def routes(self) -> list[Route]: ...


@runtime_checkable
class Following(Protocol):
    """A watcher that is told too which versions are in memory."""

    def placed(self, about: Mapping[str, Any], before: Mapping[str, Any] | None, *, awake: bool) -> None:
        """A version took the place of the one before; it is in memory where it is `awake`."""


@dataclass(frozen=True, slots=True)
class All:
    """Tells all of `watchers`. One that fails costs no request its answer."""

    watchers: Sequence[Watcher] = ()
    _told: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def began(self) -> None:
        for each in self.watchers:
            try:
                each.began()
            except Exception:
                self._failed(each)

    def ended(self, request: Ended) -> None:
        for each in self.watchers:
            try:
                each.ended(request)
            except Exception:
                self._failed(each)

    def computed(self, about: Mapping[str, Any], batch: Batch) -> None:
        for each in self.watchers:
            try:
                each.computed(about, batch)
            except Exception:
                self._failed(each)

    def placed(self, about: Mapping[str, Any], before: Mapping[str, Any] | None, *, awake: bool) -> None:
        for each in self.watchers:
            if isinstance(each, Following):
                try:
                    each.placed(about, before, awake=awake)
                except Exception:
                    self._failed(each)

    def _failed(self, watcher: Watcher) -> None:
        """Log it, though not for each request: who fails at one fails at the next, and the disk has an end."""
        name, now = type(watcher).__name__, time.monotonic()
        if now - self._told.get(name, -SELDOM) >= SELDOM:
            self._told[name] = now
            logger.exception("%s failed; the request goes on", name)
