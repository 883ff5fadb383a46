"""Puts a value where one is missing, by what stands in the rows of train."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from aiaas import contracts
from aiaas.contracts import Batch
from aiaas.errors import DataError
from aiaas.steps import _numbers, _tally
from aiaas.steps._columns import chosen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aiaas.contracts.steps import Survey

Method = Literal["mean", "median", "most_frequent", "constant"]


class Params(contracts.Params):
    """What is put, and where."""

    method: Method = Field(
        "median", description="The mean or median of a column of numbers, the most frequent value of any, or `value`."
    )
    value: bool | int | float | str | None = Field(None, description="What `constant` puts.")
    columns: list[str] | None = Field(
        None, description="The columns to fill; by default all that hold what the method can fill."
    )
    indicators: bool = Field(
        False, description="Add a column NAME_missing for each column in which train misses something: 1 where it does."
    )

    @model_validator(mode="after")
    def _value_of_a_constant(self) -> Params:
        if (self.method == "constant") != (self.value is not None):
            raise ValueError("value goes with method constant, which needs it")
        return self


class Step:
    """A column in which train misses nothing is filled too, should a request miss it. Of most frequent values that are
    equally frequent the least is taken."""

    ON_REQUEST: ClassVar[bool] = True
    ROWS: ClassVar[Literal["all", "train"]] = "all"
    LEARNS_FROM: ClassVar[Literal["all", "train"]] = "train"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        self.columns = chosen(params.columns, columns)
        self.params: Params = params
        self._fill: dict[str, Any] = {}
        self._indicated: list[str] = []
        self._filled = 0

    # --- what is learned

    def survey(self, batch: Batch) -> Survey:
        """Numbers and how many are missing, and how often each value comes where that is asked."""
        found = dict(_numbers.survey(batch, self.columns))
        if self.params.method == "most_frequent":
            for place, name in enumerate(self.columns):
                found |= _tally.survey(str(place), _tally.plain(name, batch[name]))
        return found

    def conclude(self, surveys: Iterable[Survey], scratch: Path) -> None:
        counts = _numbers.kinds(surveys, self.columns)
        self._fill = {self.columns[place]: value for place, value in self._values(surveys, counts).items()}
        missing = {name for name, (_, _, gone, _) in zip(self.columns, counts.tolist(), strict=True) if gone}
        self._indicated = [name for name in self._fill if name in missing] if self.params.indicators else []

    def _values(self, surveys: Iterable[Survey], counts: NDArray[np.int64]) -> dict[int, Any]:
        """What fills each column, by its place."""
        method, named = self.params.method, self.params.columns is not None
        if method == "constant":
            return dict.fromkeys(self._fitting(counts), self.params.value)
        if method == "most_frequent":
            return {place: self._most_frequent(surveys, place) for place in self._filled_places(counts)}
        places = _numbers.of_numbers(counts, self.columns, named, "impute")
        if method == "mean":
            return {place: mean for place, (mean, _) in _numbers.moments(surveys, places).items()}
        return {
            place: middle for place, (middle,) in _numbers.quantiles(surveys, dict.fromkeys(places, (0.5,))).items()
        }

    def _fitting(self, counts: NDArray[np.int64]) -> list[int]:
        """The columns whose values are of the constant's kind; DataError where one that is named is not."""
        number = type(self.params.value) in {int, float}
        fits = [
            place for place, (numbers, others, *_) in enumerate(counts.tolist()) if not (others if number else numbers)
        ]
        for place, name in enumerate(self.columns):
            if self.params.columns is not None and place not in fits:
                raise DataError(
                    f"the column {name!r} holds {'no numbers' if number else 'numbers'}, and value is "
                    f"{self.params.value!r}",
                    where="preprocess.steps.impute.value",
                )
        return fits

    def _filled_places(self, counts: NDArray[np.int64]) -> list[int]:
        """The columns that hold a value; DataError where one that is named does not."""
        places = [place for place, (numbers, others, *_) in enumerate(counts.tolist()) if numbers + others]
        for place, name in enumerate(self.columns):
            if self.params.columns is not None and place not in places and counts.sum():
                raise DataError(f"the column {name!r} holds no value in train", where="preprocess.steps.impute.columns")
        return places

    def _most_frequent(self, surveys: Iterable[Survey], place: int) -> Any:
        counts = _tally.total(str(place), surveys, f"the column {self.columns[place]!r}")
        most = max(counts.values())
        return min(json.loads(text) for text, count in counts.items() if count == most)

    # --- what becomes of the rows

    def apply(self, batch: Batch) -> Batch:
        rows: Batch = {}
        for name, values in batch.items():
            rows[name] = values
            if name not in self._fill:
                continue
            missing = _numbers.missing(values)
            if any(missing):
                self._filled += sum(missing)
                fill = self._fill[name]
                rows[name] = [fill if gone else value for gone, value in zip(missing, values, strict=True)]
            if name in self._indicated:
                rows[_indicator(name)] = list(map(int, missing))
        return rows

    def reshape(self, features: Mapping[str, str]) -> Mapping[str, str]:
        after: dict[str, str] = {}
        for name, dtype in features.items():
            after[name] = self._type(name, dtype)
            if name in self._indicated:
                if _indicator(name) in features:
                    raise DataError(
                        f"there is a column {_indicator(name)!r} already",
                        where="preprocess.steps.impute.indicators",
                        hint="rename it in the source's `columns`, or leave indicators out",
                    )
                after[_indicator(name)] = "int64"
        return after

    def _type(self, name: str, dtype: str) -> str:
        fill = self._fill.get(name)
        if isinstance(fill, float) and dtype.startswith(("int", "uint")):
            return "float64"
        if dtype == "null" and fill is not None:
            return {bool: "bool", int: "int64", float: "float64"}.get(type(fill), "string")
        if isinstance(fill, str) != (dtype in {"string", "large_string"}) and fill is not None:
            raise DataError(
                f"the column {name!r} is of type {dtype}, and value is {fill!r}",
                where="preprocess.steps.impute.value",
            )
        return dtype

    def report(self) -> Mapping[str, Any]:
        return {"filled": self._filled}

    def summarise(self, report: Mapping[str, Any]) -> Mapping[str, Any]:
        """With what fills each column."""
        return {**report, "columns": self._fill}

    def state(self) -> Mapping[str, Any]:
        return {"fill": self._fill, "indicated": self._indicated}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._fill, self._indicated = dict(state["fill"]), list(state["indicated"])


def _indicator(name: str) -> str:
    return f"{name}_missing"
