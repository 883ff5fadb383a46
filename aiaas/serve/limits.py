"""What a request may ask for, and how a command line says so."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from aiaas import plugins
from aiaas.errors import UsageError


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one request, and of what is computed together. All are above 0."""

    body: int = 16 << 20
    """Bytes."""
    rows: int = 10_000
    prompts: int = 64
    """Inputs of a model that writes, whose answers take a while each."""
    seconds: float = 60.0
    """What a request may take where it does not say less."""
    waiting: int = 20_000
    """Rows that may wait for a model."""
    batch_rows: int = 256
    batch_tokens: int = 16_384
    """What is computed together at most."""
    refusals: float = 100.0
    """Requests without a valid key that are answered in a second, by each worker: more of them wait."""

    @classmethod
    def parse(cls, words: Iterable[str], where: str = "--limit") -> Limits:
        """The defaults, but for what `NAME=NUMBER` says. Raises UsageError."""
        kinds = {each.name: type(each.default) for each in fields(cls)}
        given: dict[str, float] = {}
        for word in words:
            name, _, number = word.partition("=")
            if name not in kinds:
                close = plugins.nearest(name, kinds)
                hint = f"did you mean {close!r}?" if close else f"there are {', '.join(kinds)}"
                raise UsageError(f"there is no limit {name!r}", where=where, hint=hint)
            given[name] = _number(number, kinds[name], f"{where} {name}")
        return replace(cls(), **given)  # type: ignore[arg-type]


def _number(text: str, kind: type, where: str) -> float:
    try:
        number: float = kind(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= 1e12:
        what = "a whole number" if kind is int else "a number"
        raise UsageError(f"{text!r} is not {what} above 0", where=where, hint="such as seconds=300 or rows=500")
    return number
