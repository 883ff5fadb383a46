"""What is done with every segment: the same for all, told to each process once.

Rows go through the steps in passes. A pass ends where something must be known of all rows before it goes on: before a
step that `Surveys` them, and before they are cut at exact shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from aiaas.preprocess.layout import Layout
from aiaas.preprocess.segments import Segment
from aiaas.preprocess.split import Sides
from aiaas.recipe.split import TimeSplit
from aiaas.steps import kind

Border = Literal["start", "survey", "cut", "end"]


@dataclass(frozen=True, slots=True)
class Spec:
    """A step in its place, by what it is made from."""

    name: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pass:
    """Takes rows through the steps from `begin` up to, not including, `end`. `opens` and `closes` say what was known
    before and what is asked of the rows at the end: a survey for step `end`, the cut, or that they are the result."""

    number: int
    begin: int
    end: int
    opens: Border
    closes: Border

    def divides_at(self, place: int) -> bool:
        """Whether the rows come to this place between two steps in it, and were not there before."""
        return self.begin < place <= self.end or (self.opens == "start" and place == self.begin)


@dataclass(frozen=True, slots=True)
class Plan:
    """`divided` is the number of the step before which the rows are divided; `addresses` are those of the sources."""

    collected: Path
    schema: pa.Schema
    folder: Path
    columns: Layout
    steps: tuple[Spec, ...]
    divided: int
    stable: bool
    sides: Sides
    time: TimeSplit | None
    addresses: tuple[str, ...]
    segments: tuple[Segment, ...]
    passes: tuple[Pass, ...] = field(default=())

    @property
    def rows(self) -> int:
        """How many were collected."""
        return self.segments[-1].before + self.segments[-1].rows if self.segments else 0


def surveys(spec: Spec) -> bool:
    """Whether the step must know of all rows before it maps one."""
    return hasattr(kind(spec.name, spec.params), "survey")


def place_of_division(steps: Sequence[Spec]) -> int:
    """Rows are divided as late as may be: before the first step that is given those of train alone, or learns from
    them alone, and after all steps where there is none."""
    for number, spec in enumerate(steps):
        step = kind(spec.name, spec.params)
        if step.ROWS == "train" or getattr(step, "LEARNS_FROM", "all") == "train":
            return number
    return len(steps)


def passes(steps: Sequence[Spec], divided: int, exact: bool) -> tuple[Pass, ...]:
    """The passes in their order. `exact` says that the rows are cut where they are divided."""
    borders: list[tuple[int, Border]] = [(0, "start")]
    for number in range(len(steps) + 1):
        if exact and number == divided:
            borders.append((number, "cut"))
        if number < len(steps) and surveys(steps[number]):
            borders.append((number, "survey"))
    borders.append((len(steps), "end"))
    return tuple(
        Pass(number, begin, end, opens, closes)
        for number, ((begin, opens), (end, closes)) in enumerate(pairwise(borders))
    )
