"""Writes Chinese in other characters with OpenCC: traditional as simplified, simplified as traditional, and between
the standards of Taiwan and Hong Kong. Phrases are converted as a whole, so that 皇后 stays and 后来 becomes 後來."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from aiaas.chinese import REQUIRES, converted
from aiaas.steps._text import TextParams, TextStep

__all__ = ["REQUIRES", "Params", "Step"]


class Params(TextParams):
    """From which characters into which."""

    conversion: Literal[
        "t2s", "s2t", "s2tw", "s2twp", "s2hk", "tw2s", "tw2sp", "hk2s", "t2tw", "t2hk", "tw2t", "hk2t"
    ] = Field(
        "t2s",
        description="As OpenCC calls it: from s (simplified), t (traditional), tw (as in Taiwan) or hk (as in Hong "
        "Kong) into another; p at the end takes the words of the other place as well.",
    )


class Step(TextStep):
    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        super().__init__(params, columns, label)
        self.params = params

    def texts(self, texts: list[str]) -> list[str]:
        return [converted(text, self.params.conversion) for text in texts]
