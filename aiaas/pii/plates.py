"""Licence plates of the mainland: the blue, yellow and black ones of five signs, and the green ones of six."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiaas.pii.numbers import Span

_SIGN = "A-HJ-NP-Z0-9"
_PLATE = re.compile(
    rf"[\u4e00-\u9fff][A-HJ-NP-Z](?:[ \xa0]?[·•・.\-][ \xa0]?|[ \xa0])?"
    rf"(?:[A-HJK][{_SIGN}][0-9]{{4}}|[0-9]{{5}}[A-HJK]|[{_SIGN}]{{4}}[挂学警港澳领]|[{_SIGN}]{{5}})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_LETTERS = 2
"""Letters that five signs may have at most."""


def find(text: str, place: int) -> Iterator[Span]:
    """The plate that begins with the sign of a province at this place."""
    found = _PLATE.match(text, place)
    if found is None:
        return
    signs = found.group()[2:].lstrip(" \xa0·•・.-")
    digits = sum(each.isdigit() for each in signs)
    if digits >= len(signs) - _LETTERS - (not signs[-1].isascii()):
        yield *found.span(), "licence_plate"
