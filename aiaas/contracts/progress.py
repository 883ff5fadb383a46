"""How far a stage is that takes rows through itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advance:
    """What has gone through the whole stage: rows and their bytes, and of how many where that is known. Bytes are 0 for
    who does not count them."""

    stage: str
    rows: int
    bytes: int = 0
    of_rows: int | None = None
    of_bytes: int | None = None
