"""A vocabulary learned from texts: its tokens are characters, words, or words with characters for the rare ones.

Number 0 is padding, 1 stands for every token that was not learned, the others for the tokens from the most frequent on.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aiaas.backends import arrays
from aiaas.backends.sequences import Sequences, ranges
from aiaas.backends.texts import Tokens
from aiaas.errors import TrainingError
from aiaas.words import words

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNKNOWN, FIRST = 1, 2
"""The number of every token that was not learned, and that of the first token that was."""

FILE = "vocabulary.json"
_SPACES = re.compile(r"\s+")
_CODES = sys.maxunicode + 1


class Vocabulary:
    """Texts in, sequences of numbers out: the same ones for a text whatever stands beside it."""

    def __init__(self, params: Tokens, tokens: Sequence[str]) -> None:
        self.params, self.tokens = params, tuple(tokens)

    def __len__(self) -> int:
        """How many numbers there are: those of the tokens, of padding and of what is unknown."""
        return FIRST + len(self.tokens)

    def encode(self, texts: Sequence[str]) -> Sequences:
        """A sequence a text, of one token at least: a text without any is one unknown token."""
        if self.params.tokens == "char":
            codes = _characters(texts, self.params)
            return _never_empty(Sequences(self._of_code[codes.tokens], codes.starts))
        distinct: dict[str, int] = {}
        return self._spelled(_numbered(texts, self.params, distinct), list(distinct))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(self.tokens, FIRST)}

    @cached_property
    def _of_code(self) -> NDArray[np.int32]:
        """The number of every code point: 4 MB, and a text is encoded by one look-up."""
        table = np.full(_CODES, UNKNOWN, np.int32)
        table[[ord(token) for token in self.tokens]] = np.arange(FIRST, len(self), dtype=np.int32)
        return table

    def _spelled(self, places: Sequences, distinct: Sequence[str]) -> Sequences:
        """Sequences of places in a list of words, as sequences of numbers: of `both`, a word may be several."""
        known, apart = self._numbers, self.params.tokens == "both"
        spelled = [
            [known.get(each, UNKNOWN) for each in word] if apart and word not in known else [known.get(word, UNKNOWN)]
            for word in distinct
        ]
        sizes = np.array([len(each) for each in spelled], np.int64)
        begin = np.cumsum(sizes) - sizes
        flat = np.fromiter(chain.from_iterable(spelled), np.int32, int(sizes.sum()))
        numbers = flat[ranges(begin[places.tokens], sizes[places.tokens])]
        ends = np.concatenate(([0], np.cumsum(sizes[places.tokens])))
        return _never_empty(Sequences(numbers, ends[places.starts]))

    def save(self, directory: Path) -> None:
        """Write the tokens as a JSON list, in the order of their numbers."""
        arrays.write_json(directory / FILE, self.tokens)

    @classmethod
    def load(cls, directory: Path, params: Tokens) -> Vocabulary:
        """What `save` wrote. Raises VerificationError."""
        path = directory / FILE
        tokens = arrays.read_json(path)
        if not isinstance(tokens, list) or not all(isinstance(token, str) and token for token in tokens):
            raise arrays.damaged(path, "the vocabulary of the model is no list of tokens")
        if len(set(tokens)) < len(tokens) or (params.tokens == "char" and any(len(token) > 1 for token in tokens)):
            raise arrays.damaged(path, "the tokens of the model's vocabulary do not fit each other")
        return cls(params, tokens)


def learn(params: Tokens, batches: Iterable[Sequence[str]]) -> tuple[Vocabulary, Sequences]:
    """The vocabulary of all texts, and the texts encoded with it; each text is looked at once.

    Raises TrainingError when no token is frequent enough.
    """
    distinct: dict[str, int] = {}
    if params.tokens == "char":
        parts = [_characters(batch, params) for batch in batches]
    else:
        parts = [_numbered(batch, params, distinct) for batch in batches]
    texts = Sequences.joined(parts)
    parts.clear()
    if params.tokens == "char":
        counts = np.bincount(texts.tokens, minlength=1)
        present = counts.nonzero()[0]
        vocabulary = Vocabulary(params, _chosen([chr(code) for code in present], counts[present], params))
        return vocabulary, _never_empty(Sequences(vocabulary._of_code[texts.tokens], texts.starts))
    found = list(distinct)
    counts = np.bincount(texts.tokens, minlength=len(found))
    if params.tokens == "both":
        vocabulary = Vocabulary(params, _chosen(*_with_characters(found, counts.tolist(), params), params))
    else:
        vocabulary = Vocabulary(params, _chosen(found, counts, params))
    return vocabulary, vocabulary._spelled(texts, found)


def _chosen(tokens: Sequence[str], counts: NDArray[np.int64], params: Tokens) -> list[str]:
    """The most frequent tokens first; of equally frequent ones that which came first. Raises TrainingError."""
    order = np.argsort(-counts, kind="stable")[: params.max_size]
    chosen = [tokens[place] for place in order if counts[place] >= params.min_count]
    if not chosen:
        raise TrainingError(
            "no token is left to learn from: the texts are empty, or min_count is too high", hint="lower min_count"
        )
    return chosen


def _with_characters(
    found: Sequence[str], counts: Sequence[int], params: Tokens
) -> tuple[list[str], NDArray[np.int64]]:
    """The words that are frequent enough, and the characters of all others, with how often each stands there."""
    words = {word: count for word, count in zip(found, counts, strict=True) if count >= params.min_count}
    characters: Counter[str] = Counter()
    for word, count in zip(found, counts, strict=True):
        if word not in words:
            for character in word:
                characters[character] += count
    together = Counter(words) + characters
    return list(together), np.array(list(together.values()), np.int64)


def _characters(texts: Sequence[str], params: Tokens) -> Sequences:
    """The code points of every text; runs of white space count as one space."""
    if params.lowercase:
        texts = [text.lower() for text in texts]
    texts = [_SPACES.sub(" ", text) for text in texts]
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.int32)
    return Sequences(codes, np.cumsum([0, *map(len, texts)], dtype=np.int64))


def _numbered(texts: Sequence[str], params: Tokens, distinct: dict[str, int]) -> Sequences:
    """Each word of every text by its place in `distinct`, which grows by those that are new."""
    numbers: list[int] = []
    starts = [0]
    for text in texts:
        divided = words(text.lower() if params.lowercase else text)
        numbers.extend([distinct.setdefault(word, len(distinct)) for word in divided])
        starts.append(len(numbers))
    return Sequences(np.array(numbers, np.int32), np.array(starts, np.int64))


def _never_empty(sequences: Sequences) -> Sequences:
    """The same, with one unknown token in each sequence that had none: nothing downstream meets an empty one."""
    empty = (sequences.lengths == 0).nonzero()[0]
    if not empty.size:
        return sequences
    tokens = np.insert(sequences.tokens, sequences.starts[empty], UNKNOWN)
    lengths = np.maximum(sequences.lengths, 1)
    return Sequences(tokens, np.concatenate(([0], np.cumsum(lengths))))
