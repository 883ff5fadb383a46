"""Divides Chinese texts into words with jieba, written with a space between them. Other scripts pass as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, field_validator

from aiaas.steps._text import TextParams, TextStep
from aiaas.words import segmenter


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


class Step(TextStep):
    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        super().__init__(params, columns, label)
        self.params = params

    def texts(self, texts: list[str]) -> list[str]:
        params = self.params
        cut = segmenter(tuple(params.words), search=params.mode == "search", hmm=params.hmm)
        return [" ".join([word for word in cut(text) if not word.isspace()]) for text in texts]
