"""The access log: a line of JSON a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiaas.serve.access import OPEN
from aiaas.serve.batching import Batch
from aiaas.serve.seen.lines import Lines, Sink
from aiaas.serve.seen.record import Clock, Recorder
from aiaas.serve.watching import Ended

STRANGERS = 100
"""Requests without a key that have a line of their own in a second."""


class AccessLog:
    """Writes what became of each request; of those that balancers send to ask after health only what went wrong. Of
    many requests without a key most are counted together: whoever has none cannot drive out the lines of the others."""

    def __init__(self, sink: Sink, recorder: Recorder) -> None:
        self._lines = Lines(sink)
        self._recorder = recorder
        self._clock = Clock()
        self._since = 0.0
        self._strangers = 0

    def began(self) -> None: ...

    def ended(self, request: Ended) -> None:
        if request.route in OPEN and request.status < 400:
            return
        if request.call is not None or self._has_line(request.over):
            self._lines.put(f"{{{self._recorder.members(request)}}}")

    def _has_line(self, now: float) -> bool:
        if now - self._since >= 1.0:
            self._tell_of_rest()
            self._since = now
        self._strangers += 1
        return self._strangers <= STRANGERS

    def _tell_of_rest(self) -> None:
        if (more := self._strangers - STRANGERS) > 0:
            self._lines.put(f'{{"time":"{self._clock()}","event":"more without a key","count":{more}}}')
        self._strangers = 0

    def computed(self, about: Mapping[str, Any], batch: Batch) -> None: ...

    def close(self) -> None:
        self._tell_of_rest()
        self._lines.close()
