"""How much may be asked: requests, rows, tokens and seconds of computing, a second and a day."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from aiaas import plugins
from aiaas.errors import UsageError

NAMES = ("requests", "rows", "tokens", "compute")
PERIODS = ("s", "day")
_LIMIT = re.compile(r"\s*([a-z]+)\s*=\s*([0-9]{1,15}(?:\.[0-9]{1,6})?)\s*/\s*([a-z]+)\s*")
_HINT = "such as requests=20/s,tokens=5000000/day"


class Amounts(NamedTuple):
    """Of what is counted, in the order of `NAMES`; compute in seconds of one core at work."""

    requests: float = 0.0
    rows: float = 0.0
    tokens: float = 0.0
    compute: float = 0.0


ENDLESS = Amounts(math.inf, math.inf, math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Quota:
    """What may be used in a second, on average, and in a day of UTC; infinite where there is no limit."""

    second: Amounts = ENDLESS
    day: Amounts = ENDLESS

    @classmethod
    def parse(cls, text: str, where: str = "--quota") -> Quota:
        """`requests=20/s,tokens=5000000/day`; an empty text limits nothing. Raises UsageError."""
        found: dict[tuple[str, str], float] = {}
        for part in filter(str.strip, text.split(",")):
            name, period, number = _limit(part, where)
            if (name, period) in found:
                raise UsageError(f"the limit of {name} a {period} is given twice", where=where)
            found[name, period] = number
        second, day = (Amounts(*(found.get((name, period), math.inf) for name in NAMES)) for period in PERIODS)
        return cls(second, day)

    def __str__(self) -> str:
        """As `parse` reads it."""
        return ",".join(f"{name}={_number(number)}/{period}" for name, period, number in self._limits())

    def _limits(self) -> Iterator[tuple[str, str, float]]:
        for period, amounts in zip(PERIODS, (self.second, self.day), strict=True):
            for name, number in zip(NAMES, amounts, strict=True):
                if number != math.inf:
                    yield name, period, number

    @property
    def limited(self) -> frozenset[int]:
        """Places of the amounts that are limited."""
        pairs = enumerate(zip(self.second, self.day, strict=True))
        return frozenset(place for place, pair in pairs if pair != (math.inf, math.inf))


@dataclass(frozen=True, slots=True)
class Account:
    """Where the use of somebody is added up, under a number of its own; `whose` is `key` or `tenant`."""

    number: int
    quota: Quota
    whose: str
    limited: frozenset[int] = field(init=False, repr=False, compare=False)
    """Places of the amounts that its quota limits."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "limited", self.quota.limited)


def _limit(part: str, where: str) -> tuple[str, str, float]:
    found = _LIMIT.fullmatch(part)
    if found is None:
        raise UsageError("a limit reads NAME=NUMBER/PERIOD", where=where, hint=_HINT)
    name, number, period = found[1], float(found[2]), found[3]
    for word, allowed, what in ((name, NAMES, "what is limited"), (period, PERIODS, "a period")):
        if word not in allowed:
            close = plugins.nearest(word, allowed)
            hint = f"did you mean {close!r}?" if close else _HINT
            raise UsageError(f"{what} is one of {', '.join(allowed)}", where=where, hint=hint)
    if not number:
        raise UsageError(f"a limit of 0 {name} allows nothing", where=where, hint="revoke the key instead")
    if period == "day" and number < 1 and name != "compute":
        raise UsageError(f"less than one of {name} a day allows nothing", where=where, hint=_HINT)
    return name, period, number


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.6f}".rstrip("0")
