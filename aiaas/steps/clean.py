"""Cleans texts: Unicode form, invisible characters, HTML, white space. Cleaning twice is cleaning once."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from aiaas.steps import _markup
from aiaas.steps._text import TextParams, TextStep

_NUL = "\0"
# Control characters that are white space (tab, line feed, U+0085 …) belong to white space, not here. Lone surrogates
# cannot be written as UTF-8.
_CONTROL = "\x01-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff"
_PLAIN = [char for char in map(chr, range(128)) if re.match(f"[{_CONTROL}]", char)]
_ZERO_WIDTH = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
# The compatibility characters that fill East Asian text. Replaced beforehand, with what NFKC makes of them, most texts
# need no normalisation, which costs 130 ns a character.
_COMMON = {
    char: unicodedata.normalize("NFKC", char) for char in "，！？：；（）％．＋－～…＂￥\u3000０１２３４５６７８９"
}
_DEPTH = 16
_LONG = 1000
_TO_SPACES = bytes.maketrans(b"\t\n\v\f\r\x1c\x1d\x1e\x1f", b" " * 9)
"""Of ASCII what `str.split` takes for white space."""


class Params(TextParams):
    """What to clean away; everything by default."""

    nfkc: bool = Field(True, description="Bring characters to Unicode's NFKC form: full-width letters become plain.")
    control: bool = Field(True, description="Remove control characters that are not white space.")
    zero_width: bool = Field(True, description="Remove zero-width, soft-hyphen and writing-direction characters.")
    tags: bool = Field(True, description="Remove HTML tags and comments, and scripts and styles with their content.")
    entities: bool = Field(True, description="Turn HTML entities into characters: &lt; becomes <.")
    whitespace: bool = Field(
        True, description="Make every run of white space, new lines too, one space; trim the ends."
    )


class Step(TextStep):
    """Works on a batch as one string, the texts divided by NUL, so that Python's cost is paid once a batch."""

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        super().__init__(params, columns, label)
        self.params = params
        unseen = _CONTROL * params.control + _ZERO_WIDTH * params.zero_width
        self._unseen = re.compile(f"[{unseen}]") if unseen else None

    def texts(self, texts: list[str]) -> list[str]:
        # Apart, for most of what is looked for is not ASCII, and one other character makes every character wider.
        plain = [text.isascii() for text in texts]
        if all(plain) or not any(plain):
            return self._batch(texts)
        done = {
            ascii: iter(self._batch([text for text, each in zip(texts, plain, strict=True) if each is ascii]))
            for ascii in (True, False)
        }
        return [next(done[ascii]) for ascii in plain]

    def _batch(self, texts: list[str]) -> list[str]:
        joined = _NUL.join(texts)
        if joined.count(_NUL) != len(texts) - 1:
            if not self.params.control:
                return [self._one(text) for text in texts]
            joined = _NUL.join([text.replace(_NUL, "") for text in texts])
        joined = self._whitespace(self._characters(joined))
        cleaned = joined.split(_NUL)
        if "<" in joined or "&" in joined:
            cleaned = [self._markup(text) if "<" in text or "&" in text else text for text in cleaned]
        return cleaned

    def _one(self, text: str) -> str:
        """A text that keeps its NUL."""
        return _NUL.join([self._markup(part) for part in self._whitespace(self._characters(text)).split(_NUL)])

    def _characters(self, text: str) -> str:
        """Unicode form and invisible characters, over texts divided by NUL."""
        text = self._normal(text)
        if self._unseen is None or (text.isascii() and not any(map(text.__contains__, _PLAIN))):
            return text
        kept: list[str] = []
        done = 0
        while found := self._unseen.search(text, done):
            begin, end = text.rfind(_NUL, 0, found.start()) + 1, text.find(_NUL, found.end())
            end = len(text) if end < 0 else end
            # What stood apart may now combine, such as a letter and its accent.
            kept += [text[done:begin], self._normal(self._unseen.sub("", text[begin:end]))]
            done = end
        return "".join([*kept, text[done:]]) if kept else text

    def _normal(self, text: str) -> str:
        if not self.params.nfkc or text.isascii() or unicodedata.is_normalized("NFKC", text):
            return text
        for char, normal in _COMMON.items():
            text = text.replace(char, normal)
        if unicodedata.is_normalized("NFKC", text):
            return text
        return _NUL.join(
            [
                part if unicodedata.is_normalized("NFKC", part) else unicodedata.normalize("NFKC", part)
                for part in text.split(_NUL)
            ]
        )

    def _whitespace(self, text: str) -> str:
        if not self.params.whitespace:
            return text
        text = _single_spaced(text) if len(text) > _LONG and text.isascii() else " ".join(text.split())
        return text.replace(" \0", _NUL).replace("\0 ", _NUL)

    def _markup(self, text: str) -> str:
        """Tags and entities of one text, until none is left: an entity may hide a tag, and a tag another.

        A text that hides them deeper than `_DEPTH` is hostile, and loses the characters that make them.
        """
        for _ in range(_DEPTH):
            before = text
            if self.params.tags and "<" in text:
                text = _markup.strip(text)
            if self.params.entities and "&" in text:
                text = html.unescape(text)
            if text == before:
                return text
            text = self._whitespace(self._characters(text))
            if "<" not in text and "&" not in text:
                return text
        text = text.replace("<", " ") if self.params.tags else text
        text = text.replace("&", " ") if self.params.entities else text
        return self._whitespace(text)


def _single_spaced(text: str) -> str:
    """What dividing at white space and joining by spaces makes of ASCII, which has a space after every word, in a
    quarter of the time."""
    import numpy as np

    codes = np.frombuffer(text.encode("ascii").translate(_TO_SPACES), np.uint8)
    space = codes == ord(" ")
    again = space[1:] & space[:-1]
    if again.any():
        codes = codes[np.append(True, ~again)]
    return codes.tobytes().decode("ascii").strip(" ")
