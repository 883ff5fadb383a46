"""Pulls outliers in: numbers below or above what train has, or nearly all of it, become the bound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from aiaas.steps import _numbers
from aiaas.steps._learned import NumberParams, NumberStep

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aiaas.contracts.steps import Survey


class Params(NumberParams):
    """Where the bounds are."""

    method: Literal["quantiles", "sigmas"] = Field(
        "quantiles", description="Bounds at two quantiles of train, or some deviations from its mean."
    )
    quantiles: tuple[float, float] = Field((0.01, 0.99), description="The bounds of `quantiles`, as shares.")
    sigmas: float = Field(3.0, gt=0, le=1e6, description="Deviations from the mean to the bounds of `sigmas`.")

    @model_validator(mode="after")
    def _ascend(self) -> Params:
        if not 0 <= self.quantiles[0] < self.quantiles[1] <= 1:
            raise ValueError(f"quantiles must ascend between 0 and 1, found {list(self.quantiles)}")
        return self


class Step(NumberStep):
    """Facts of a column: its lower and its upper bound. An infinite number becomes a bound as well."""

    NAME: ClassVar[str] = "clip"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        super().__init__(params, columns, label)
        self._clipped = 0

    def learn(self, surveys: Iterable[Survey], places: Sequence[int]) -> Mapping[int, list[float]]:
        if self.params.method == "quantiles":
            return _numbers.quantiles(surveys, dict.fromkeys(places, self.params.quantiles))
        moments = _numbers.moments(surveys, places)
        reach = self.params.sigmas
        return {place: [mean - reach * sigma, mean + reach * sigma] for place, (mean, sigma) in moments.items()}

    def change(self, numbers: NDArray[np.float64], facts: Sequence[float]) -> NDArray[np.float64]:
        low, high = facts
        self._clipped += int(((numbers < low) | (numbers > high)).sum())
        return numbers.clip(low, high)

    def report(self) -> Mapping[str, Any]:
        return {"clipped": self._clipped}
