"""How a recipe may divide its rows."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from aiaas.contracts import Params

RATIOS = ("train", "validation", "test")


def moment(value: str | float) -> datetime | float:
    """A point in time: a number, or an ISO date or time, which is UTC where it names no zone. Raises ValueError."""
    if isinstance(value, str):
        found = datetime.fromisoformat(value.strip())
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return float(value)


def _a_moment(value: Any) -> Any:
    """YAML reads a bare date as one."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        try:
            moment(value)
        except ValueError:
            raise ValueError(f"must be an ISO date or time, such as 2024-12-31, or a number, found {value!r}") from None
    return value


Moment = Annotated[float | str, BeforeValidator(_a_moment)]


class TimeSplit(Params):
    """Sides by time: what came before is learned from, what came after judges. A bound belongs to the later side."""

    column: str = Field(min_length=1, description="The column that says when: ISO dates or times, or numbers.")
    validation_from: Moment | None = Field(None, description="Where validation begins; without it there is none.")
    test_from: Moment = Field(description="Where test begins.")

    @model_validator(mode="after")
    def _ascend(self) -> TimeSplit:
        bounds: list[Any] = [moment(each) for each in (self.validation_from, self.test_from) if each is not None]
        if len({type(bound) for bound in bounds}) > 1:
            raise ValueError("validation_from and test_from must both be dates or both be numbers")
        if len(bounds) > 1 and bounds[0] >= bounds[1]:
            raise ValueError(f"validation_from must come before test_from, found {self.validation_from}")
        return self


class Split(Params):
    """How the rows are divided. Where one ratio is given, those not given are 0."""

    train: float = Field(0.7, gt=0, le=1, description="Share of the rows to learn from.")
    validation: float = Field(
        0.1, ge=0, lt=1, description="Share of the rows to watch learning with; with folds, of those that are not test."
    )
    test: float = Field(0.2, ge=0, lt=1, description="Share of the rows held out for judging.")
    stable: bool = Field(
        True,
        description="A row keeps its side when rows are added: it is drawn from the hash of what stands in the row. "
        "false cuts at the exact shares, in every class, and moves rows when some are added.",
    )
    stratify: bool = Field(
        True,
        description="Every label must stand in every split, and with stable: false in equal shares; true where the "
        "task has labels.",
    )
    column: str | None = Field(
        None, min_length=1, description="A column that says train, validation or test for each row, instead of ratios."
    )
    group: str | None = Field(
        None, min_length=1, description="A column whose equal values stay together, such as the customer."
    )
    time: TimeSplit | None = Field(None, description="Divide by time, instead of ratios.")
    folds: int | None = Field(None, ge=2, le=1000, description="Divide into so many folds, one of which is test.")
    fold: int | None = Field(None, ge=1, description="Which fold is test, from 1.")

    @model_validator(mode="before")
    @classmethod
    def _rest_is_nothing(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        if data.get("folds") is not None and not {"train", "test"} & data.keys():
            share = data.get("validation", 0.1)
            return {"train": 1 - share, "test": 0.0, **data} if isinstance(share, int | float) else data
        if any(name in data for name in RATIOS):
            return {**dict.fromkeys(RATIOS, 0.0), **data}
        return data

    @model_validator(mode="after")
    def _goes_together(self) -> Split:
        total = self.train + self.validation + self.test
        if not math.isclose(total, 1.0, abs_tol=1e-6):
            shares = " + ".join(f"{name} {getattr(self, name):g}" for name in RATIOS)
            raise ValueError(f"the ratios must sum to 1; {shares} is {total:g}")
        ways = [name for name in ("column", "time", "folds") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)} are several ways to divide the rows; name one")
        if (self.folds is None) != (self.fold is None):
            raise ValueError("folds and fold belong together: of so many folds, this one is test")
        if self.folds is not None and self.fold is not None:
            self._check_folds(self.folds, self.fold)
        if self.time is not None and self.group is not None:
            raise ValueError("group has no meaning beside time: a row's side follows from when it was")
        return self

    @property
    def validates(self) -> bool:
        """Whether it may leave rows for validation; of a column nobody knows before it is read."""
        if self.time is not None:
            return self.time.validation_from is not None
        return self.column is not None or self.validation > 0

    def _check_folds(self, folds: int, fold: int) -> None:
        if fold > folds:
            raise ValueError(f"fold must be from 1 to {folds}, found {fold}")
        if not self.stable:
            raise ValueError("folds are drawn from the hash of a row; leave stable: false out")
        if self.test:
            raise ValueError("with folds, test is the fold; give the share of validation alone")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it names, which are collected though the task does not know them."""
        named = (self.column, self.group, self.time.column if self.time else None)
        return tuple(name for name in named if name is not None)


def named_columns(split: Any) -> list[str]:
    """The columns that a split names, as far as it is written as one."""
    if not isinstance(split, dict):
        return []
    time = split.get("time")
    columns = (split.get("column"), split.get("group"), time.get("column") if isinstance(time, dict) else None)
    return [name for name in columns if isinstance(name, str)]
