"""The access log: a line of JSON a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiaas.serve.access import OPEN
from aiaas.serve.batching import Batch
from aiaas.serve.seen.lines import Lines, Sink
from aiaas.serve.seen.record import Recorder
from aiaas.serve.watching import Ended


class AccessLog:
    """Writes what became of each request; of those that balancers send to ask after health only what went wrong."""

    def __init__(self, sink: Sink, recorder: Recorder) -> None:
        self._lines = Lines(sink)
        self._recorder = recorder

    def began(self) -> None: ...

    def ended(self, request: Ended) -> None:
        if request.route not in OPEN or request.status >= 400:
            self._lines.put(f"{{{self._recorder.members(request)}}}")

    def computed(self, about: Mapping[str, Any], batch: Batch) -> None: ...

    def close(self) -> None:
        self._lines.close()
