"""What the steps that learn of columns of numbers share: which columns, and that a request goes through them too."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from aiaas import contracts
from aiaas.contracts import Batch
from aiaas.steps import _numbers
from aiaas.steps._columns import chosen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aiaas.contracts.steps import Survey


class NumberParams(contracts.Params):
    """Parameters that every step on numbers takes."""

    columns: list[str] | None = Field(None, description="The columns to work on; by default every column of numbers.")


class NumberStep(ABC):
    """A step that changes numbers by what it learned of those of train, some numbers a column (`FACTS` of them)."""

    ON_REQUEST: ClassVar[bool] = True
    ROWS: ClassVar[Literal["all", "train"]] = "all"
    LEARNS_FROM: ClassVar[Literal["all", "train"]] = "train"
    NAME: ClassVar[str]

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        self.columns = chosen(params.columns, columns)
        self.params = params
        self.learned: dict[str, list[float]] = {}

    def survey(self, batch: Batch) -> Survey:
        return _numbers.survey(batch, self.columns)

    def conclude(self, surveys: Iterable[Survey], scratch: Path) -> None:
        counts = _numbers.kinds(surveys, self.columns)
        places = _numbers.of_numbers(counts, self.columns, self.params.columns is not None, self.NAME)
        found = self.learn(surveys, places)
        self.learned = {self.columns[place]: found[place] for place in places}

    @abstractmethod
    def learn(self, surveys: Iterable[Survey], places: Sequence[int]) -> Mapping[int, list[float]]:
        """What must be known of each of these columns."""

    @abstractmethod
    def change(self, numbers: NDArray[np.float64], facts: Sequence[float]) -> NDArray[np.float64]:
        """The numbers of a column, of which `learn` found these facts; NaN stays NaN."""

    def apply(self, batch: Batch) -> Batch:
        changed = {
            name: _numbers.mapped(batch[name], functools.partial(self.change, facts=facts))
            for name, facts in self.learned.items()
        }
        return {**batch, **changed}

    def reshape(self, features: Mapping[str, str]) -> Mapping[str, str]:
        return {name: "float64" if name in self.learned else dtype for name, dtype in features.items()}

    def report(self) -> Mapping[str, Any]:
        return {}

    def summarise(self, report: Mapping[str, Any]) -> Mapping[str, Any]:
        """With what was learned of each column."""
        return {**report, "columns": self.learned}

    def state(self) -> Mapping[str, Any]:
        return {"columns": self.learned}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.learned = {name: list(facts) for name, facts in state["columns"].items()}
