"""Texts as running characters: a number for each character that was learned, one for any other, one for the end."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aiaas.backends import arrays
from aiaas.errors import TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

END, UNKNOWN, FIRST = 0, 1, 2
"""The numbers of the end of a text, of a character that was not learned, and of the first one that was."""

FILE = "characters.json"
_CODES = sys.maxunicode + 1
_SURROGATES = 0x800


class Characters:
    """The characters that were learned, the most frequent first. White space counts as it stands: lines stay lines."""

    def __init__(self, characters: str) -> None:
        self.characters = characters
        codes = np.frombuffer(characters.encode("utf-32-le"), np.uint32)
        self._numbers = np.full(_CODES, UNKNOWN, np.int32)
        self._numbers[codes] = np.arange(FIRST, FIRST + codes.size, dtype=np.int32)

    def __len__(self) -> int:
        """How many numbers there are."""
        return FIRST + len(self.characters)

    @property
    def others(self) -> int:
        """How many characters of Unicode were not learned."""
        return _CODES - _SURROGATES - len(self.characters)

    def encode(self, text: str) -> NDArray[np.int32]:
        """The number of each character (characters,), without an end."""
        return self._numbers[_codes(text)]

    def decode(self, number: int) -> str:
        """The character that was learned under a number from `FIRST` on."""
        return self.characters[number - FIRST]

    def save(self, directory: Path) -> None:
        arrays.write_json(directory / FILE, self.characters)

    @classmethod
    def load(cls, directory: Path) -> Characters:
        """What `save` wrote. Raises VerificationError."""
        path = directory / FILE
        characters = arrays.read_json(path)
        if not isinstance(characters, str) or not characters or len(set(characters)) < len(characters):
            raise arrays.damaged(path, "the characters of the model are no text of different ones")
        try:
            return cls(characters)
        except UnicodeEncodeError:
            raise arrays.damaged(path, "the characters of the model hold half of a surrogate pair") from None


def learn(batches: Iterable[Sequence[str]], min_count: int, most: int) -> Characters:
    """The characters that stand in the texts at least `min_count` times, `most` of them at most. Raises TrainingError
    when there is none."""
    counts = np.zeros(_CODES, np.int64)
    for texts in batches:
        found = np.bincount(_codes("".join(texts)))
        counts[: found.size] += found
    order = np.argsort(-counts, kind="stable")[:most]
    chosen = order[counts[order] >= min_count]
    if not chosen.size:
        raise TrainingError(
            f"no character stands in the training texts {min_count} times or more",
            hint="collect more texts, or lower model.params.min_count",
        )
    return Characters("".join(map(chr, chosen.tolist())))


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
