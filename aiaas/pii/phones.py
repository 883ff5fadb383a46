"""Phone numbers of the world, by the `phonenumbers` library, which knows the plans of all countries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from aiaas.pii import contexts
from aiaas.pii.numbers import Span

REQUIRES = ("phonenumbers",)
_WIDEST = 32
_MAINLAND = 86


class Phones:
    """Finds numbers with a country's code, and those of `regions` (ISO 3166) as they are written at home."""

    def __init__(self, regions: Sequence[str]) -> None:
        self._regions = tuple(regions)

    def find(self, text: str, low: int, high: int) -> Iterator[Span]:
        """The phone numbers that begin in a stretch of digits."""
        for start, end in _pieces(text, low, high):
            yield from self._of(text, start, end)

    def _of(self, text: str, start: int, end: int) -> Iterator[Span]:
        library = _library()
        piece = text[start:end]
        abroad = piece.lstrip("(（").startswith("+")
        for region in (None,) if abroad else self._regions:
            leniency = library.Leniency.VALID if abroad else library.Leniency.STRICT_GROUPING
            for found in library.PhoneNumberMatcher(piece, region, leniency=leniency):
                first, last = start + found.start, start + found.end
                if self._right(text, first, last, found.number, abroad):
                    yield first, last, "phone"
                    return

    @staticmethod
    def _right(text: str, start: int, end: int, number: Any, abroad: bool) -> bool:
        if contexts.of_something_else(text, start) or not contexts.stands_free(text, start, end):
            return False
        if abroad:
            return True
        # At home a number is written in groups, or called a phone: a mere row of digits may be anything.
        digits = sum(each.isdigit() for each in text[start:end])
        return end - start > digits or contexts.of_phone(text, start)


def _pieces(text: str, low: int, high: int) -> Iterator[tuple[int, int]]:
    """Stretches short enough for the library to judge, each a number with what belongs to it."""
    from aiaas.pii.numbers import _RUN

    for run in _RUN.finditer(text, low, high):
        start = run.start()
        while start and text[start - 1] in "+(（":
            start -= 1
        if run.end() - start <= _WIDEST:
            yield start, run.end()


@cache
def _library() -> Any:
    import phonenumbers

    return phonenumbers
