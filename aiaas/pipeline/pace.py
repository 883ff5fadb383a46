"""How fast a stage goes that takes rows through itself, and how long it will yet take."""

from __future__ import annotations

from typing import NamedTuple

from aiaas.contracts import Advance

FIRST_SECONDS = 1.0
"""What a pace is told of at the earliest: before, it says little."""


class Speed(NamedTuple):
    """As far as it is known."""

    bytes_per_second: float | None = None
    seconds_left: float | None = None


class Pace:
    """The speed from what it was told of first: what was there already took no time. Where fewer bytes are told than
    before, what was fetched is read now, and counts anew."""

    def __init__(self) -> None:
        self._first: Advance | None = None
        self._began = 0.0
        self._last = 0

    def take(self, advance: Advance, now: float) -> Speed:
        """The speed at the moment `now`, in seconds; the time that is left by bytes, or by rows where none are
        counted."""
        if self._first is None or self._first.stage != advance.stage or advance.bytes < self._last:
            self._first, self._began = advance, now
        self._last = advance.bytes
        seconds = now - self._began
        if seconds < FIRST_SECONDS:
            return Speed()
        if done := advance.bytes - self._first.bytes:
            left = (advance.of_bytes - advance.bytes) * seconds / done if advance.of_bytes else None
            return Speed(done / seconds, None if left is None else max(0.0, left))
        if advance.of_rows and not advance.of_bytes and (rows := advance.rows - self._first.rows) > 0:
            return Speed(None, max(0.0, (advance.of_rows - advance.rows) * seconds / rows))
        return Speed()
