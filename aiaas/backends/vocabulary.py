"""A vocabulary learned from texts: of characters, of words, of words with characters for the rare ones, or of both.

Number 0 is padding, 1 stands for every token that was not learned, the others for the tokens from the most frequent on;
of both, the words come before the characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from aiaas.backends import arrays
from aiaas.backends.lexicon import FIRST, UNKNOWN, Characters, Words
from aiaas.backends.sequences import Sequences
from aiaas.backends.texts import Tokens
from aiaas.errors import TrainingError

FILE = "vocabulary.json"


class Vocabulary:
    """Texts in, sequences of numbers out: the same ones for a text whatever stands beside it."""

    def __init__(
        self, params: Tokens, lists: Sequence[Sequence[str]], lexica: Sequence[Characters | Words] | None = None
    ) -> None:
        """`lists` holds the tokens: one list, or that of the words and that of the characters. `lexica` are those that
        have read the texts already."""
        self.params = params
        self._lexica = lexica or _lexica(params)
        number = FIRST
        for lexicon, tokens in zip(self._lexica, lists, strict=True):
            lexicon.take(tokens, number)
            number += len(tokens)

    def __len__(self) -> int:
        """How many numbers there are: those of the tokens, of padding and of what is unknown."""
        return FIRST + len(self.tokens)

    @property
    def tokens(self) -> tuple[str, ...]:
        """Every token in the order of its number, from `FIRST` on."""
        return tuple(chain.from_iterable(lexicon.tokens for lexicon in self._lexica))

    def encode(self, texts: Sequence[str]) -> Sequences:
        """A sequence a text, of one token at least: a text without any is one unknown token. A text of more than
        `max_length` tokens is cut there."""
        return self._together([lexicon.encode(texts) for lexicon in self._lexica])

    def _together(self, views: Sequence[Sequences]) -> Sequences:
        first, *others = (view.cut(self.params.max_length) for view in views)
        for other in others:
            first = first.followed_by(other)
        return _never_empty(first)

    def save(self, directory: Path) -> None:
        """Write the lists of tokens as JSON, in the order of their numbers."""
        arrays.write_json(directory / FILE, [lexicon.tokens for lexicon in self._lexica])

    @classmethod
    def load(cls, directory: Path, params: Tokens) -> Vocabulary:
        """What `save` wrote. Raises VerificationError."""
        path = directory / FILE
        lists, lexica = arrays.read_json(path), _lexica(params)
        if not isinstance(lists, list) or len(lists) != len(lexica):
            raise arrays.damaged(path, "the vocabulary of the model is no list of lists of tokens")
        for tokens, lexicon in zip(lists, lexica, strict=True):
            if not isinstance(tokens, list) or not all(isinstance(token, str) and token for token in tokens):
                raise arrays.damaged(path, "the vocabulary of the model is no list of lists of tokens")
            wide = isinstance(lexicon, Characters) and any(len(token) > 1 for token in tokens)
            if wide or len(set(tokens)) < len(tokens):
                raise arrays.damaged(path, "the tokens of the model's vocabulary do not fit each other")
        return cls(params, lists)


def learn(params: Tokens, batches: Iterable[Sequence[str]]) -> tuple[Vocabulary, Sequences, int]:
    """The vocabulary of all texts, the texts encoded with it, and how many of them were cut. Each text is looked at
    once. Raises TrainingError when no token is frequent enough."""
    lexica = _lexica(params)
    seen: list[list[Sequences]] = [[] for _ in lexica]
    for batch in batches:
        for lexicon, parts in zip(lexica, seen, strict=True):
            parts.append(lexicon.read(batch))
    views = [Sequences.joined(parts) for parts in seen]
    seen.clear()
    chosen = [lexicon.choose(view) for lexicon, view in zip(lexica, views, strict=True)]
    if not any(chosen):
        raise TrainingError(
            "no token is left to learn from: the texts are empty, or min_count is too high", hint="lower min_count"
        )
    vocabulary = Vocabulary(params, chosen, lexica)
    encoded = [lexicon.number(view) for lexicon, view in zip(lexica, views, strict=True)]
    longer = np.any([view.lengths > params.max_length for view in encoded], axis=0)
    return vocabulary, vocabulary._together(encoded), int(longer.sum())


def _lexica(params: Tokens) -> list[Characters | Words]:
    """What divides texts as `params` say, with nothing learned yet."""
    match params.tokens:
        case "char":
            return [Characters(params)]
        case "both":
            return [Words(params), Characters(params)]
    return [Words(params)]


def _never_empty(sequences: Sequences) -> Sequences:
    """The same, with one unknown token in each sequence that had none: nothing downstream meets an empty one."""
    empty = (sequences.lengths == 0).nonzero()[0]
    if not empty.size:
        return sequences
    tokens = np.insert(sequences.tokens, sequences.starts[empty], UNKNOWN)
    lengths = np.maximum(sequences.lengths, 1)
    return Sequences(tokens, np.concatenate(([0], np.cumsum(lengths))))
