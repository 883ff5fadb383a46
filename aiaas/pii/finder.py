"""All kinds together: which places of which texts hold personal data."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from aiaas.pii import accounts, addresses, contexts, network, numbers, phones, plates, seek
from aiaas.pii.characters import Characters, read
from aiaas.pii.numbers import Span

KINDS = (
    *("id_card", "passport", "mobile", "landline", "phone", "email", "address", "licence_plate"),
    *("bank_card", "credit_card", "iban", "ssn", "ip", "url_credentials"),
)
"""Every kind that can be found."""
REGIONS = ("US", "GB")
_RANK = {
    kind: rank
    for rank, kind in enumerate(
        (
            *("url_credentials", "email", "iban", "id_card", "mobile", "bank_card", "credit_card", "landline", "ssn"),
            *("passport", "licence_plate", "ip", "address", "phone"),
        )
    )
}
"""Of two kinds at one place the one whose rank is smaller is told."""


class Found(NamedTuple):
    """Personal data in one of several texts: its number, where it begins and ends there, and its kind."""

    text: int
    start: int
    end: int
    kind: str


class Finder:
    """Finds personal data of some kinds; it keeps nothing of what it saw.

    `regions` are the countries (ISO 3166) whose phone numbers are also found without their code. Numbers are validated
    by their checksums and plans (`aiaas.pii.checks`). `phone` needs the packages in `requires`.
    """

    def __init__(self, kinds: Collection[str] | None = None, regions: Sequence[str] = REGIONS) -> None:
        self.kinds = tuple(kind for kind in KINDS if kinds is None or kind in kinds)
        self.requires = phones.REQUIRES if "phone" in self.kinds else ()
        self._numbers = numbers.Numbers(self.kinds)
        self._phones = phones.Phones(regions)

    def find(self, texts: Sequence[str]) -> list[Found]:
        """What stands in the texts, in their order; no two overlap. Takes time in proportion to their length."""
        # Apart, for what is ASCII is read four times as fast, and half of what is looked for stands in Latin letters.
        plain = [text.isascii() for text in texts]
        if all(plain) or not any(plain):
            return self._find(texts) if texts else []
        found: list[Found] = []
        for ascii in (True, False):
            places = [place for place, each in enumerate(plain) if each is ascii]
            found += [each._replace(text=places[each.text]) for each in self._find([texts[place] for place in places])]
        return sorted(found)

    def _find(self, texts: Sequence[str]) -> list[Found]:
        characters = read(texts)
        spans = [_ranked(characters.text, span) for span in set(self._spans(characters))]
        spans.sort(key=lambda span: (span.start, span.rank, -span.end))
        return [Found(*characters.place(each.start, each.end), each.kind) for each in _apart(spans)]

    def _spans(self, characters: Characters) -> Iterator[Span]:
        text, kinds = characters.text, frozenset(self.kinds)
        if kinds & {*numbers.KINDS, "phone", "iban"}:
            for low, high in seek.numbers(characters):
                yield from self._in_digits(text, low, high)
        if "email" in kinds:
            for at in seek.ats(characters):
                yield from network.email(text, at)
        if "url_credentials" in kinds:
            for place in seek.urls(characters):
                yield from network.url(text, place)
        if "ip" in kinds:
            for place in seek.dotted(characters):
                yield from network.ipv4(text, place)
            for low, high in seek.colons(characters):
                yield from network.ipv6(text, low, high)
        if "licence_plate" in kinds:
            for place in seek.plates(characters):
                yield from plates.find(text, place)
        if "address" in kinds:
            for number, sign in seek.houses(characters):
                yield from addresses.chinese(text, number, sign)
            for number in seek.streets(characters):
                yield from addresses.english(text, number)

    def _in_digits(self, text: str, low: int, high: int) -> Iterator[Span]:
        known = [*self._numbers.find(text, low, high)]
        if "iban" in self.kinds:
            known += accounts.find(text, low, high)
        yield from known
        if "phone" in self.kinds:
            # What looks like a landline may be a number of another country; the other kinds are sure.
            yield from self._phones.find(text, low, high, [span for span in known if span[2] != "landline"])


class _Ranked(NamedTuple):
    start: int
    end: int
    kind: str
    rank: int


def _ranked(text: str, span: Span) -> _Ranked:
    """The rank of a span among others at its place. A number may be one of Guangzhou and of London: the language
    around it says which."""
    start, end, kind = span
    abroad = kind == "landline" and contexts.of_abroad(text, start, end)
    return _Ranked(start, end, kind, len(_RANK) if abroad else _RANK[kind])


def _apart(spans: Iterable[_Ranked]) -> Iterator[_Ranked]:
    """Spans in ascending order without overlaps: of two the kind of smaller rank is kept, for all that both cover, so
    that nothing of the other is left behind."""
    held: _Ranked | None = None
    for span in spans:
        if held is None or span.start >= held.end:
            if held:
                yield held
            held = span
            continue
        better, other = (held, span) if held.rank <= span.rank else (span, held)
        if better.kind == "url_credentials":
            held = better
        else:
            held = better._replace(start=min(better.start, other.start), end=max(better.end, other.end))
    if held:
        yield held
