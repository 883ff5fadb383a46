"""How a stage says how far it is."""

from __future__ import annotations

from typing import Protocol


class Telling(Protocol):
    """Is told how far a stage is: what it does, rows so far and in all, and bytes so far and in all, where known."""

    def __call__(
        self, doing: str, rows: int, total: int | None, *, read: int | None = None, size: int | None = None
    ) -> None: ...
