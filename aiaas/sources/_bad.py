"""Malformed rows: counted, told with their lines, and then refused or passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from aiaas.errors import DataError
from aiaas.sources._found import File

_SHOWN = 5


class BadRows:
    """Collects the malformed rows of one file; the first few are told in full."""

    def __init__(self, file: File, policy: Literal["fail", "skip"], hint: str = "") -> None:
        self.file = file
        self.policy = policy
        self.hint = hint
        self.count = 0
        self.first: list[tuple[int, str]] = []

    def add(self, line: int, reason: str) -> None:
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append((line, reason))

    @property
    def fatal(self) -> bool:
        """Whether the rows may not be used: what is left of the file is then read only to count."""
        return self.count > 0 and self.policy == "fail"

    def finish(self, good: int, warn: Callable[[str], None]) -> None:
        """Raise DataError or warn, whichever the policy says, if there were any."""
        if not self.count:
            return
        told = "; ".join(f"line {line}: {reason}" for line, reason in self.first)
        more = f"; and {self.count - len(self.first)} more" if self.count > len(self.first) else ""
        rows = f"{self.count} malformed row{'s' if self.count > 1 else ''}"
        if self.policy == "fail":
            hint = f"correct them, or leave them out with on_error: skip{self.hint}"
            raise DataError(f"{rows}: {told}{more}", where=f"{self.file.shown}:{self.first[0][0]}", hint=hint)
        warn(f"{self.file.shown}: {rows} passed over, {good} kept: {told}{more}")
