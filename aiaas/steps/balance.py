"""Brings the labels of the training rows nearer to each other in number: rows of frequent ones go, rows of rare ones
stand several times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from aiaas import contracts
from aiaas.contracts import Batch, Sifted
from aiaas.errors import DataError
from aiaas.steps import _draw
from aiaas.steps._columns import chosen

if TYPE_CHECKING:
    from aiaas.contracts.steps import Survey


class Params(contracts.Params):
    """How many rows each label shall have."""

    method: Literal["over", "under", "both"] = Field(
        "over",
        description="`over` copies rows of rarer labels until they are as many as of the most frequent; `under` leaves "
        "rows out until all are as few as the rarest; `both` meets at the mean.",
    )
    rows: int | None = Field(
        None,
        ge=1,
        description="The number to reach, in place of that; labels above it are left alone by `over`, and "
        "those below it by `under`.",
    )
    most: int = Field(10, ge=1, le=1000, description="How many times a row may stand at most.")
    columns: list[str] | None = Field(
        None, description="Rows that are equal in these columns are drawn together; by default all features."
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Another number draws other rows.")


class Step:
    """For train alone: who judges wants the labels as they are in the world."""

    ON_REQUEST: ClassVar[bool] = False
    ROWS: ClassVar[Literal["all", "train"]] = "train"
    LEARNS_FROM: ClassVar[Literal["all", "train"]] = "train"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        if label is None:
            raise _no_labels()
        self.columns = chosen(params.columns, columns)
        self.params: Params = params
        self._label = label
        self._plan: dict[int, tuple[int, int]] = {}
        self._counts = {"left_out": 0, "copied": 0}

    def survey(self, batch: Batch) -> Survey:
        """`labels` (n,) and `keys` (n,), 64 bits each."""
        if not all(isinstance(value, str) for value in batch[self._label]):
            raise _no_labels()
        drawn = _draw.keys(batch, self.columns, self.params.seed, "balance")
        return {"labels": _draw.labels(batch, self._label), "keys": drawn}

    def conclude(self, surveys: Iterable[Survey], scratch: Path) -> None:
        counts = _draw.counted(surveys)
        wanted = self._wanted(counts)
        times = {label: divmod(wanted[label], rows) for label, rows in counts.items()}
        below = _draw.bounds(lambda: surveys, counts, {label: rest for label, (_, rest) in times.items()})
        self._plan = {label: (whole, below[label]) for label, (whole, _) in times.items()}

    def _wanted(self, counts: Mapping[int, int]) -> dict[int, int]:
        """How many rows each label shall have."""
        method, rows = self.params.method, counts.values()
        if not counts:
            return {}
        goal = {"over": max(rows), "under": min(rows), "both": round(sum(rows) / len(rows))}[method]
        goal = self.params.rows or goal
        least = {label: count if method == "over" else 0 for label, count in counts.items()}
        most = {label: count * (1 if method == "under" else self.params.most) for label, count in counts.items()}
        return {label: min(max(goal, least[label]), most[label]) for label in counts}

    def apply(self, batch: Batch) -> Batch | Sifted:
        drawn = _draw.keys(batch, self.columns, self.params.seed, "balance").tolist()
        places: list[int] = []
        reasons: dict[int, str] = {}
        for place, (key, label) in enumerate(zip(drawn, _draw.labels(batch, self._label).tolist(), strict=True)):
            whole, below = self._plan[label]
            times = whole + (key < below)
            places += [place] * times
            if not times:
                reasons[place] = "left out to balance the labels"
        self._counts["left_out"] += len(reasons)
        self._counts["copied"] += len(places) - len(drawn) + len(reasons)
        return Sifted({name: [values[place] for place in places] for name, values in batch.items()}, places, reasons)

    def report(self) -> Mapping[str, Any]:
        return self._counts

    def state(self) -> Mapping[str, Any]:
        return {"plan": {str(label): list(each) for label, each in self._plan.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._plan = {int(label): (whole, below) for label, (whole, below) in state["plan"].items()}


def _no_labels() -> DataError:
    return DataError(
        "balance weighs labels against each other, and this task has none",
        where="preprocess.steps",
        hint="leave the step out",
    )
