"""Makes labels of numbers: a score from -4 to 4 becomes `neg` or `pos`, a number of stars `bad`, `fair` or `good`."""

from __future__ import annotations

import bisect
import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from aiaas import contracts
from aiaas.contracts import Batch, Sifted, sift
from aiaas.errors import DataError

_SHOWN = 40


class Params(contracts.Params):
    """Where a label ends and the next one begins."""

    edges: tuple[Annotated[float, Field(allow_inf_nan=False)], ...] = Field(
        min_length=1, max_length=1000, description="Numbers at which the next label begins, in ascending order."
    )
    names: tuple[str | None, ...] = Field(
        description="The labels, one more than there are edges; null leaves out the rows that would have it."
    )

    @model_validator(mode="after")
    def _go_together(self) -> Params:
        if any(low >= high for low, high in itertools.pairwise(self.edges)):
            raise ValueError("edges must ascend, each greater than the one before it")
        if len(self.names) != len(self.edges) + 1:
            raise ValueError(
                f"names must be one more than edges: {len(self.edges)} edges part {len(self.edges) + 1} labels, "
                f"found {len(self.names)}"
            )
        if any(name is not None and not name.strip() for name in self.names):
            raise ValueError("names must not be empty; null leaves rows out")
        return self


class Step:
    """Works on the label, which a classifier collects as text. Raises DataError where it is no number."""

    ON_REQUEST: ClassVar[bool] = False
    ROWS: ClassVar[Literal["all", "train"]] = "all"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        self.params: Params = params
        self._label = label
        self._labels: Counter[str] = Counter()
        self._left_out = 0

    def apply(self, batch: Batch) -> Batch | Sifted:
        if self._label is None:
            raise DataError(
                "bins makes labels of numbers, and this task has no labels",
                where="preprocess.steps",
                hint="leave the step out",
            )
        names = [self._name(value) for value in batch[self._label]]
        self._labels.update(name for name in names if name is not None)
        self._left_out += names.count(None)
        values = zip(batch[self._label], names, strict=True)
        reasons = [f"{value} lies where there is no label" if name is None else None for value, name in values]
        return sift({**batch, self._label: names}, reasons)

    def _name(self, value: Any) -> str | None:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if math.isnan(number):
            shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
            raise DataError(
                f"the label {shown!r} is no number; bins makes labels of numbers",
                where="preprocess.steps",
                hint="name the column of numbers in the source's `columns: {label: THEIRS}`",
            )
        return self.params.names[bisect.bisect_right(self.params.edges, number)]

    def report(self) -> Mapping[str, Any]:
        return {"labels": dict(sorted(self._labels.items())), "left_out": self._left_out}
