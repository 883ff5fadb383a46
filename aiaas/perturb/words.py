"""Texts varied by chance: words swapped, left out or replaced, characters slipped."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random

_EASTERN = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff"
_UNITS = re.compile(rf"[{_EASTERN}]|[^\s{_EASTERN}]+")
"""What is swapped and left out: a Chinese character, or what stands between white space."""

_GAP = re.compile(r"(\s)\s+")


class Synonyms:
    """Words, each with those that may stand in its place."""

    def __init__(self, words: Mapping[str, Sequence[str]]) -> None:
        self._words = words
        self._pattern = _any_of(words) if words else None

    def found(self, text: str) -> bool:
        return self._pattern is not None and self._pattern.search(text) is not None

    def put(self, text: str, share: float, chance: Random) -> str:
        """Some of the words that have synonyms, one at least, become one of these."""
        assert self._pattern
        found = list(self._pattern.finditer(text))
        some = min(len(found), _some(len(_UNITS.findall(text)), share))
        changed = {match.start() for match in chance.sample(found, some)}

        def other(match: re.Match[str]) -> str:
            return chance.choice(self._words[match.group()]) if match.start() in changed else match.group()

        return self._pattern.sub(other, text)


def _any_of(words: Mapping[str, object]) -> re.Pattern[str]:
    """Any of the words, the longest that fits; one of letters stands alone, one in Chinese anywhere."""
    edge = rf"[^\W{_EASTERN}]"
    return re.compile(
        "|".join(
            (rf"(?<!{edge})" if re.match(edge, word) else "")
            + re.escape(word)
            + (rf"(?!{edge})" if re.match(edge, word[-1]) else "")
            for word in sorted(words, key=len, reverse=True)
        )
    )


def _some(count: int, share: float) -> int:
    return max(1, round(count * share))


def swap(text: str, share: float, chance: Random) -> str:
    units = list(_UNITS.finditer(text))
    if len(units) < 2:
        return text
    words = [unit.group() for unit in units]
    for place in chance.sample(range(len(words) - 1), min(len(words) - 1, _some(len(words), share))):
        words[place], words[place + 1] = words[place + 1], words[place]
    return _written(text, units, words)


def delete(text: str, share: float, chance: Random) -> str:
    """One word stays at least."""
    units = list(_UNITS.finditer(text))
    gone = set(chance.sample(range(len(units)), min(len(units) - 1, _some(len(units), share)))) if units else set()
    if not gone:
        return text
    words = ["" if place in gone else unit.group() for place, unit in enumerate(units)]
    return _GAP.sub(r"\1", _written(text, units, words)).strip()


def _written(text: str, units: Sequence[re.Match[str]], words: Sequence[str]) -> str:
    """The text with other words in the place of its units."""
    pieces: list[str] = []
    start = 0
    for unit, word in zip(units, words, strict=True):
        pieces += [text[start : unit.start()], word]
        start = unit.end()
    return "".join([*pieces, text[start:]])


def noise(text: str, share: float, chance: Random) -> str:
    """Characters doubled, left out, or exchanged with the next."""
    return slipped(text, share, chance, lambda character: "")


def slipped(text: str, share: float, chance: Random, beside: Callable[[str], str]) -> str:
    """The same, and one that has others `beside` it may also become one of these."""
    characters = list(text)
    inside = [place for place, character in enumerate(characters) if not character.isspace()]
    for place in chance.sample(inside, min(len(inside), _some(len(inside), share))):
        others = beside(characters[place])
        match chance.choice(("double", "leave out", "exchange", "mistake")[: 4 if others else 3]):
            case "double":
                characters[place] *= 2
            case "leave out":
                characters[place] = ""
            case "exchange":
                characters[place : place + 2] = characters[place : place + 2][::-1]
            case _:
                characters[place] = chance.choice(others)
    return "".join(characters) if "".join(characters).strip() else text
