"""Makes numbers of columns of words or dates: an indicator for each value, a place in a list, a bucket, or the parts of
a date. The column itself goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from aiaas import contracts
from aiaas.contracts import Batch
from aiaas.errors import DataError
from aiaas.steps import _tally
from aiaas.steps._columns import chosen
from aiaas.steps._numbers import is_missing

if TYPE_CHECKING:
    from aiaas.contracts.steps import Survey

Part = Literal["year", "month", "day", "weekday", "hour", "minute", "days"]
_EPOCH = datetime(1970, 1, 1)
_PARTS: dict[str, Callable[[datetime], int]] = {
    "year": lambda date: date.year,
    "month": lambda date: date.month,
    "day": lambda date: date.day,
    "weekday": lambda date: date.isoweekday(),
    "hour": lambda date: date.hour,
    "minute": lambda date: date.minute,
    "days": lambda date: (date.replace(tzinfo=None) - _EPOCH).days,
}


class Params(contracts.Params):
    """Which columns, and what becomes of them."""

    columns: list[str] = Field(min_length=1, description="The columns to encode.")
    method: Literal["one_hot", "ordinal", "hashed", "date"] = Field(
        "one_hot",
        description="`one_hot`: a column NAME_VALUE of 0 and 1 for each value in train; `ordinal`: the place of the "
        "value among those of train, sorted, and -1 for another; `hashed`: columns NAME_0, NAME_1 … of 0 and 1, one of "
        "which a value falls into, known or not; `date`: columns such as NAME_year.",
    )
    most: int = Field(
        100, ge=1, le=10_000, description="Of `one_hot`: only so many values, the most frequent, have a column."
    )
    buckets: int = Field(16, ge=2, le=4096, description="How many columns `hashed` makes.")
    parts: tuple[Part, ...] = Field(
        ("year", "month", "day", "weekday"),
        min_length=1,
        description="What `date` makes a column of; weekday counts from Monday as 1, days from 1970-01-01.",
    )
    format: str | None = Field(
        None, min_length=1, description="How dates are written, as for strptime; by default ISO 8601, as 2026-05-31."
    )

    @model_validator(mode="after")
    def _format_of_dates(self) -> Params:
        if self.format is not None and self.method != "date":
            raise ValueError("format goes with method date")
        for name, values in (("columns", tuple(self.columns)), ("parts", self.parts)):
            twice = next((value for value in values if values.count(value) > 1), None)
            if twice is not None:
                raise ValueError(f"{name} names {twice!r} twice")
        return self


class Step:
    """What is missing has 0 in every column of indicators, and is missing among places and dates. The second class
    below is one that must know the values first."""

    ON_REQUEST: ClassVar[bool] = True
    ROWS: ClassVar[Literal["all", "train"]] = "all"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        self.columns = chosen(params.columns, columns)
        self.params: Params = params
        self._unread = 0
        self._seen = 0

    def apply(self, batch: Batch) -> Batch:
        rows: Batch = {}
        for name, values in batch.items():
            rows |= self._encoded(name, values) if name in self.columns else {name: values}
        return rows

    def reshape(self, features: Mapping[str, str]) -> Mapping[str, str]:
        after: dict[str, str] = {}
        for name, dtype in features.items():
            made = dict.fromkeys(self._encoded(name, []), "int64") if name in self.columns else {name: dtype}
            twice = next((new for new in made if new in after or (new != name and new in features)), None)
            if twice is not None:
                raise DataError(
                    f"encode makes a column {twice!r} of {name!r}, and there is one already",
                    where="preprocess.steps.encode.columns",
                    hint="rename it in the source's `columns`",
                )
            after |= made
        return after

    def _encoded(self, name: str, values: Sequence[Any]) -> Batch:
        """The new columns of one column."""
        self._seen += len(values)
        if self.params.method == "hashed":
            buckets = self.params.buckets
            places = [None if is_missing(value) else _bucket(_written(value), buckets) for value in values]
            return {f"{name}_{bucket}": [int(place == bucket) for place in places] for bucket in range(buckets)}
        dates = [None if is_missing(value) else _date(value, self.params.format) for value in values]
        self._unread += sum(date is None and not is_missing(value) for date, value in zip(dates, values, strict=True))
        return {
            f"{name}_{part}": [None if date is None else _PARTS[part](date) for date in dates]
            for part in self.params.parts
        }

    def report(self) -> Mapping[str, Any]:
        return {"values": self._seen, "unread": self._unread}

    def summarise(self, report: Mapping[str, Any]) -> Mapping[str, Any]:
        """With a warning where most of what should be dates is none."""
        if 2 * report["unread"] <= report["values"]:
            return report
        told = f"{report['unread']:,} of {report['values']:,} values are no dates that encode can read"
        return {**report, "warning": f"{told}; say how they are written in `format`"}


class _Learning(Step):
    LEARNS_FROM: ClassVar[Literal["all", "train"]] = "train"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        super().__init__(params, columns, label)
        self._values: dict[str, list[Any]] = {}
        self._unknown = 0

    def survey(self, batch: Batch) -> Survey:
        """How often each value of each column comes."""
        found: dict[str, Any] = {}
        for place, name in enumerate(self.columns):
            found |= _tally.survey(str(place), _tally.plain(name, batch[name]))
        return found

    def conclude(self, surveys: Iterable[Survey], scratch: Path) -> None:
        for place, name in enumerate(self.columns):
            counts = _tally.total(str(place), surveys, f"the column {name!r}")
            values = {json.loads(text): count for text, count in counts.items()}
            chosen_ones = sorted(values, key=lambda value: (-values[value], value))
            self._values[name] = sorted(
                chosen_ones[: self.params.most] if self.params.method == "one_hot" else chosen_ones
            )

    def _encoded(self, name: str, values: Sequence[Any]) -> Batch:
        places = {value: place for place, value in enumerate(self._values[name])}
        found = [None if is_missing(value) else places.get(value, -1) for value in values]
        self._seen += len(values)
        self._unknown += found.count(-1)
        if self.params.method == "ordinal":
            return {name: found}
        return {f"{name}_{_written(value)}": [int(place == at) for place in found] for value, at in places.items()}

    def report(self) -> Mapping[str, Any]:
        return {"values": self._seen, "unknown": self._unknown}

    def summarise(self, report: Mapping[str, Any]) -> Mapping[str, Any]:
        """With how many values of each column are known."""
        return {**report, "known": {name: len(values) for name, values in self._values.items()}}

    def state(self) -> Mapping[str, Any]:
        return {"values": self._values}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._values = {name: list(values) for name, values in state["values"].items()}


def choose(params: Params) -> type[Step]:
    return _Learning if params.method in ("one_hot", "ordinal") else Step


def _written(value: Any) -> str:
    """A value as part of a name; a truth value as JSON writes it."""
    return json.dumps(value) if isinstance(value, bool) else str(value)


@lru_cache(maxsize=1 << 16)
def _bucket(value: str, buckets: int) -> int:
    digest = blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") % buckets


@lru_cache(maxsize=1 << 16)
def _date(value: Any, form: str | None) -> datetime | None:
    """A date as it is written, or None where it cannot be read."""
    try:
        return datetime.strptime(value.strip(), form) if form else datetime.fromisoformat(value.strip())
    except (ValueError, AttributeError):
        return None
