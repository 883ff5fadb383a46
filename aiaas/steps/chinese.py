"""Writes Chinese in other characters with OpenCC: traditional as simplified, simplified as traditional, and between
the standards of Taiwan and Hong Kong. Phrases are converted as a whole, so that 皇后 stays and 后来 becomes 後來."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal

from pydantic import Field

from aiaas import plugins
from aiaas.steps._text import TextParams, TextStep

REQUIRES = ("opencc",)
_CHINESE = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")


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
        self._convert: Callable[[str], str] | None = None

    def texts(self, texts: list[str]) -> list[str]:
        return [self._converted(text) if _CHINESE.search(text) else text for text in texts]

    def _converted(self, text: str) -> str:
        if self._convert is None:
            self._convert = _converter(self.params.conversion).convert
        return self._convert(text)


@lru_cache(maxsize=4)
def _converter(conversion: str) -> Any:
    plugins.require(REQUIRES, "converting Chinese characters")
    from opencc import OpenCC

    return OpenCC(conversion)
