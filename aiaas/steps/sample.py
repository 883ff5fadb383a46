"""Keeps some of the rows, drawn at random by what stands in them: a row stays however many others are added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from aiaas import contracts
from aiaas.contracts import Batch, Sifted, sift
from aiaas.steps import _draw
from aiaas.steps._columns import chosen

if TYPE_CHECKING:
    from aiaas.contracts.steps import Survey


class Params(contracts.Params):
    """How many rows stay: exactly one of `share`, `rows` and `labels`."""

    share: float | None = Field(None, gt=0, le=1, description="The share of the rows that stays, of each label alike.")
    rows: int | None = Field(None, ge=1, description="How many rows stay of each label, or in all without labels.")
    labels: dict[str, Annotated[int, Field(ge=0)]] | None = Field(
        None, min_length=1, description="How many rows of single labels stay; of others all."
    )
    columns: list[str] | None = Field(
        None, description="Rows that are equal in these columns stay or go together; by default all features."
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Another number draws other rows.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Params:
        given = [name for name in ("share", "rows", "labels") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of share, rows and labels, found {' and '.join(given) or 'none'}")
        return self


class Step:
    """A share needs nothing known; for numbers the rows are counted first, by the class that `choose` gives then."""

    ON_REQUEST: ClassVar[bool] = False
    ROWS: ClassVar[Literal["all", "train"]] = "all"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        self.columns = chosen(params.columns, columns)
        self.params: Params = params
        self._label = label
        self._left_out = 0

    def apply(self, batch: Batch) -> Batch | Sifted:
        drawn = _draw.keys(batch, self.columns, self.params.seed, "sample")
        stay = [key < bound for key, bound in zip(drawn.tolist(), self._bounds(batch), strict=True)]
        self._left_out += stay.count(False)
        return sift(batch, [None if each else "not drawn for the sample" for each in stay])

    def _bounds(self, batch: Batch) -> list[int]:
        """Below which key each row stays."""
        assert self.params.share is not None
        return [int(self.params.share * _draw.ALL)] * len(next(iter(batch.values()), ()))

    def report(self) -> Mapping[str, Any]:
        return {"left_out": self._left_out}


class _Counting(Step):
    LEARNS_FROM: ClassVar[Literal["all", "train"]] = "all"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        super().__init__(params, columns, label)
        self._below: dict[int, int] = {}

    def survey(self, batch: Batch) -> Survey:
        """`labels` (n,) and `keys` (n,), 64 bits each."""
        drawn = _draw.keys(batch, self.columns, self.params.seed, "sample")
        return {"labels": _draw.labels(batch, self._label), "keys": drawn}

    def conclude(self, surveys: Iterable[Survey], scratch: Path) -> None:
        counts = _draw.counted(surveys)
        named = self.params.labels or {}
        _draw.refuse_unknown(named, counts, "sample")
        take = dict.fromkeys(counts, self.params.rows or 0) if self.params.rows else dict(counts)
        take |= {_draw.code(label): rows for label, rows in named.items()}
        self._below = _draw.bounds(lambda: surveys, counts, take)

    def _bounds(self, batch: Batch) -> list[int]:
        return [self._below[label] for label in _draw.labels(batch, self._label).tolist()]

    def state(self) -> Mapping[str, Any]:
        return {"below": {str(label): bound for label, bound in self._below.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._below = {int(label): bound for label, bound in state["below"].items()}


def choose(params: Params) -> type[Step]:
    return _Counting if params.share is None else Step
