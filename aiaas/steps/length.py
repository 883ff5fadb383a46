"""Keeps the rows whose texts are neither too short nor too long."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from aiaas import contracts
from aiaas.contracts import Batch, Sifted, sift
from aiaas.steps._columns import chosen

# A Chinese, Japanese or Korean character, a word or number, or a sign.
_ALONE = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+|[^\w\s]|_")
_COUNTS: dict[str, Callable[[Iterable[str]], list[int]]] = {
    "characters": lambda texts: list(map(len, texts)),
    "words": lambda texts: [len(text.split()) for text in texts],
    "tokens": lambda texts: [len(_TOKEN.findall(text)) for text in texts],
}


class Params(contracts.Params):
    """Which lengths stay."""

    min: int | None = Field(None, ge=0, description="The least a text may have.")
    max: int | None = Field(None, ge=1, description="The most a text may have.")
    unit: Literal["characters", "words", "tokens"] = Field(
        "characters",
        description="What is counted: characters; words, between which stands white space (Chinese goes through "
        "`segment` before); or tokens: words, signs, and each Chinese character alone, about as an encoder counts.",
    )
    columns: list[str] | None = Field(
        None, description="The columns whose texts must each have such a length; by default every column of texts."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Params:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min must not be above max; {self.min} > {self.max}")
        return self


class Step:
    """Not for requests, which get an answer at any length. What is no text has no length and stays."""

    ON_REQUEST: ClassVar[bool] = False
    ROWS: ClassVar[Literal["all", "train"]] = "all"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        self.columns = chosen(params.columns, columns)
        self.params: Params = params
        self._short = self._long = 0

    def apply(self, batch: Batch) -> Batch | Sifted:
        reasons: list[str | None] = [None] * len(next(iter(batch.values()), ()))
        for name in self.columns:
            places = [place for place, value in enumerate(batch[name]) if isinstance(value, str)]
            lengths = _COUNTS[self.params.unit]([batch[name][place] for place in places])
            for place, length in zip(places, lengths, strict=True):
                reasons[place] = reasons[place] or self._reason(length)
        return sift(batch, reasons)

    def _reason(self, length: int) -> str | None:
        low, high, unit = self.params.min, self.params.max, self.params.unit
        if low is not None and length < low:
            self._short += 1
            return f"a text of fewer than {low} {unit}"
        if high is not None and length > high:
            self._long += 1
            return f"a text of more than {high} {unit}"
        return None

    def report(self) -> Mapping[str, Any]:
        return {"short": self._short, "long": self._long}
