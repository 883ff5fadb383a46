"""How often each version fails a request that it was asked, as one worker sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aiaas.serve.watching import Ended

SOON = 0.1
"""Seconds in which several faults are told of together."""


class Faults:
    """A watcher; `tell` is called with (requests, faults) of each version by its digest, some time after a fault."""

    def __init__(self, tell: Callable[[Mapping[str, tuple[int, int]]], None]) -> None:
        self._tell = tell
        self._counts: dict[str, tuple[int, int]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def ended(self, request: Ended) -> None:
        call = request.call
        if call is None or not call.about:
            return
        digest = call.about["digest"]
        requests, faults = self._counts.get(digest, (0, 0))
        failed = request.status == 500 or call.failed
        self._counts[digest] = (requests + 1, faults + failed)
        if failed and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SOON, self._told)

    def began(self) -> None: ...

    def computed(self, about: Mapping[str, Any], *batch: Any) -> None: ...

    def forget(self, digest: str) -> None:
        """Count this version from nothing: it comes once more."""
        self._counts.pop(digest, None)

    def _told(self) -> None:
        self._timer = None
        self._tell(dict(self._counts))
