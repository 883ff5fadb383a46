"""Phone numbers of the world, by the `phonenumbers` library, which knows the plans of all countries."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from typing import Any

from aiaas.pii import contexts
from aiaas.pii.numbers import RUN, Span

REQUIRES = ("phonenumbers",)
_WIDEST = 24
"""Characters of the longest number as it is written."""

_SHAPED = re.compile(r"\+[0-9(]|(?<![0-9])(?:\(?[2-9][0-9]{2}\)?[ .-]{1,2}[0-9]{3}[ .-][0-9]{4}(?![0-9])|\(?0[1-9])")
"""What a number has in a long row of digits: the code of a country, the groups of North America, a leading 0."""


class Phones:
    """Finds numbers with a country's code, and those of `regions` (ISO 3166) as they are written at home."""

    def __init__(self, regions: Sequence[str]) -> None:
        self._regions = tuple(regions)

    def find(self, text: str, low: int, high: int, known: Sequence[Span] = ()) -> Iterator[Span]:
        """The phone numbers in a stretch of digits; one may be told twice. Where `known` spans surely say what stands
        there nothing is looked for: their kinds are told before a phone, and the library is slow."""
        spans = sorted(known)
        begins = [begin for begin, _, _ in spans]
        reach = list(accumulate((end for _, end, _ in spans), max))
        for run in RUN.finditer(text, low, high):
            start = _opening(text, run.start())
            before = bisect_right(begins, start)
            if before and run.end() <= reach[before - 1]:
                continue
            if run.end() - start > 2 * _WIDEST:
                for piece in _pieces(text, start, run.end()):
                    if _SHAPED.search(text, *piece):
                        yield from self._of(text, *piece)
            elif "+" in text[start : start + 2] or self._may_be_one(text, *run.span()):
                yield from self._of(text, start, run.end())

    def _may_be_one(self, text: str, start: int, end: int) -> bool:
        """Whether a row of digits has as many as a number at home, and looks like one: the library takes a thousand
        times as long to say so."""
        digits = sum(map(str.isdigit, text[start:end]))
        return digits in _lengths(self._regions) and (end - start > digits or contexts.of_phone(text, start))

    def _of(self, text: str, start: int, end: int) -> Iterator[Span]:
        library = _library()
        piece = text[start:end]
        regions = (None, *self._regions) if "+" in piece else self._regions
        for region in regions:
            leniency = library.Leniency.STRICT_GROUPING if region else library.Leniency.VALID
            known = False
            for found in library.PhoneNumberMatcher(piece, region, leniency=leniency):
                first, last = start + found.start, start + found.end
                if self._right(text, first, last) and library.number_type(found.number) not in _of_firms():
                    known = True
                    yield first, last, "phone"
            if known:
                return
        if "+" in piece:
            yield from self._unknown(text, start, end)

    def _unknown(self, text: str, start: int, end: int) -> Iterator[Span]:
        """Numbers as long as those of the country whose code stands apart before them, in a range that the plans do not
        know of: a new one, or one set aside for films."""
        library = _library()
        for found in library.PhoneNumberMatcher(text[start:end], None, leniency=library.Leniency.POSSIBLE):
            first, last = start + found.start, start + found.end
            code = re.compile(rf"[(（]?\+{found.number.country_code}[ \-.)）]").match(text, first, last)
            unknown = library.number_type(found.number) == library.PhoneNumberType.UNKNOWN
            if code and unknown and self._right(text, first, last):
                yield first, last, "phone"

    @staticmethod
    def _right(text: str, start: int, end: int) -> bool:
        if contexts.of_something_else(text, start) or not contexts.stands_free(text, start, end):
            return False
        if "+" in text[start : start + 2]:
            return True
        # At home a number is written in groups, or called a phone: a mere row of digits may be anything.
        digits = sum(each.isdigit() for each in text[start:end])
        return end - start > digits or contexts.of_phone(text, start)


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Pieces of a row of digits, short enough for the library to judge in a moment. Every number that is no longer than
    `_WIDEST` is whole in one of them."""
    while end - start > 2 * _WIDEST:
        until = _boundary(text, start + 2 * _WIDEST, end)
        if until - start <= 3 * _WIDEST:  # else it ends in digits of which none is a number
            yield start, until
        start = _boundary(text, start + _WIDEST, end)
    yield start, end


def _opening(text: str, start: int) -> int:
    """Where a number with its + and bracket begins."""
    while start and text[start - 1] in "+(（":
        start -= 1
    return start


def _boundary(text: str, place: int, end: int) -> int:
    """The end of the digits that stand at a place."""
    while place < end and text[place].isdigit():
        place += 1
    return place


@cache
def _lengths(regions: tuple[str, ...]) -> frozenset[int]:
    """How many digits the numbers of some regions have, with and without the digit that leads to other areas."""
    from phonenumbers.phonemetadata import PhoneMetadata

    known = [PhoneMetadata.metadata_for_region(region, None) for region in regions]
    lengths = {length for each in known if each and each.general_desc for length in each.general_desc.possible_length}
    return frozenset(lengths | {length + 1 for length in lengths})


@cache
def _of_firms() -> frozenset[int]:
    """Kinds of numbers that no person has."""
    kind = _library().PhoneNumberType
    return frozenset({kind.TOLL_FREE, kind.PREMIUM_RATE, kind.SHARED_COST, kind.UAN})


@cache
def _library() -> Any:
    import phonenumbers

    return phonenumbers
