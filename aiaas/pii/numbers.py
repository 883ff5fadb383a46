"""Numbers of persons: identity cards, phones, cards, social security. Digits may stand in groups."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from aiaas.pii import checks, contexts

Span = tuple[int, int, str]
"""Where something begins and ends, and of which kind it is."""

KINDS = ("id_card", "mobile", "landline", "bank_card", "credit_card", "ssn", "passport")
RUN = re.compile(r"[0-9]++(?:[\s.\-‐-―－/()（）·•]{1,3}+[0-9]++)*+")
"""Digits in groups, with up to three characters between two of them."""
_GROUP = re.compile("[0-9]+")
_LONGEST = 22
_GROUPS = 7
_DASHES = frozenset("-‐‑‒–—―－")
_DOTTED = _DASHES | frozenset(".·•")
_BRACKETED = _DOTTED | frozenset("()（）")
_MOBILE_SHAPES = frozenset(
    {(11,), (3, 4, 4), (3, 8), (7, 4), (4, 3, 4), (3, 3, 5), (5, 6), (4, 4, 3), (3, 4, 2, 2), (3, 2, 2, 2, 2)}
    | {(4, 7), (6, 5), (5, 3, 3), (1,) * 11, (2, 2, 2, 2, 3), (1, 2, 2, 2, 2, 2)}
)
_X = re.compile(r"[ \-]?[Xx](?![A-Za-z0-9])")
_LETTERS = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{1,2}\Z")


@dataclass(frozen=True, slots=True)
class Number:
    """Digits in groups: `shape` are the lengths of the groups, `between` what stands between them."""

    text: str
    start: int
    end: int
    digits: str
    shape: tuple[int, ...]
    between: str

    def only(self, allowed: frozenset[str]) -> bool:
        """Whether nothing but white space and these characters stands between the groups."""
        return not self.between or allowed.issuperset("".join(self.between.split()))


class Numbers:
    """Finds numbers of some kinds in stretches of text."""

    def __init__(self, kinds: Collection[str]) -> None:
        self._kinds = frozenset(kinds)

    def find(self, text: str, low: int, high: int) -> Iterator[Span]:
        """The numbers between two places, from left to right; none overlaps another."""
        for run in RUN.finditer(text, low, high):
            groups = [each.span() for each in _GROUP.finditer(text, *run.span())]
            at = 0
            while at < len(groups):
                span, used = self._longest(text, groups, at)
                if span:
                    yield span
                at += used

    def _longest(self, text: str, groups: Sequence[tuple[int, int]], at: int) -> tuple[Span | None, int]:
        """The longest number that begins with a group, and how many groups it uses."""
        best: Span | None = None
        used = 1
        digits, between = "", ""
        shape: list[int] = []
        most = _LONGEST if _single(groups, at) else _GROUPS
        for place in range(at, min(at + most, len(groups))):
            start, end = groups[place]
            if len(digits) + end - start > _LONGEST:
                break
            if shape:
                between += text[groups[place - 1][1] : start]
            digits += text[start:end]
            shape.append(end - start)
            if len(digits) in _TESTS:
                number = Number(text, groups[at][0], end, digits, tuple(shape), between)
                if found := self._kind(number):
                    best, used = found, place - at + 1
        return best, used

    def _kind(self, number: Number) -> Span | None:
        for kind, test in _TESTS[len(number.digits)]:
            if kind in self._kinds and (span := test(number)):
                return (*span, kind)
        return None


def _single(groups: Sequence[tuple[int, int]], at: int) -> bool:
    """Whether digits that stand one by one begin here: only then may a number have many groups."""
    start, end = groups[at]
    first = at == 0 or groups[at - 1][1] - groups[at - 1][0] > 1
    return first and end - start == 1 and at + 1 < len(groups) and groups[at + 1][1] - groups[at + 1][0] == 1


def _id_card(number: Number) -> tuple[int, int] | None:
    if not checks.province(number.digits) or not number.only(_DOTTED):
        return None
    text, end = number.text, number.end
    if len(number.digits) == 17:
        mark = _X.match(text, end)
        if mark and checks.id_card(f"{number.digits}X") and contexts.stands_free(text, number.start, mark.end()):
            return number.start, mark.end()
        return None
    if not checks.id_card(number.digits) or not contexts.stands_free(text, number.start, end):
        return None
    if len(number.digits) == 15 and (len(number.shape) > 1 or contexts.of_something_else(text, number.start)):
        return None
    return number.start, end


def _mobile(number: Number) -> tuple[int, int] | None:
    digits, shape, start = number.digits, number.shape, number.start
    text = number.text
    if digits[0] not in "108" or not number.only(_BRACKETED):
        return None
    for prefix in ("0086", "86", "0"):
        if len(digits) == 11 + len(prefix) and digits.startswith(prefix):
            digits = digits[len(prefix) :]
            first = shape[0] - len(prefix)
            if first < 0:
                return None
            shape = (first, *shape[1:]) if first else shape[1:]
    if len(digits) != 11 or not checks.mobile(digits) or shape not in _MOBILE_SHAPES:
        return None
    start = _opening(text, start)
    if not contexts.stands_free(text, start, number.end) or contexts.counts(text, number.end):
        return None
    return None if contexts.of_something_else(text, start) else (start, number.end)


def _opening(text: str, start: int) -> int:
    """Where a number with its + and bracket begins."""
    while start and text[start - 1] in "+(（＋":
        start -= 1
    return start


def _landline(number: Number) -> tuple[int, int] | None:
    digits, shape, text = number.digits, number.shape, number.text
    if digits[0] not in "08" or not number.only(_BRACKETED):
        return None
    if digits.startswith("86") and text[number.start - 1 : number.start] == "+":
        national = digits[2:].removeprefix("0")
        shape = shape[1:] if shape[0] == 2 else (shape[0] - 2, *shape[1:])
        shape = shape if not digits.startswith("860") else (shape[0] - 1, *shape[1:])
        shape = tuple(size for size in shape if size)
        digits = f"0{national}"
        code = checks.area(digits)
        lead = len(code) - 1 if code else 0
    else:
        code = checks.area(digits)
        lead = len(code) if code else 0
    if code is None or not _as_landline(shape, lead):
        return None
    start = _opening(text, number.start)
    if not contexts.stands_free(text, start, number.end) or contexts.of_something_else(text, start):
        return None
    return start, number.end


def _as_landline(shape: tuple[int, ...], lead: int) -> bool:
    """The area code and the number apart, the number in at most two groups; or all in one."""
    if len(shape) == 1:
        return True
    return shape[0] == lead and (len(shape) == 2 or (len(shape) == 3 and min(shape[1:]) >= 3))


def _bank_card(number: Number) -> tuple[int, int] | None:
    return _card(number) if checks.bank_card(number.digits) else None


def _credit_card(number: Number) -> tuple[int, int] | None:
    return _card(number) if checks.credit_card(number.digits) else None


def _card(number: Number) -> tuple[int, int] | None:
    text, start, end = number.text, number.start, number.end
    if not number.only(_DASHES) or len(number.shape) > 5 or not contexts.stands_free(text, start, end):
        return None
    return None if contexts.of_something_else(text, start) else (start, end)


def _ssn(number: Number) -> tuple[int, int] | None:
    text, start, end = number.text, number.start, number.end
    if not checks.ssn(number.digits) or not number.only(_DASHES) or not contexts.stands_free(text, start, end):
        return None
    called = contexts.of_ssn(text, start)
    if number.shape == (3, 2, 4):
        same = len(set(number.between)) == 1
        dashed = same and number.between[0] in _DASHES
        return (start, end) if called or (dashed and not contexts.of_something_else(text, start)) else None
    return (start, end) if number.shape == (9,) and called else None


def _passport(number: Number) -> tuple[int, int] | None:
    """One or two letters and seven or eight digits, or nine digits, that are called a passport: it has no check."""
    text, start, end = number.text, number.start, number.end
    if len(number.shape) > 1:
        return None
    letters = _LETTERS.search(text, max(0, start - 4), start)
    if letters:
        start = letters.start()
    elif len(number.digits) != 9 or not contexts.stands_free(text, start, end):
        return None
    tail = text[end : end + 1]
    if (tail.isascii() and tail.isalnum()) or not 8 <= end - start <= 9:
        return None
    return (start, end) if contexts.of_passport(text, start, end) else None


_RULES = (
    ((15, 17, 18), "id_card", _id_card),
    ((9,), "ssn", _ssn),
    ((7, 8, 9), "passport", _passport),
    ((11, 12, 13, 15), "mobile", _mobile),
    ((10, 11, 12, 13, 14), "landline", _landline),
    ((16, 17, 18, 19), "bank_card", _bank_card),
    ((14, 15, 16, 18, 19), "credit_card", _credit_card),
)
_TESTS = {
    size: tuple((kind, test) for sizes, kind, test in _RULES if size in sizes)
    for size in sorted({size for sizes, _, _ in _RULES for size in sizes})
}
