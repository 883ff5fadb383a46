"""Subwords: texts, or pairs of texts, as the numbers that an encoder was pretrained on.

A tokenizer is one file, `tokenizer.json`, which holds everything that decides about the numbers: vocabulary, special
tokens, how many tokens are kept of a text, and what fills the end of a batch. Training and serving read the same file
with the same library, `tokenizers`, which needs no framework.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from aiaas.backends import arrays
from aiaas.backends.sequences import ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILE = "tokenizer.json"
Text = str | tuple[str, str]
"""A text, or a pair of texts that are read together."""

_AT_ONCE = 1024  # texts whose tokens, as objects of the library, are in memory together
_LONG: Final = 4  # characters a token that is kept: a text of a pair that is longer than this is looked at beforehand


@dataclass(frozen=True, slots=True)
class Encoded:
    """Texts one after the other: the i-th is `tokens[starts[i]:starts[i + 1]]`, five bytes a token.

    `types` tells the two texts of a pair apart; `cut` says of each text whether it was longer than what is kept of it;
    `padding` is the number that stands behind the end of a text in a batch.
    """

    tokens: NDArray[np.int32]
    types: NDArray[np.int8]
    starts: NDArray[np.int64]
    cut: NDArray[np.bool_]
    padding: int

    @classmethod
    def joined(cls, parts: Sequence[Encoded], padding: int) -> Encoded:
        """The texts of several parts, one part after the other."""
        starts = np.concatenate([np.zeros(1, np.int64), *(part.lengths for part in parts)]).cumsum()
        return cls(
            np.concatenate([*(part.tokens for part in parts), np.empty(0, np.int32)]),
            np.concatenate([*(part.types for part in parts), np.empty(0, np.int8)]),
            starts,
            np.concatenate([*(part.cut for part in parts), np.empty(0, np.bool_)]),
            padding,
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.starts)

    def padded(self, places: NDArray[np.int64], multiple: int = 1) -> dict[str, NDArray[np.int64]]:
        """The texts at `places` (n,) as an encoder takes them: `input_ids`, `attention_mask` and `token_type_ids`, each
        (n, length) with the length of the longest text, rounded up to a multiple of `multiple`."""
        lengths = self.lengths[places]
        width = -(-int(lengths.max(initial=1)) // multiple) * multiple
        inside = np.arange(width) < lengths[:, None]
        found = ranges(self.starts[places], lengths)
        ids, types = np.full(inside.shape, self.padding, np.int64), np.zeros(inside.shape, np.int64)
        ids[inside], types[inside] = self.tokens[found], self.types[found]
        return {"input_ids": ids, "attention_mask": inside.astype(np.int64), "token_type_ids": types}


class Subwords:
    """Texts in, numbers out: the same ones for a text whatever stands beside it."""

    def __init__(self, tokenizer: Any) -> None:
        """`tokenizer` is one of the library `tokenizers` in which truncation and padding are enabled; see `of`."""
        self._truncation, self._padding = tokenizer.truncation, tokenizer.padding
        tokenizer.no_padding()  # batches are made of what is alike in length, not of what was encoded together
        self._tokenizer = tokenizer

    @classmethod
    def of(cls, tokenizer: Any, max_length: int, padding: tuple[int, str]) -> Subwords:
        """The tokenizer of an encoder, of whose texts at most `max_length` tokens are kept; `padding` is the number and
        the name of the token that fills a batch."""
        number, name = padding
        tokenizer.enable_truncation(max_length)
        tokenizer.enable_padding(pad_id=number, pad_token=name)
        return cls(tokenizer)

    @property
    def max_length(self) -> int:
        """Tokens of a text, or of a pair together, at most; the special ones count."""
        return int(self._truncation["max_length"])

    def __len__(self) -> int:
        """The highest number that a token can have, plus one."""
        return 1 + int(max((*self._tokenizer.get_vocab().values(), self.padding)))

    def encode(self, texts: Sequence[Text]) -> Encoded:
        """The tokens of every text, at least one and at most `max_length`; of a pair the longer text is cut first."""
        tokens, types, lengths, cut = [], [], [np.zeros(1, np.int64)], []
        for first in range(0, len(texts), _AT_ONCE):
            found = self._encodings(texts[first : first + _AT_ONCE])
            ids = [each.ids or [self.padding] for each in found]  # nothing downstream meets an empty text
            sizes = np.fromiter(map(len, ids), np.int64, len(ids))
            total = int(sizes.sum())
            tokens.append(np.fromiter(chain.from_iterable(ids), np.int32, total))
            types.append(np.fromiter(chain.from_iterable(each.type_ids or [0] for each in found), np.int8, total))
            lengths.append(sizes)
            cut += [len(each) >= self.max_length and bool(each.overflowing) for each in found]
        return Encoded(
            np.concatenate([*tokens, np.empty(0, np.int32)]),
            np.concatenate([*types, np.empty(0, np.int8)]),
            np.cumsum(np.concatenate(lengths)),
            np.array(cut, np.bool_),
            self.padding,
        )

    def _encodings(self, texts: Sequence[Text]) -> list[Any]:
        """What the library makes of the texts, in several threads."""
        shown = [self._shortened(text) if isinstance(text, tuple) else text for text in texts]
        try:
            return list(self._tokenizer.encode_batch_fast(shown))
        except TypeError:  # a text with half a surrogate pair, which JSON allows and UTF-8 does not
            return list(self._tokenizer.encode_batch_fast([_whole(text) for text in shown]))

    def _shortened(self, pair: tuple[str, str]) -> tuple[str, str]:
        """The pair without what is cut in any case. The library makes an object of every part that it cuts off one
        text with every part of the other: of two long ones, millions."""
        kept = 2 * self.max_length  # tokens: of what is near the end of these, none is left in the end

        def short(text: str) -> str:
            if len(text) <= _LONG * self.max_length:
                return text
            text = _whole(text)
            offsets = self._tokenizer.encode(text, add_special_tokens=False)
            windows = [offsets, *offsets.overflowing][:_LONG]
            ends = [end for window in windows for _, end in window.offsets]
            return text[: ends[kept]] if len(ends) > kept else text

        return short(pair[0]), short(pair[1])

    @property
    def padding(self) -> int:
        """The number of the token that fills a batch."""
        return int(self._padding["pad_id"])

    @property
    def content(self) -> str:
        """What `tokenizer.json` holds; equal tokenizers, equal content."""
        self._tokenizer.enable_padding(**_arguments(self._padding))
        try:
            return str(self._tokenizer.to_str(pretty=False))
        finally:
            self._tokenizer.no_padding()

    def save(self, directory: Path) -> None:
        """Write `tokenizer.json`; equal tokenizers, equal bytes."""
        (directory / FILE).write_text(self.content, encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Subwords:
        """What `save` wrote. Raises VerificationError."""
        from tokenizers import Tokenizer

        path = directory / FILE
        if not path.is_file():
            raise arrays.damaged(path, "a file of the model is missing")
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library's errors have no other class
            raise arrays.damaged(path, "the tokenizer of the model cannot be read") from error
        if tokenizer.truncation is None or tokenizer.padding is None:
            raise arrays.damaged(path, "the tokenizer of the model does not say how long a text may be")
        return cls(tokenizer)


def _whole(text: Any) -> Any:
    """The text without halves of surrogate pairs, each of which becomes U+FFFD."""
    if isinstance(text, tuple):
        return tuple(map(_whole, text))
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _arguments(padding: dict[str, Any]) -> dict[str, Any]:
    """What `enable_padding` takes, from what `padding` gives."""
    return {name: value for name, value in padding.items() if value is not None}
