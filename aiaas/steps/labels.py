"""Renames, merges and drops labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from aiaas import contracts
from aiaas.contracts import Batch, Sifted, sift
from aiaas.errors import DataError
from aiaas.steps import _tally

if TYPE_CHECKING:
    from aiaas.contracts.steps import Survey


class Params(contracts.Params):
    """What becomes of which label."""

    map: dict[str, str] = Field(
        default_factory=dict, description="New labels by the old ones; several old ones may become one."
    )
    drop: list[str] = Field(default_factory=list, description="Labels whose rows go, as they are called after `map`.")
    keep: list[str] | None = Field(
        None, min_length=1, description="The only labels whose rows stay, as they are called after `map`."
    )
    min_rows: int | None = Field(None, ge=2, description="Labels with fewer rows are rare.")
    rare: str | None = Field(
        None, description="What rare labels become, together; by default the rows of rare labels go."
    )

    @model_validator(mode="after")
    def _go_together(self) -> Params:
        if self.rare is not None and self.min_rows is None:
            raise ValueError("rare needs min_rows, which says what is rare")
        if not (self.map or self.drop or self.keep or self.min_rows):
            raise ValueError("give map, drop, keep or min_rows")
        empty = [name for name in (*self.map.values(), self.rare) if name is not None and not name.strip()]
        if empty:
            raise ValueError("a label must not be empty; drop leaves rows out")
        both = sorted(set(self.drop) & set(self.keep or ()))
        if both:
            raise ValueError(f"{both[0]!r} stands in drop and in keep")
        return self


class Step:
    """Works on the labels of a classifier. Where rare ones are asked for they are counted first."""

    ON_REQUEST: ClassVar[bool] = False
    ROWS: ClassVar[Literal["all", "train"]] = "all"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        self.params: Params = params
        self._label = label
        self._rare: frozenset[str] = frozenset()
        self._before: Counter[str] = Counter()
        self._after: Counter[str] = Counter()

    def apply(self, batch: Batch) -> Batch | Sifted:
        old = self._labels(batch)
        new = [self._new(name) for name in old]
        self._before.update(old)
        self._after.update(name for name in new if name is not None)
        reasons = [self._reason(name) if to is None else None for name, to in zip(old, new, strict=True)]
        return sift({**batch, str(self._label): new}, reasons)

    def _labels(self, batch: Batch) -> list[str]:
        labels: list[Any] = batch[self._label] if self._label is not None else [None]
        if not all(isinstance(name, str) for name in labels):
            raise DataError(
                "labels works on the labels of a classifier, and this task has none",
                where="preprocess.steps",
                hint="leave the step out",
            )
        return labels

    def _mapped(self, name: str) -> str:
        return self.params.map.get(name, name)

    def _new(self, name: str) -> str | None:
        """What a label becomes, None where its rows go."""
        mapped = self._mapped(name)
        if mapped in self.params.drop or (self.params.keep is not None and mapped not in self.params.keep):
            return None
        return self.params.rare if mapped in self._rare else mapped

    def _reason(self, name: str) -> str:
        """Why the rows of a label go. One that the recipe does not name is not named here either: where the column is
        the wrong one, it may be anything."""
        mapped = self._mapped(name)
        if mapped in self.params.drop:
            return f"its label is {mapped}"
        kept = self.params.keep is None or mapped in self.params.keep
        return "its label is rare" if kept else "its label is none of those to keep"

    def report(self) -> Mapping[str, Any]:
        """Rows of each label before and after."""
        return {"before": dict(sorted(self._before.items())), "after": dict(sorted(self._after.items()))}

    def summarise(self, report: Mapping[str, Any]) -> Mapping[str, Any]:
        """With a warning where the recipe names a label that no row has."""
        mapped = {self._mapped(name) for name in report["before"]}
        named = {*self.params.map} - set(report["before"]) | {*self.params.drop, *(self.params.keep or ())} - mapped
        if not named:
            return report
        told = ", ".join(map(repr, sorted(named)))
        return {**report, "warning": f"labels names {told}, which no row has; there are: {', '.join(report['before'])}"}


class _Counting(Step):
    """Which labels are rare is asked of all rows, as the split is made after them."""

    LEARNS_FROM: ClassVar[Literal["all", "train"]] = "all"

    def survey(self, batch: Batch) -> Survey:
        """How often each label comes, mapped."""
        return _tally.survey("labels", map(self._mapped, self._labels(batch)))

    def conclude(self, surveys: Iterable[Survey], scratch: Path) -> None:
        counts = _tally.total("labels", surveys, "the label")
        least = self.params.min_rows or 0
        self._rare = frozenset(name for name, count in counts.items() if count < least and name != self.params.rare)

    def state(self) -> Mapping[str, Any]:
        return {"rare": sorted(self._rare)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._rare = frozenset(state["rare"])


def choose(params: Params) -> type[Step]:
    return _Counting if params.min_rows is not None else Step
