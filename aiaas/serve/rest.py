"""Models that nobody asks for leave memory, and come back when somebody does."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from aiaas.errors import AiaasError
from aiaas.serve.errors import DeadlineError, NotFoundError
from aiaas.serve.models import Live, Models
from aiaas.serve.resident import resident

if TYPE_CHECKING:
    from aiaas.bundle import Bundle

Value = TypeVar("Value")

LOOK = 0.2
"""Of the time after which a model is unloaded: how often it is looked for such."""
logger = logging.getLogger("aiaas.serve")


class Absent:
    """In the place of a model that is not in memory."""

    def predict(self, examples: Any) -> Any:
        raise RuntimeError("a model was asked that is not in memory")

    def save(self, directory: Path) -> None:
        raise RuntimeError("a model was to be written that is not in memory")


class Rest:
    """Which models are in memory. `idle` is after how many seconds without a request one leaves it, `budget` how many
    bytes all may take together: before one comes back, those that were not asked for the longest leave. One alone may
    take more than the budget.

    What a model takes is what the process grew by when it was loaded, and no less than its files, which it may map.
    """

    def __init__(self, models: Models, idle: float | None, budget: int | None, sizes: Mapping[str, int]) -> None:
        self._models = models
        self._idle = idle
        self._budget = budget
        self.sizes = dict(sizes)
        self._thread = ThreadPoolExecutor(1, "aiaas-load")
        self._asked: dict[str, float] = {}
        self._coming: dict[str, asyncio.Task[Live]] = {}
        self._loading = asyncio.Lock()

    def begin(self) -> None:
        """In the event loop, once."""
        self._make_room(0)
        if self._idle is not None:
            self._later(self._idle)

    def used(self, name: str) -> None:
        self._asked[name] = asyncio.get_running_loop().time()

    async def load(self, name: str, loading: Callable[[], Bundle], expected: int = 0) -> Bundle:
        """What `loading` gives, after room for `expected` bytes was made; one model at a time, in a thread."""
        async with self._loading:
            return await self._load(name, loading, expected)

    async def _load(self, name: str, loading: Callable[[], Bundle], expected: int) -> Bundle:
        if self._make_room(expected, but=name):
            settle()  # first, or what it takes could not be seen
        bundle, size = await asyncio.get_running_loop().run_in_executor(self._thread, measured, loading)
        self.sizes[name] = size
        if not expected:  # nobody knew how much room to make
            self._make_room(size, but=name)
        return bundle

    async def rouse(self, live: Live, deadline: float) -> Live:
        """The model, in memory again. All who ask for it meanwhile wait for the same; Raises DeadlineError, and what
        loading a bundle raises."""
        loop = asyncio.get_running_loop()
        task = self._coming.get(live.name)
        if task is None:
            task = self._coming[live.name] = loop.create_task(self._come_back(live))
            task.add_done_callback(lambda done: self._came_back(live.name, done))
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.shield(task)
        except TimeoutError:
            raise DeadlineError from None

    async def _come_back(self, live: Live) -> Live:
        from aiaas import bundle as bundles

        old = live.bundle
        expected = self.sizes.get(live.name, 0)

        def loading() -> Bundle:
            return bundles.load(old.path, digest=old.digest, version=old.version)

        async with self._loading:  # until it is in its place, where the next that needs room finds it
            if (now := self._other(live)) is None:
                bundle = await self._load(live.name, loading, expected)
                # What others gave back meanwhile was taken off what it was seen to take.
                self.sizes[live.name] = max(expected, self.sizes[live.name])
            if (now := now or self._other(live)) is None:
                back = self._models.make(live.name, bundle)
                self._models.place(back)
                logger.info("%s is in memory again", live.name)
                return back
        return now if now.awake else await self._come_back(now)

    def _other(self, live: Live) -> Live | None:
        """The version that took its place meanwhile."""
        now = self._models.get(live.name)
        if now is None:
            raise NotFoundError("there is no such model", hint="it was unloaded just now")
        return now if now is not live else None

    def _came_back(self, name: str, task: asyncio.Task[Live]) -> None:
        self._coming.pop(name, None)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, AiaasError):
            logger.error("%s cannot be loaded again", name, exc_info=error)

    def _later(self, idle: float) -> None:
        loop = asyncio.get_running_loop()

        def look() -> None:
            limit = loop.time() - idle
            self._unload([live for live in self._awake() if self._asked.get(live.name, 0.0) <= limit])
            loop.call_later(idle * LOOK, look)

        began = loop.time()
        for live in self._awake():
            self._asked.setdefault(live.name, began)
        loop.call_later(idle * LOOK, look)

    def _awake(self) -> list[Live]:
        return [live for live in self._models if live.awake]

    def _make_room(self, needed: int, but: str | None = None) -> bool:
        """Let those go that were not asked for the longest, until so many bytes more fit; `but` stays. Whether any had
        to."""
        if self._budget is None:
            return False
        taken = needed + sum(self.sizes.get(live.name, 0) for live in self._awake())
        awake = [live for live in self._awake() if live.name != but]
        going: list[Live] = []
        awake.reverse()  # of those that nobody ever asked for, the first that were named stay
        for live in sorted(awake, key=lambda live: self._asked.get(live.name, 0.0)):
            if taken <= self._budget or (not needed and len(awake) - len(going) == 1):
                break
            going.append(live)
            taken -= self.sizes.get(live.name, 0)
        self._unload(going)
        return bool(going)

    def _unload(self, going: list[Live]) -> None:
        for live in going:
            resting = replace(live.bundle, model=Absent())
            self._models.place(self._models.make(live.name, resting, awake=False))
            logger.info("%s left memory", live.name)
        if going:  # whoever called still holds them
            asyncio.get_running_loop().call_soon(settle)


def measured(loading: Callable[[], Bundle]) -> tuple[Bundle, int]:
    """What `loading` gives, and the bytes that it takes."""
    before = resident()
    bundle = loading()
    return bundle, max(resident() - before, _files(getattr(bundle, "path", None)))


def _files(path: Path | None) -> int:
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file()) if path else 0


def settle() -> None:
    """After models came or went: what nobody refers to goes, its memory back to the system, and what is left is not
    looked at by the collector again, which need not walk a vocabulary of a million words each time."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    _trim()


def _trim() -> None:
    """Give free memory back to the system, where the C library can (glibc)."""
    import ctypes

    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return
