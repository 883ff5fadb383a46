"""The audit of a worker: an entry a request, in a chain of its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from aiaas.audit import Chain, members
from aiaas.errors import AiaasError
from aiaas.serve.batching import Batch
from aiaas.serve.errors import logger
from aiaas.serve.seen.record import Clock, Recorder
from aiaas.serve.watching import Ended

PERIOD = 1.0
"""Seconds between two entries of what nobody with a key asked, and from an entry to when the disk has it."""


class Audit:
    """Who asked what, what became of it, and what it cost. An entry is written in the turn of the event loop in which
    its request ended. Requests without a key are counted together, so that whoever has none cannot fill the disk; where
    the disk does not take entries, they are counted too, and the service goes on."""

    def __init__(self, chain: Chain, recorder: Recorder) -> None:
        self._chain = chain
        self._recorder = recorder
        self._clock = Clock()
        self._gathered: list[str] = []
        self._refused: Counter[str] = Counter()
        self._lost = 0
        self._timer: asyncio.TimerHandle | None = None
        self._begin()

    def began(self) -> None: ...

    def ended(self, request: Ended) -> None:
        if request.call is not None:
            if not self._gathered:
                asyncio.get_running_loop().call_soon(self._write)
            self._gathered.append(f'"event":"request",{self._recorder.members(request)}')
        elif request.code is not None:
            self._refused[request.code] += 1
        else:
            return
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PERIOD, self._tick)

    def computed(self, about: Mapping[str, Any], batch: Batch) -> None: ...

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._count_refused()
        self._gathered.append(self._event("closed"))
        self._write()
        self._chain.close()

    def _begin(self) -> None:
        self._gathered.insert(0, self._event("opened", aiaas=version("aiaas")))
        self._write()

    def _begin_anew(self) -> None:
        logger.error("the audit was removed while it was written; another is begun")
        before = self._chain
        try:
            self._chain = before.anew()
        except (OSError, AiaasError) as error:
            logger.error("another audit cannot be begun: %s", error)
            return
        before.close()
        self._begin()

    def _tick(self) -> None:
        self._timer = None
        self._count_refused()
        if not self._chain.is_there:
            self._begin_anew()
        self._write()
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, self._sync)
        if self._lost:  # told as soon as there is room, although nobody asks anything
            self._timer = loop.call_later(PERIOD, self._tick)

    def _count_refused(self) -> None:
        self._gathered += [self._event("refused", code=code, count=count) for code, count in self._refused.items()]
        self._refused.clear()

    def _write(self) -> None:
        entries, self._gathered = self._gathered, []
        if not entries and not self._lost:
            return
        before = [self._event("lost", count=self._lost)] if self._lost else []
        try:
            self._chain.add(*before, *entries)
        except OSError as error:
            if not self._lost:
                logger.error("the audit cannot be written: %s; entries are lost until it can", error.strerror)
            self._lost += len(entries)
        else:
            self._lost = 0

    def _sync(self) -> None:
        try:
            self._chain.sync()
        except OSError as error:
            logger.error("the audit does not reach the disk: %s", error.strerror)

    def _event(self, name: str, **fields: Any) -> str:
        return members(event=name, time=self._clock(), **fields)
