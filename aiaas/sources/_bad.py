"""Malformed rows: counted, told with their lines, and then refused, or passed over and kept aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiaas.contracts import SourceContext
from aiaas.errors import DataError

if TYPE_CHECKING:
    from aiaas.sources._params import FileParams

_SHOWN = 5


class BadRows:
    """Collects the malformed rows of one file; the first few are told in full."""

    def __init__(self, shown: str, params: FileParams, context: SourceContext, hint: str = "") -> None:
        self.shown = shown
        self.policy = params.on_error
        self.context = context
        self.hint = hint
        self.count = 0
        self.first: list[tuple[int, str]] = []

    def add(self, line: int, reason: str, row: Any) -> None:
        """Note a row and what it holds: its fields, or its text where not even fields can be told."""
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append((line, reason))
        if self.policy == "skip":
            self.context.drop(f"{self.shown}:{line}", f"malformed: {reason}", row)

    @property
    def fatal(self) -> bool:
        """Whether the rows may not be used: what is left of the file is then read only to count."""
        return self.count > 0 and self.policy == "fail"

    def finish(self, good: int) -> None:
        """Raise DataError or warn, whichever the policy says, if there were any."""
        if not self.count:
            return
        told = "; ".join(f"line {line}: {reason}" for line, reason in self.first)
        more = f"; and {self.count - len(self.first)} more" if self.count > len(self.first) else ""
        rows = f"{self.count} malformed row{'s' if self.count > 1 else ''}"
        if self.policy == "fail":
            hint = f"correct them, or leave them out with on_error: skip{self.hint}"
            raise DataError(f"{rows}: {told}{more}", where=f"{self.shown}:{self.first[0][0]}", hint=hint)
        self.context.warn(f"{self.shown}: {rows} passed over, {good} kept: {told}{more}")
