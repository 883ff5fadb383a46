"""Numbers as people write them, where rows are learned from and where they are answered: 3,5 and 1.234,50."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Numerals:
    """What parts the fraction of a number, and its thousands, where something does."""

    decimal: str = "."
    thousands: str | None = None

    @property
    def usual(self) -> bool:
        """Whether they are Python's own."""
        return self.decimal == "." and self.thousands is None

    def plain(self, text: str) -> str:
        """A number as Python reads it. Thousands are parted where all of them are: 1.23 stays what it is."""
        if self.thousands is not None and self.thousands in text and self._grouped.fullmatch(text):
            text = text.replace(self.thousands, "")
        return text if self.decimal == "." else text.replace(self.decimal, ".")

    @cached_property
    def _grouped(self) -> re.Pattern[str]:
        part, point = re.escape(self.thousands or ""), re.escape(self.decimal)
        return re.compile(rf" *[+-]?[1-9]\d{{0,2}}(?:{part}\d{{3}})+(?:{point}\d*)? *", re.ASCII)


USUAL = Numerals()
"""Python's own."""
