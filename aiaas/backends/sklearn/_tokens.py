"""Texts as numbers: characters as code points, words as their place in a list of words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

END = -1
"""Stands after the last token of every text, and for a word that was never learned: no n-gram spans it."""

_SPACES = re.compile(r"\s\s+")
_WORD = re.compile(r"(?u)\b\w+\b")


class Tokens(Protocol):
    """Turns texts into one array of tokens."""

    def encode(self, texts: Sequence[str], learn: bool = False) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The tokens of all texts one after the other, `END` after each text, and how many belong to each text
        (`END` counted). With `learn`, unknown tokens are given a number; otherwise they are `END`."""

    def numbers_in(self, other: Any, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """What `other` calls each of these tokens; `END` for those that it does not know."""

    def spell(self, tokens: Iterable[int]) -> str:
        """The n-gram that these tokens are."""


class Characters:
    """Characters, runs of white space counted as one space, as scikit-learn's `char` analyzer has it."""

    def __init__(self, lowercase: bool) -> None:
        self._lowercase = lowercase

    def encode(self, texts: Sequence[str], learn: bool = False) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if self._lowercase:
            texts = [text.lower() for text in texts]
        texts = [_SPACES.sub(" ", text) for text in texts]
        lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
        joined = "".join(chain.from_iterable((text, "\0") for text in texts))
        tokens = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)
        tokens[np.cumsum(lengths) - 1] = END
        return tokens, lengths

    def numbers_in(self, other: Any, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        return tokens

    def spell(self, tokens: Iterable[int]) -> str:
        return "".join(map(chr, tokens))


class Words:
    """Runs of word characters. A single character is a word too: in Chinese many are."""

    def __init__(self, lowercase: bool, words: Iterable[str] = ()) -> None:
        self._lowercase = lowercase
        self._numbers = {word: number for number, word in enumerate(words)}

    @property
    def words(self) -> list[str]:
        """Every word, in the order of its number."""
        return list(self._numbers)

    def _split(self, texts: Sequence[str]) -> Iterator[list[str]]:
        for text in texts:
            yield _WORD.findall(text.lower() if self._lowercase else text)

    def encode(self, texts: Sequence[str], learn: bool = False) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        numbers = self._numbers
        tokens: list[int] = []
        lengths = np.empty(len(texts), np.int64)
        for place, words in enumerate(self._split(texts)):
            if learn:
                tokens.extend([numbers.setdefault(word, len(numbers)) for word in words])
            else:
                tokens.extend([numbers.get(word, END) for word in words])
            tokens.append(END)
            lengths[place] = len(words) + 1
        return np.array(tokens, np.int64), lengths

    def numbers_in(self, other: Any, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        known = other._numbers
        return np.array([known.get(word, END) for word in self._numbers], np.int64).take(tokens)

    def spell(self, tokens: Iterable[int]) -> str:
        words = self.words
        return " ".join(words[token] for token in tokens)
