"""Lists of tokens with their numbers: of characters, or of words. First `read` what a text has, then `choose` what is
kept, `take` it with its numbers, and give those for what was read."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from aiaas.backends.sequences import Sequences, ranges
from aiaas.backends.texts import Tokens
from aiaas.words import words

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNKNOWN, FIRST = 1, 2
"""The number of every token that was not learned, and that of the first token that was."""

_SPACES = re.compile(r"\s+")
_CODES = sys.maxunicode + 1


class Characters:
    """Characters; runs of white space count as one space."""

    def __init__(self, params: Tokens) -> None:
        self.params = params
        self.tokens: tuple[str, ...] = ()
        self._numbers = np.empty(0, np.int32)

    def take(self, tokens: Sequence[str], first: int) -> None:
        """Number `tokens` from `first` on: 4 MB, and a text is encoded by one look-up."""
        self.tokens = tuple(tokens)
        self._numbers = np.full(_CODES, UNKNOWN, np.int32)
        self._numbers[[ord(token) for token in tokens]] = np.arange(first, first + len(tokens), dtype=np.int32)

    def encode(self, texts: Sequence[str]) -> Sequences:
        """The numbers of the characters of each text."""
        return self.number(self.read(texts))

    def read(self, texts: Sequence[str]) -> Sequences:
        """The code points of each text."""
        if self.params.lowercase:
            texts = [text.lower() for text in texts]
        texts = [_SPACES.sub(" ", text) for text in texts]
        codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.int32)
        return Sequences(codes, np.cumsum([0, *map(len, texts)], dtype=np.int64))

    def choose(self, read: Sequences) -> list[str]:
        """The characters to keep of all that were read."""
        counts = np.bincount(read.tokens, minlength=1)
        present = counts.nonzero()[0]
        return _chosen([chr(code) for code in present], counts[present], self.params)

    def number(self, read: Sequences) -> Sequences:
        """What was read, in numbers."""
        return Sequences(self._numbers[read.tokens], read.starts)


class Words:
    """Words; where the recipe says so, a word that is not in the list is given by its characters."""

    def __init__(self, params: Tokens) -> None:
        self.params, self.spelled = params, params.tokens == "spelled"
        self.tokens: tuple[str, ...] = ()
        self._numbers: dict[str, int] = {}
        self._read: dict[str, int] = {}

    def take(self, tokens: Sequence[str], first: int) -> None:
        """Number `tokens` from `first` on."""
        self.tokens = tuple(tokens)
        self._numbers = {token: number for number, token in enumerate(tokens, first)}

    def encode(self, texts: Sequence[str]) -> Sequences:
        """The numbers of the words of each text."""
        met: dict[str, int] = {}
        return self._in_numbers(self._divided(texts, met), met)

    def read(self, texts: Sequence[str]) -> Sequences:
        """Each word of every text by its place among all that were read."""
        return self._divided(texts, self._read)

    def choose(self, read: Sequences) -> list[str]:
        """The words, or words and characters, to keep of all that were read."""
        found = list(self._read)
        counts = np.bincount(read.tokens, minlength=len(found))
        if self.spelled:
            return _chosen(*_with_characters(found, counts.tolist(), self.params.min_count), self.params)
        return _chosen(found, counts, self.params)

    def number(self, read: Sequences) -> Sequences:
        """What was read, in numbers; the words are forgotten then."""
        numbers = self._in_numbers(read, self._read)
        self._read = {}
        return numbers

    def _divided(self, texts: Sequence[str], met: dict[str, int]) -> Sequences:
        """Each word of every text by its place in `met`, which grows by those that are new."""
        places: list[int] = []
        starts = [0]
        for text in texts:
            divided = words(text.lower() if self.params.lowercase else text)
            places.extend([met.setdefault(word, len(met)) for word in divided])
            starts.append(len(places))
        return Sequences(np.array(places, np.int32), np.array(starts, np.int64))

    def _in_numbers(self, places: Sequences, met: dict[str, int]) -> Sequences:
        """Sequences of places in `met` as sequences of numbers; a word that is spelled is several."""
        known, spelled = self._numbers, self.spelled
        each = [
            [known.get(part, UNKNOWN) for part in word] if spelled and word not in known else [known.get(word, UNKNOWN)]
            for word in met
        ]
        sizes = np.array([len(numbers) for numbers in each], np.int64)
        begin = np.cumsum(sizes) - sizes
        flat = np.fromiter(chain.from_iterable(each), np.int32, int(sizes.sum()))
        numbers = flat[ranges(begin[places.tokens], sizes[places.tokens])]
        ends = np.concatenate(([0], np.cumsum(sizes[places.tokens])))
        return Sequences(numbers, ends[places.starts])


def _chosen(tokens: Sequence[str], counts: NDArray[np.int64], params: Tokens) -> list[str]:
    """The most frequent tokens first; of equally frequent ones that which came first."""
    order = np.argsort(-counts, kind="stable")[: params.max_size]
    return [tokens[place] for place in order if counts[place] >= params.min_count]


def _with_characters(found: Sequence[str], counts: Sequence[int], least: int) -> tuple[list[str], NDArray[np.int64]]:
    """The words that are frequent enough, and the characters of all others, with how often each stands there."""
    frequent = {word: count for word, count in zip(found, counts, strict=True) if count >= least}
    characters: Counter[str] = Counter()
    for word, count in zip(found, counts, strict=True):
        if word not in frequent:
            for character in word:
                characters[character] += count
    together = Counter(frequent) + characters
    return list(together), np.array(list(together.values()), np.int64)
