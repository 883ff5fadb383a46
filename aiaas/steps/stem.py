"""Brings words to their stem with nltk: `connected`, `connecting` and `connection` become `connect`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

from pydantic import Field, model_validator

from aiaas import plugins
from aiaas.steps._text import TextParams, TextStep

REQUIRES = ("nltk",)
# Letters of any script that has stems, and an apostrophe inside a word.
_WORD = re.compile(r"((?:[^\W\d_\u0e00-\u0e7f\u3040-\u9fff\uac00-\ud7a3\uf900-\ufaff]|(?<=\w)['’](?=\w))+)")
_REMEMBERED = 2**17


class Params(TextParams):
    """Whose rules."""

    algorithm: Literal["snowball", "porter"] = Field(
        "snowball", description="Porter's rules of 1980 (English only), or the later ones of Snowball."
    )
    language: Literal[
        "arabic", "danish", "dutch", "english", "finnish", "french", "german", "hungarian", "italian", "norwegian",
        "portuguese", "romanian", "russian", "spanish", "swedish",
    ] = Field("english", description="The language of the texts; words of other scripts stay as they are.")  # fmt: skip

    @model_validator(mode="after")
    def _porter_is_english(self) -> Params:
        if self.algorithm == "porter" and self.language != "english":
            raise ValueError(f"porter knows English alone; {self.language} goes with snowball")
        return self


class Step(TextStep):
    """Stems are lower-case. What stands between words stays."""

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        super().__init__(params, columns, label)
        self.params = params
        self._stems: _Stems | None = None

    def texts(self, texts: list[str]) -> list[str]:
        if self._stems is None:
            self._stems = _Stems(_stemmer(self.params))
        stems = self._stems
        stemmed = []
        for text in texts:
            pieces = _WORD.split(text)  # what stands between words, a word, and so on
            pieces[1::2] = map(stems.__getitem__, pieces[1::2])
            stemmed.append("".join(pieces))
        stems.forget()
        return stemmed


class _Stems(dict[str, str]):
    """The stems of the words that came before, and of others as they are asked for."""

    def __init__(self, stem: Callable[[str], str]) -> None:
        super().__init__()
        self._stem = stem

    def __missing__(self, word: str) -> str:
        stem = self[word] = self._stem(word)
        return stem

    def forget(self) -> None:
        if len(self) > _REMEMBERED:
            self.clear()


def _stemmer(params: Params) -> Callable[[str], str]:
    plugins.require(REQUIRES, "bringing words to their stem")
    if params.algorithm == "porter":
        from nltk.stem.porter import PorterStemmer

        stemmer = PorterStemmer()
    else:
        from nltk.stem.snowball import SnowballStemmer

        stemmer = SnowballStemmer(params.language)
    return cast(Callable[[str], str], stemmer.stem)
