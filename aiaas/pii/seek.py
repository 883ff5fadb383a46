"""Where personal data may be: a few passes over the characters of a batch, so that the exact patterns, which cost a
thousand times as much a character, are tried at these places only."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from aiaas.pii.characters import AT, COLON, DIGIT, DOT, NUMBERED, NUMERAL, PROVINCE, ROAD, Characters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEWEST = 7
"""Digits of the shortest number that is looked for."""
APART = 3
"""Characters that may stand between two digits of a number."""
_IP_DOTS = 8  # from the first dot of an IPv4 address to its last
_IP_COLONS = 5  # from one colon of an IPv6 address to the next
_HOUSE = 5  # digits of a house in a street
_HAN = (0x3400, 0x9FFF)
_NAME = 36
"""Characters from the number of a house in which the word for a street is expected."""
_STREETS = ("str", "st ", "ave", "av ", "roa", "rd ", "bou", "blv", "lan", "ln ", "ter", "hwy")

Stretch = tuple[int, int]


def numbers(characters: Characters) -> Iterator[Stretch]:
    """Stretches that begin and end with a digit and have digits enough, with little but separators between them."""
    import numpy as np

    digits, codes = characters.of(DIGIT), characters.codes
    if len(digits) < FEWEST:
        return iter(())
    gaps = np.diff(digits)
    near = np.flatnonzero((gaps > 1) & (gaps <= APART + 1))
    widths = gaps[near]
    for step in range(1, APART + 1):
        near, widths = near[widths > step], widths[widths > step]
        between = codes[digits[near] + step]
        parted = _letters(between) | (between == 0) | ((between >= _HAN[0]) & (between <= _HAN[1]))
        gaps[near[parted]] = APART + 2
    return _stretches(digits, gaps > APART + 1, FEWEST)


def _chains(places: NDArray[np.intp], step: int, fewest: int) -> Iterator[Stretch]:
    """Stretches of at least `fewest` places of which each is at most `step` from the one before it."""
    import numpy as np

    if len(places) < fewest:
        return iter(())
    return _stretches(places, np.diff(places) > step, fewest)


def _stretches(places: NDArray[np.intp], ends: NDArray[np.bool_], fewest: int) -> Iterator[Stretch]:
    """Stretches of places, where `ends` says after which of them one ends."""
    import numpy as np

    breaks = np.flatnonzero(ends)
    first = np.append(0, breaks + 1)
    last = np.append(breaks, len(places) - 1)
    many = last - first >= fewest - 1
    return zip(places[first[many]].tolist(), (places[last[many]] + 1).tolist(), strict=True)


def ats(characters: Characters) -> list[int]:
    """Places of @."""
    places: list[int] = characters.of(AT).tolist()
    return places


def urls(characters: Characters) -> Iterator[int]:
    """Places of `://`, each beyond the one before it."""
    text = characters.text
    place = text.find("://")
    while place >= 0:
        yield place
        place = text.find("://", place + 3)


def dotted(characters: Characters) -> list[int]:
    """Places of the first of three dots, near to each other and between digits."""
    import numpy as np

    marks, kinds = characters.marks, characters.kinds
    if len(marks) < FEWEST:
        return []
    dots = np.flatnonzero((kinds[1:-1] == DOT) & (kinds[:-2] == DIGIT) & (kinds[2:] == DIGIT)) + 1
    dots = dots[marks[dots + 1] - marks[dots - 1] == 2]
    places = marks[dots]
    found: list[int] = places[:-2][places[2:] - places[:-2] <= _IP_DOTS].tolist()
    return found


def colons(characters: Characters) -> Iterator[Stretch]:
    """Stretches of colons near to each other, two at least."""
    return _chains(characters.of(COLON), _IP_COLONS, 2)


def plates(characters: Characters) -> list[int]:
    """Places of the sign of a province before a letter."""
    places = characters.of(PROVINCE)
    places = places[places + 1 < len(characters.codes)]
    found: list[int] = places[_letters(characters.codes[places + 1])].tolist()
    return found


def houses(characters: Characters) -> Iterator[Stretch]:
    """A number in an address in Chinese: where it begins, and the sign that follows (号, 栋, …). What stands before it
    ends as a road may, or another number follows."""
    import numpy as np

    marks, kinds = characters.marks, characters.kinds
    if len(marks) < 2 or not (kinds == NUMBERED).any():
        return iter(())
    number = (kinds == DIGIT) | (kinds == NUMERAL)
    gaps = np.diff(marks)
    begins = number.copy()
    begins[1:] &= ~(number[:-1] & (gaps == 1))
    index = np.arange(len(marks))
    begun = np.maximum.accumulate(np.where(begins, index, 0))  # where the number that reaches here began
    signs = np.flatnonzero((kinds[1:] == NUMBERED) & number[:-1] & (gaps <= 2)) + 1
    starts = begun[signs - 1]
    before = np.maximum(starts - 1, 0)
    space = characters.codes[np.maximum(marks[starts] - 1, 0)] == 32
    road = (starts > 0) & np.isin(kinds[before], (ROAD, NUMBERED)) & (marks[starts] - marks[before] <= 1 + space)
    last = len(marks) - 1
    following, beyond = np.minimum(signs + 1, last), np.minimum(signs + 2, last)
    near = marks[following] - marks[signs] <= 2
    near &= number[following] | ((kinds[following] == NUMBERED) & number[beyond] & (marks[beyond] - marks[signs] <= 3))
    near &= following > signs
    kept = road | near
    return zip(marks[starts[kept]].tolist(), marks[signs[kept]].tolist(), strict=True)


def streets(characters: Characters) -> list[int]:
    """Where a short number begins that a word in Latin letters follows, with a capital or a word for a street after it,
    or that follows `box`."""
    import numpy as np

    digits, codes = characters.of(DIGIT), characters.codes
    if not len(digits):
        return []
    breaks = np.flatnonzero(np.diff(digits) > 1)
    first = digits[np.append(0, breaks + 1)]
    last = digits[np.append(breaks, len(digits) - 1)]
    short = last - first < _HOUSE
    first, last = first[short], last[short]
    end = len(codes) - 1
    after, second, third = (codes[np.minimum(last + step, end)] for step in (1, 2, 3))
    spaced = after == 32
    capital = spaced & (_capitals(second) | _digits(second))
    capital |= _letters(after) & (second == 32) & _letters(third)
    one, two, three = (codes[np.maximum(first - step, 0)] for step in (1, 2, 3))
    boxed = (one == 32) & (two | 32 == ord("x")) & (three | 32 == ord("o"))
    led = _ends()[np.minimum(two, 127)] | (first < 2) | (one == 10) | (one == 0)
    lower = spaced & _letters(second) & ~capital & led
    lower[lower] = _named(codes, last[lower] + 2)
    found: list[int] = first[capital | boxed | lower].tolist()
    return found


def _named(codes: NDArray[Any], places: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether a word that begins as one for a street does stands soon after each place."""
    import numpy as np

    around = np.minimum(codes[np.minimum(places[:, None] + np.arange(_NAME), len(codes) - 1)], 127).astype(np.uint8)
    letters = _alphabet()[around]
    words = letters[:, 1:-2] << 10 | letters[:, 2:-1] << 5 | letters[:, 3:]
    named: NDArray[np.bool_] = (_beginnings()[words] & (around[:, :-3] == 32)).any(axis=1)
    return named


@cache
def _ends() -> NDArray[np.bool_]:
    """What the words end with, or the signs are, that lead to an address: at, to, from, on, is, live, ship, …"""
    import numpy as np

    return np.asarray([chr(code) in "togsemnrdp:," for code in range(128)], dtype=np.bool_)


@cache
def _alphabet() -> NDArray[np.uint16]:
    """1 to 26 for the letters of ASCII, 0 for all else."""
    import numpy as np

    return np.asarray([(code & 31) * chr(code).isalpha() for code in range(128)], dtype=np.uint16)


@cache
def _beginnings() -> NDArray[np.bool_]:
    """Which three letters, as numbers of five bits each, begin a word for a street."""
    import numpy as np

    begins = np.zeros(1 << 15, dtype=np.bool_)
    for word in _STREETS:
        one, two, three = (int(_alphabet()[ord(each)]) for each in word)
        begins[one << 10 | two << 5 | three] = True
    return begins


def _letters(codes: NDArray[Any]) -> NDArray[np.bool_]:
    lower = codes | 32
    letters: NDArray[np.bool_] = (lower >= ord("a")) & (lower <= ord("z"))
    return letters


def _capitals(codes: NDArray[Any]) -> NDArray[np.bool_]:
    capitals: NDArray[np.bool_] = (codes >= ord("A")) & (codes <= ord("Z"))
    return capitals


def _digits(codes: NDArray[Any]) -> NDArray[np.bool_]:
    digits: NDArray[np.bool_] = (codes >= ord("0")) & (codes <= ord("9"))
    return digits
