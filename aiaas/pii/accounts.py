"""International account numbers: IBAN."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiaas.pii import checks
from aiaas.pii.numbers import Span

BEFORE = 14
"""Characters that may stand before the digits that it was looked for by."""
_BEGINS = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}")
_REST = re.compile(r"(?:[ \-\xa0]?[A-Za-z0-9])*+")
_LONGEST = 34


def find(text: str, low: int, high: int) -> Iterator[Span]:
    """The account numbers that begin near the stretch from `low` to `high`, printed in groups or not."""
    place = max(0, low - BEFORE)
    while found := _BEGINS.search(text, place, high):
        place = found.end()
        length = checks.iban_length(found.group()[:2])
        end = _end(text, found.start(), length) if length else None
        if end is not None:
            yield found.start(), end, "iban"
            place = end


def _end(text: str, start: int, length: int) -> int | None:
    """Where the number of this many characters ends; None where none stands there that is right."""
    reach = _REST.match(text, start, min(len(text), start + 2 * _LONGEST))
    assert reach is not None, "the pattern may be empty"
    taken = []
    for place in range(start, reach.end()):
        if text[place].isalnum():
            taken.append(text[place])
            if len(taken) == length:
                following = text[place + 1 : place + 2]
                glued = following.isascii() and following.isalnum()
                return place + 1 if not glued and checks.iban("".join(taken).upper()) else None
    return None
