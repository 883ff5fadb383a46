"""Takes the tags away from annotated words: `迈向/v 新/a 世纪/n` becomes `迈向新世纪`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from aiaas.steps._text import TextParams, TextStep


class Params(TextParams):
    """How words and tags are written."""

    separator: str = Field(
        "/", min_length=1, max_length=8, description="What stands between a word and its tag; of several the last."
    )
    join: str = Field(
        "", max_length=8, description="What to put between the words: nothing for Chinese, a space for English."
    )


class Step(TextStep):
    """Not for requests: they hold plain text, in which the separator is a character like any other."""

    ON_REQUEST: ClassVar[bool] = False

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        super().__init__(params, columns, label)
        self.params = params

    def texts(self, texts: list[str]) -> list[str]:
        return [self.params.join.join(map(self._word, text.split())) for text in texts]

    def _word(self, tagged: str) -> str:
        word, separator, _ = tagged.rpartition(self.params.separator)
        return word if separator else tagged
