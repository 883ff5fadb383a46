"""Requests at a distance from each other, as the manners of a server want it."""

from __future__ import annotations

import time


class Pace:
    """Keeps `seconds` between two requests."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ready = 0.0
        """When the next request may begin, as `time.monotonic` counts."""

    def wait(self) -> None:
        """Return when the next request may begin, which is then taken for begun."""
        left = self.ready - time.monotonic()
        if left > 0:  # to sleep for no time would still let everyone else go first
            time.sleep(left)
        self.begin()

    def begin(self) -> None:
        """Note that a request begins now, or has just ended."""
        self.ready = time.monotonic() + self.seconds

    def hold(self, seconds: float) -> None:
        """Let the next request wait so long at least."""
        self.ready = max(self.ready, time.monotonic() + seconds)
