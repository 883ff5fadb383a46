"""Texts as people also type them: slips of the finger, another case, another width, other characters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from random import Random
from typing import Any

from aiaas import chinese, plugins
from aiaas.perturb.words import slipped

REQUIRES = ("pypinyin",)
SHARE = 0.05
"""Of the characters of a text so many are mistyped, one at least."""

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_FULL = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}
_WIDTHS = _FULL | {full: half for half, full in _FULL.items()}


def typos(text: Any, chance: Random) -> Any:
    """Characters doubled, left out or exchanged with the next, as in any script; a Latin letter may also become one
    beside it on the keyboard."""
    if not isinstance(text, str):
        return text
    return slipped(text, SHARE, chance, lambda character: _beside().get(character.lower(), ""))


def _some(count: int) -> int:
    return min(count, max(1, round(count * SHARE)))


@cache
def _beside() -> Mapping[str, str]:
    """The keys beside each letter's, on the keyboard that most of the world has."""
    found: dict[str, str] = {}
    for number, row in enumerate(_ROWS):
        for place, key in enumerate(row):
            around = [row[max(0, place - 1) : place], row[place + 1 : place + 2]]
            around += [_ROWS[number - 1][place : place + 2]] if number else []
            around += [_ROWS[number + 1][max(0, place - 1) : place + 1]] if number + 1 < len(_ROWS) else []
            found[key] = "".join(around)
    return found


def homophones(text: Any, chance: Random) -> Any:
    """Chinese characters that sound alike, as who types pinyin and takes the wrong one writes them."""
    if not isinstance(text, str):
        return text
    characters = list(text)
    inside = [place for place, character in enumerate(characters) if character in _alike()]
    for place in chance.sample(inside, _some(len(inside))):
        characters[place] = chance.choice(_alike()[characters[place]])
    return "".join(characters)


@cache
def _alike() -> Mapping[str, str]:
    """The common characters (level 1 of GB 2312, in use since 1980) that share the syllable of each, tones aside."""
    plugins.require(REQUIRES, "putting characters that sound alike in the place of others")
    from pypinyin import Style, pinyin

    common = [bytes([high, low]).decode("gb2312", "ignore") for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF)]
    syllables = {each: pinyin(each, style=Style.NORMAL)[0][0] for each in common if each}
    sounding: dict[str, list[str]] = defaultdict(list)
    for character, syllable in syllables.items():
        sounding[syllable].append(character)
    others = {each: "".join(sounding[syllable]).replace(each, "") for each, syllable in syllables.items()}
    return {each: alike for each, alike in others.items() if alike}


def case(text: Any, chance: Random) -> Any:
    """All in capitals or in small letters, whichever it was not."""
    if not isinstance(text, str):
        return text
    return chance.choice([each for each in (text.upper(), text.lower()) if each != text] or [text])


def width(text: Any, chance: Random) -> Any:
    """Letters, digits, signs and spaces of half width in full width, as an input method for Chinese may write them, and
    those of full width in half."""
    return text.translate(_WIDTHS) if isinstance(text, str) else text


def traditional(text: Any, chance: Random) -> Any:
    """Simplified Chinese in traditional characters."""
    return chinese.converted(text, "s2t") if isinstance(text, str) else text
