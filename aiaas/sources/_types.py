"""The type of a column of text fields: whole numbers, numbers, truth values, or text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from aiaas.numerals import USUAL, Numerals

Kind = Literal["none", "bool", "int", "float", "text"]

# A leading zero makes an identifier, not a number: 007 must come out as it went in. So does a whole part of more
# digits than a 64-bit number surely holds. Spaces around it, as in `39, 40`, are none of it.
_WHOLE = re.compile(r" *+[+-]?(?:0|[1-9]\d{0,17}) *+", re.ASCII)
_NUMBER = re.compile(r" *+[+-]?(?!\d{19})(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})? *+", re.ASCII)
_WORTH_TELLING = 10  # identifiers such as A12, 12, B7 are not numbers gone wrong
_TRUTH = re.compile(r"true|false|True|False|TRUE|FALSE")
# All values of a block at once: one call of the engine instead of thousands. What a value matches is never given back.
_ALL: dict[str, re.Pattern[str]] = {
    kind: re.compile(f"(?>(?:{pattern.pattern})\n)*", re.ASCII)
    for kind, pattern in (("bool", _TRUTH), ("int", _WHOLE), ("float", _NUMBER))
}
_FITS: dict[Kind, Callable[[str], Any]] = {
    "bool": _TRUTH.fullmatch,
    "int": _WHOLE.fullmatch,
    "float": _NUMBER.fullmatch,
    "text": lambda value: True,
}
_PARSE: dict[Kind, Callable[[str], Any]] = {
    "bool": frozenset(("true", "True", "TRUE")).__contains__,
    "int": int,
    "float": float,
}
_NEXT: dict[Kind, tuple[Kind, ...]] = {
    "none": ("int", "float", "bool", "text"),
    "bool": ("bool", "text"),
    "int": ("int", "float", "text"),
    "float": ("float", "text"),
    "text": ("text",),
}


class ColumnType:
    """The narrowest type that all values of a column have; `turned` says which value made a column of numbers text."""

    def __init__(self, missing: frozenset[str], numerals: Numerals = USUAL) -> None:
        self.missing = missing
        self.numerals = numerals
        self.kind: Kind = "none"
        self.seen = 0
        self.turned = ""

    def see(self, values: Sequence[str], lines: Sequence[int]) -> None:
        """Widen the type by some more values; `lines` are where they stand."""
        if self.kind == "text":
            return
        values = self._pointed(values)
        present = values if self._complete(values) else [value for value in values if value not in self.missing]
        if not present:
            return
        before = self.kind
        joined = "\n".join(present) + "\n"
        lonely = joined.count("\n") == len(present)  # no value goes over several lines
        self.kind = next(
            kind for kind in _NEXT[before] if kind == "text" or (lonely and _ALL[kind].fullmatch(joined) is not None)
        )
        if self.kind == "text":
            self._explain(before, values, lines)
        self.seen += len(present)

    def _explain(self, before: Kind, values: Sequence[str], lines: Sequence[int]) -> None:
        """Say at which value a column that held numbers stopped doing so."""
        fits = _FITS["bool" if before == "bool" else "float"]
        count = self.seen
        for value, line in zip(values, lines, strict=True):
            if value in self.missing:
                continue
            if not fits(value):
                if count >= _WORTH_TELLING:
                    kind = "truth value" if before == "bool" else "number"
                    told = value if len(value) <= 40 else value[:39] + "…"
                    self.turned = f"line {line} holds {told!r}; before it stand {count:,} {kind}s"
                return
            count += 1

    def convert(self, values: Sequence[str]) -> list[Any]:
        """The values in the type found, a missing one as None."""
        missing, complete = self.missing, self._complete(values)
        if self.kind in ("text", "none"):
            return list(values) if complete else [None if value in missing else value for value in values]
        values = self._pointed(values)
        parse = _PARSE[self.kind]
        return (
            list(map(parse, values)) if complete else [None if value in missing else parse(value) for value in values]
        )

    def _pointed(self, values: Sequence[str]) -> Sequence[str]:
        """The values as Python reads numbers."""
        return values if self.numerals.usual else list(map(self.numerals.plain, values))

    def _complete(self, values: Sequence[str]) -> bool:
        """Whether no value is a missing one."""
        return self.missing.isdisjoint(values)
