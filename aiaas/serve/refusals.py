"""Whoever has no key is refused at a pace: a flood of guesses costs the others little, and gets nowhere faster."""

from __future__ import annotations

import asyncio

LONGEST = 2.0
"""Seconds that a refusal waits at most."""


class Refusals:
    """`rate` of them are answered in a second, a second's worth at once; who comes faster waits. It waits without
    keeping anybody else waiting, and its connection takes no further request meanwhile."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate
        self._next = 0.0

    async def turn(self) -> None:
        now = asyncio.get_running_loop().time()
        self._next = min(max(self._next, now - 1.0) + self._gap, now + LONGEST)
        if self._next > now:
            await asyncio.sleep(self._next - now)
