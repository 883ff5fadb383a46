"""Removes stop words from texts whose words are divided by white space; Chinese goes through `segment` before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from aiaas.steps import _wordlists
from aiaas.steps._text import TextParams, TextStep

_LONG_CHINESE = re.compile(r"[\u3400-\u9fff]{12}")
_UNDIVIDED = frozenset({"zh", "ja"})


class Params(TextParams):
    """Which words go."""

    languages: list[Annotated[str, Field(pattern="^[a-z]{2}$")]] = Field(
        default_factory=lambda: ["zh", "en"], description="Languages whose stop words go, as ISO 639-1 codes."
    )
    add: list[str] = Field(default_factory=list, description="Further words to remove.")
    keep: list[str] = Field(default_factory=list, description="Words to keep although a list has them, such as `not`.")
    ignore_case: bool = Field(True, description="Remove `The` as well as `the`.")


class Step(TextStep):
    """Its state is the words themselves: which lists a machine has must not change what a served model answers."""

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        super().__init__(params, columns, label)
        self.params = params
        self._words: frozenset[str] | None = None
        self._lists: dict[str, dict[str, Any]] = {}
        self._undivided = 0

    def texts(self, texts: list[str]) -> list[str]:
        words = self._resolve()
        if _UNDIVIDED & set(self.params.languages):
            self._undivided += sum(_LONG_CHINESE.search(text) is not None for text in texts)
        if self.params.ignore_case:
            return [" ".join([word for word in text.split() if word.lower() not in words]) for text in texts]
        return [" ".join([word for word in text.split() if word not in words]) for text in texts]

    def _resolve(self) -> frozenset[str]:
        if self._words is None:
            lists = {language: _wordlists.find(language) for language in self.params.languages}
            self._lists = {
                language: {"source": found.source, "words": len(found.words)} for language, found in lists.items()
            }
            self._words = self._fold(
                {word for found in lists.values() for word in found.words} | set(self.params.add)
            ) - self._fold(self.params.keep)
        return self._words

    def _fold(self, words: Any) -> frozenset[str]:
        return frozenset(word.lower() for word in words) if self.params.ignore_case else frozenset(words)

    def state(self) -> Mapping[str, Any]:
        """The words that are removed, sorted, and the list of each language."""
        return {"words": sorted(self._resolve()), "lists": self._lists}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._words, self._lists = frozenset(state["words"]), dict(state["lists"])

    def report(self) -> Mapping[str, Any]:
        return {**super().report(), "undivided": self._undivided}

    def summarise(self, report: Mapping[str, Any]) -> Mapping[str, Any]:
        """With the lists that were found, and a warning where words cannot be told apart."""
        told = {"texts": report["texts"], "changed": report["changed"], "lists": self.state()["lists"]}
        # Words of more than a few characters are rare in Chinese: most texts having one were never segmented.
        if report["undivided"] * 2 > report["texts"]:
            told["warning"] = (
                f"{report['undivided']} of {report['texts']} texts are not divided into words, so stop words stay in "
                "them; put the step segment before stopwords"
            )
        return told
