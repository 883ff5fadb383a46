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
        self._counts: Counter[int] = Counter()
        self._reasons = {
            place: _between(params.edges, place) for place, name in enumerate(params.names) if name is None
        }

    def apply(self, batch: Batch) -> Batch | Sifted:
        if self._label is None:
            raise DataError(
                "bins makes labels of numbers, and this task has no labels",
                where="preprocess.steps",
                hint="leave the step out",
            )
        found = [self._place(value) for value in batch[self._label]]
        reasons = [self._reasons.get(place) for place in found]
        self._counts.update(found)
        return sift({**batch, self._label: [self.params.names[place] for place in found]}, reasons)

    def _place(self, value: Any) -> int:
        """Which of the names a number has."""
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
        return bisect.bisect_right(self.params.edges, number)

    def report(self) -> Mapping[str, Any]:
        labels: Counter[str] = Counter()
        for place, rows in self._counts.items():
            if (name := self.params.names[place]) is not None:
                labels[name] += rows
        return {"labels": dict(sorted(labels.items())), "left_out": self._counts.total() - labels.total()}


def _between(edges: Sequence[float], place: int) -> str:
    """Why a row goes whose number lies there. Of the number itself nothing is said: each would be a reason of its own,
    and it may be anybody's."""
    low, high = edges[place - 1] if place else None, edges[place] if place < len(edges) else None
    if low is None:
        return f"its number is below {high:g}, where there is no label"
    told = f"its number is {low:g} or more"
    return f"{told}{'' if high is None else f' and below {high:g}'}, where there is no label"
