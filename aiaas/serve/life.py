"""The state of the service: whether it is on its way out, and how many requests are being answered."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Life:
    """`stopping` once it was told to end; `active` requests are under way, which a graceful stop waits for."""

    stopping: bool = False
    active: int = 0
