"""Versions that are loaded and wait for their turn, and models that are to go, in one worker: all workers switch when
the board says so."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from aiaas.serve.models import Live, Models
from aiaas.serve.rest import settle


class Switches:
    """`epoch` is the number of the last switch that counts. Set `turn` as what `Models` calls before it looks a model
    up: then no request that begins after the epoch was moved is answered by the version before, in any worker."""

    def __init__(self, models: Models, epoch: Callable[[], int]) -> None:
        self._models = models
        self._epoch = epoch
        self._seen = epoch()
        self._waiting: dict[int, Live | str] = {}
        """Versions that come, and names of models that go."""
        self._before: dict[str, Live] = {}
        self._settled: dict[str, weakref.ref[Live]] = {}

    def add(self, number: int, live: Live) -> None:
        """Let `live` wait until the epoch is `number`."""
        self._waiting[number] = live
        if number <= self._epoch():
            self._switch()

    def drop(self, number: int, name: str) -> None:
        """Let the model go when the epoch is `number`; requests that it began it still ends."""
        self._waiting[number] = name
        if number <= self._epoch():
            self._switch()

    def switch_now(self, live: Live) -> None:
        if before := self._models.place(live):
            self._before[live.name] = before

    def forget(self, number: int) -> None:
        """Let what waits for this number go."""
        self._waiting.pop(number, None)

    def turn(self) -> None:
        if self._epoch() != self._seen:
            self._switch()

    def _switch(self) -> None:
        self._seen = self._epoch()
        for number in sorted(each for each in self._waiting if each <= self._seen):
            waiting = self._waiting.pop(number)
            if isinstance(waiting, str):
                self._gone(waiting)
            else:
                self.switch_now(waiting)

    def _gone(self, name: str) -> None:
        if gone := self._models.take_away(name):
            self._before[name] = gone  # until `settle`: no request waits for its memory to be given back

    def held(self, name: str, digest: str | None) -> Live | None:
        """The version of this digest, where it answers or did before: it need not be loaded."""
        known = (self._before.get(name), self._models.get(name))
        return next((live for live in known if live and live.awake and live.bundle.digest == digest), None)

    def before(self) -> list[Live]:
        """Versions that answered before those that do, and may come back, or still end what they began."""
        settled = (each() for each in list(self._settled.values()))
        return [*list(self._before.values()), *(live for live in settled if live)]

    def settle(self, name: str) -> None:
        """Let the version go that answered before this one; requests that it began it still ends."""
        if before := self._before.pop(name, None):
            self._settled[name] = weakref.ref(before)
            del before
            settle()
