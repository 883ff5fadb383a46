"""Brings columns of numbers to one scale, by what stands in the rows of train."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator

from aiaas.steps import _numbers
from aiaas.steps._learned import NumberParams, NumberStep

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aiaas.contracts.steps import Survey


class Params(NumberParams):
    """To which scale."""

    method: Literal["standard", "min_max", "robust"] = Field(
        "standard",
        description="`standard`: mean 0 and deviation 1; `min_max`: the least and the greatest become the ends of "
        "`range`; `robust`: median 0, and what lies between two quantiles spans 1, which outliers do not move.",
    )
    range: tuple[float, float] = Field((0.0, 1.0), description="What `min_max` makes of the least and the greatest.")
    quantiles: tuple[float, float] = Field((0.25, 0.75), description="The quantiles of `robust`, as shares.")

    @model_validator(mode="after")
    def _ascend(self) -> Params:
        if self.range[0] >= self.range[1]:
            raise ValueError(f"range must ascend, found {list(self.range)}")
        if not 0 <= self.quantiles[0] < self.quantiles[1] <= 1:
            raise ValueError(f"quantiles must ascend between 0 and 1, found {list(self.quantiles)}")
        return self


class Step(NumberStep):
    """A column that holds one number everywhere becomes the middle of its scale, not a division by zero. Facts: what is
    taken off, what is divided by, what is added."""

    NAME: ClassVar[str] = "scale"

    def learn(self, surveys: Iterable[Survey], places: Sequence[int]) -> Mapping[int, list[float]]:
        if self.params.method == "standard":
            moments = _numbers.moments(surveys, places)
            return {place: [mean, deviation or 1.0, 0.0] for place, (mean, deviation) in moments.items()}
        if self.params.method == "robust":
            low, high = self.params.quantiles
            found = _numbers.quantiles(surveys, dict.fromkeys(places, (low, 0.5, high)))
            return {place: [middle, above - below or 1.0, 0.0] for place, (below, middle, above) in found.items()}
        ends = _numbers.quantiles(surveys, dict.fromkeys(places, (0.0, 1.0)))
        start, end = self.params.range
        return {place: [low, (high - low or 1.0) / (end - start), start] for place, (low, high) in ends.items()}

    def change(self, numbers: NDArray[np.float64], facts: Sequence[float]) -> NDArray[np.float64]:
        less, divisor, more = facts
        return (numbers - less) / divisor + more
