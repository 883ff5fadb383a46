"""What the steps that rewrite texts share: which columns they touch, and what they count."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from aiaas import contracts
from aiaas.contracts import Batch
from aiaas.steps._columns import chosen


class TextParams(contracts.Params):
    """Parameters that every text step takes."""

    columns: list[str] | None = Field(None, description="The columns to work on; by default every column of texts.")


class TextStep(ABC):
    """A step that maps each text alone, so that a request goes through it as well.

    What is not a text (a number, a missing value) passes unchanged. `DataError` when `columns` names a column that
    is not a feature.
    """

    ON_REQUEST: ClassVar[bool] = True
    ROWS: ClassVar[Literal["all", "train"]] = "all"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        self.columns = chosen(params.columns, columns)
        self.seen = 0
        self.changed = 0

    @abstractmethod
    def texts(self, texts: list[str]) -> list[str]:
        """Map texts, keeping their number and order."""

    def apply(self, batch: Batch) -> Batch:
        return {**batch, **{name: self._column(batch[name]) for name in self.columns if name in batch}}

    def _column(self, values: list[Any]) -> list[Any]:
        if set(map(type, values)) == {str}:
            mapped = self.texts(values)
            self.seen += len(values)
            self.changed += sum(map(str.__ne__, values, mapped))
            return mapped
        places = [place for place, value in enumerate(values) if isinstance(value, str)]
        if not places:
            return values
        column = list(values)
        for place, text in zip(places, self._column([str(values[place]) for place in places]), strict=True):
            column[place] = text
        return column

    def report(self) -> Mapping[str, Any]:
        return {"texts": self.seen, "changed": self.changed}
