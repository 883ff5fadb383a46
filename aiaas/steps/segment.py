"""Divides Chinese texts into words with jieba, written with a space between them. Other scripts pass as they are."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

from pydantic import Field, field_validator

from aiaas import plugins
from aiaas.steps._text import TextParams, TextStep

_LOCK = threading.Lock()


class Params(TextParams):
    """How jieba cuts."""

    mode: Literal["default", "search"] = Field(
        "default", description="`search` writes the short words inside a long one as well."
    )
    hmm: bool = Field(True, description="Guess words that the dictionary does not have.")
    words: list[str] = Field(default_factory=list, description="Words to add to the dictionary.")

    @field_validator("words")
    @classmethod
    def _one_word_each(cls, words: list[str]) -> list[str]:
        for word in words:
            if len(word.split()) != 1 or word != word.strip():
                raise ValueError(f"a word holds no white space and is not empty, unlike {word!r}")
        return words


@lru_cache(maxsize=2)
def _tokenizer(words: tuple[str, ...]) -> Any:
    """A jieba tokenizer of our own, its dictionary read from the package: 0.7 s, once in a process.

    jieba would load a cache from the shared temporary folder, where anybody may have put one.
    """
    plugins.require(["jieba"], "the step segment")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba's invalid escapes, and pkg_resources
        import jieba
    jieba.setLogLevel("WARNING")
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    for word in words:
        tokenizer.add_word(word)
    return tokenizer


class Step(TextStep):
    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        super().__init__(params, columns, label)
        self.params = params

    def texts(self, texts: list[str]) -> list[str]:
        with _LOCK:  # requests come in threads; the dictionary is read by the first
            tokenizer = _tokenizer(tuple(self.params.words))
        cut = tokenizer.cut_for_search if self.params.mode == "search" else tokenizer.cut
        hmm = self.params.hmm
        return [" ".join([word for word in cut(text, HMM=hmm) if not word.isspace()]) for text in texts]
