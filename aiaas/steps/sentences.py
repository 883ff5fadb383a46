"""Divides texts into sentences: a row becomes as many rows as its text has sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Literal

from pydantic import Field

from aiaas import contracts, plugins
from aiaas.contracts import Batch, Sifted
from aiaas.errors import DataError
from aiaas.steps._columns import chosen

REQUIRES = ("nltk",)
_CLOSING = "”’」』）】》〉\\]\\)\"'"
_EASTERN = re.compile(rf"(?:[。！？；]|…+|[!?](?=[\u3400-\u9fff]))+[!?！？。…]*[{_CLOSING}]*|\n+")
"""Ends a sentence wherever it stands; the rule below is asked of what lies between."""
_WESTERN = re.compile(rf"[.!?]+[{_CLOSING}]*\s+(?=[\"'“‘(\[]*[^\W_a-z])")
_WORD_BEFORE = re.compile(r"\S*\Z")
_SHORT = (
    "mr mrs ms dr prof rev gen sen rep st jr sr vs etc inc ltd co corp dept est fig vol no nos pp approx jan feb mar "
    "apr jun jul aug sep sept oct nov dec e.g i.e cf al u.s u.k a.m p.m ph.d"
)
_ABBREVIATIONS = frozenset(_SHORT.split())


class Params(contracts.Params):
    """How sentences are found."""

    column: str | None = Field(None, description="The column to divide; by default the only feature.")
    method: Literal["auto", "rule", "punkt"] = Field(
        "auto",
        description="For texts with spaces: `punkt` (nltk's model, which must be on the machine), `rule` (signs, "
        "capital letters and common abbreviations), or `auto`: punkt where it is, else the rule. Chinese signs end a "
        "sentence always.",
    )
    language: str = Field("english", pattern="^[a-z]+$", description="The language of punkt's model.")


class Step:
    """Not for requests, which are answered as a whole. The other columns are repeated for each sentence."""

    ON_REQUEST: ClassVar[bool] = False
    ROWS: ClassVar[Literal["all", "train"]] = "all"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        if params.column is None and len(columns) != 1:
            raise DataError(
                f"sentences divides one column; name it, one of: {', '.join(columns)}",
                where="preprocess.steps.sentences.column",
            )
        (self.column,) = chosen([params.column] if params.column else None, columns)
        self.params: Params = params
        self._counts = {"texts": 0, "sentences": 0}

    def apply(self, batch: Batch) -> Batch | Sifted:
        texts = [self._divided(value) if isinstance(value, str) else [value] for value in batch[self.column]]
        if all(len(sentences) == 1 for sentences in texts):
            return {**batch, self.column: [sentence for (sentence,) in texts]}
        places = [place for place, sentences in enumerate(texts) for _ in sentences]
        rows = {name: [values[place] for place in places] for name, values in batch.items()}
        return Sifted({**rows, self.column: [each for sentences in texts for each in sentences]}, places)

    def _divided(self, text: str) -> list[str]:
        """The sentences, trimmed; a text without any stays as it is."""
        western = _western(self.params.method, self.params.language)[1]
        sentences: list[str] = []
        start = 0
        for end in [*(found.end() for found in _EASTERN.finditer(text)), len(text)]:
            piece = text[start:end].strip()
            start = end
            if piece:
                sentences += western(piece)
        self._counts["texts"] += 1
        self._counts["sentences"] += len(sentences)
        return sentences or [text]

    def report(self) -> Mapping[str, Any]:
        return self._counts

    def summarise(self, report: Mapping[str, Any]) -> Mapping[str, Any]:
        """With what divided texts that have spaces."""
        return {**report, "method": _western(self.params.method, self.params.language)[0]}


def by_rule(text: str) -> list[str]:
    """Sentences of a text with spaces: a sign that ends one, white space, and a beginning that is no small letter."""
    sentences: list[str] = []
    start = 0
    for found in _WESTERN.finditer(text):
        if found.group().startswith(".") and not found.group().startswith("..") and _abbreviated(text, found.start()):
            continue
        sentences.append(text[start : found.end()].rstrip())
        start = found.end()
    return [*sentences, text[start:]] if start < len(text) else sentences


def _abbreviated(text: str, end: int) -> bool:
    """Whether the full stop at `end` belongs to a word such as Dr. or to an initial."""
    found = _WORD_BEFORE.search(text, max(0, end - 12), end)
    word = found.group().lstrip("(\"'“‘[") if found else ""
    return word.lower() in _ABBREVIATIONS or (len(word) == 1 and word.isupper() and word != "I")


@lru_cache(maxsize=8)
def _western(method: str, language: str) -> tuple[str, Callable[[str], list[str]]]:
    """What divides texts with spaces, and its name."""
    if method == "rule":
        return "rule", by_rule
    plugins.require(REQUIRES, "dividing texts into sentences")
    from nltk.tokenize.punkt import PunktTokenizer

    try:
        return "punkt", PunktTokenizer(language).tokenize
    except LookupError:
        if method == "auto":
            return "rule", by_rule
        raise DataError(
            f"nltk's model punkt_tab for {language!r} is not on this machine",
            where="preprocess.steps.sentences",
            hint="python -m nltk.downloader punkt_tab, or `method: rule`",
        ) from None
