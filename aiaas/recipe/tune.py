"""What a recipe may say about a search: which values are tried, what is judged by, and for how long."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field, JsonValue, field_serializer, field_validator, model_serializer, model_validator

from aiaas.backends.settings import Duration
from aiaas.contracts import Params
from aiaas.recipe import paths

COSTS = {
    "latency_p95_ms": "milliseconds that 95 of 100 inputs take at most, one at a time, here",
    "size_mb": "millions of bytes of the fitted model",
    "training_seconds": "what the fit took",
}
"""What a search may keep low besides the metrics of the task."""
SEARCHED = ("model", "train", "preprocess.steps")
"""Where values can be searched: what decides which rows judge must be the same for all trials."""

Number = int | float


class Dimension(Params):
    """The values of one parameter: a list of them, or from where to where. Ends that are both whole numbers give whole
    numbers."""

    range: tuple[Number, Number] | None = Field(None, description="From the first to the second, all alike likely.")
    log: tuple[Number, Number] | None = Field(
        None, description="The same where factors count: 0.01 to 0.1 is as likely as 0.1 to 1."
    )
    step: Number | None = Field(None, gt=0, description="Of range: only every so many.")
    choice: tuple[JsonValue, ...] | None = Field(None, description="One of these; in short the list alone.")

    @model_validator(mode="before")
    @classmethod
    def _in_short(cls, value: Any) -> Any:
        given = {"choice": value} if isinstance(value, list | tuple) else value
        if not isinstance(given, dict):
            raise ValueError("must be a list of values, {range: [low, high]} or {log: [low, high]}")
        if unknown := [name for name in given if name not in cls.model_fields]:
            raise ValueError(f"unknown key {unknown[0]!r}; allowed: {', '.join(cls.model_fields)}")
        return {name: tuple(each) if isinstance(each, list) else each for name, each in given.items()}

    @model_validator(mode="after")
    def _one_kind(self) -> Dimension:
        if sum(each is not None for each in (self.range, self.log, self.choice)) != 1:
            raise ValueError("must be a list of values, {range: [low, high]} or {log: [low, high]}")
        if self.step is not None and self.range is None:
            raise ValueError("step goes with range")
        if self.choice is not None:
            written = [json.dumps(each, sort_keys=True) for each in self.choice]
            if len(written) < 2:
                raise ValueError(f"has {len(written) or 'no'} value to choose from: there must be two at least")
            if len(set(written)) < len(written):
                raise ValueError("has a value twice")
        else:
            low, high = self.ends
            if not low < high:
                raise ValueError(f"is empty: its low end {low} must be below its high end {high}")
            if self.log is not None and low <= 0:
                raise ValueError(f"cannot begin at {low}: where factors count, both ends are above 0")
            if self.step is not None and self.step > high - low:
                raise ValueError(f"has one value only: its step {self.step} is larger than from {low} to {high}")
        return self

    @property
    def ends(self) -> tuple[Number, Number]:
        """The low and the high end of what is no choice."""
        found = self.range or self.log
        assert found is not None
        return found

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are tried."""
        return all(isinstance(each, int) for each in (*self.ends, *([self.step] if self.step is not None else [])))

    @property
    def probes(self) -> tuple[JsonValue, ...]:
        """The values that the recipe must take if it is to take all of them."""
        return self.choice if self.choice is not None else self.ends

    @model_serializer
    def _as_written(self) -> Any:
        if self.choice is not None:
            return list(self.choice)
        known = {"range": self.range, "log": self.log, "step": self.step}
        return {name: list(each) if isinstance(each, tuple) else each for name, each in known.items() if each}


class Tune(Params):
    """A search for better settings, by `aiaas tune`; nothing else minds it."""

    space: dict[str, Dimension] = Field(
        min_length=1, description="By the dotted path of a parameter: a list, {range: [..]}, {log: [..]}."
    )
    metric: tuple[str, ...] = Field(
        (),
        description="What the validation rows are judged by, one or several of the task's metrics, latency_p95_ms, "
        "size_mb and training_seconds; by default the first of the task.",
    )
    trials: int = Field(50, ge=1, le=100_000, description="How many settings are tried, interrupted or not.")
    time_limit: Duration | None = Field(
        None, description="No trial is begun after so much time of searching, such as 30m."
    )
    pruning: bool = Field(
        True, description="Whether a fit that reports worse than the others did halfway is given up; with one metric."
    )

    @field_validator("metric", mode="before")
    @classmethod
    def _one_alone(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value

    @field_validator("metric")
    @classmethod
    def _different(cls, metric: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(metric)) < len(metric):
            raise ValueError("names a metric twice")
        return metric

    @field_serializer("metric")
    def _metric_as_written(self, metric: tuple[str, ...]) -> str | list[str]:
        return metric[0] if len(metric) == 1 else list(metric)


def barred(name: str) -> str | None:
    """Why this path cannot be searched; None where it can."""
    try:
        path = paths.parse(name)
    except ValueError:
        return "is no path of a parameter, such as model.params.alpha"
    if any(path[: len(room)] == room and len(path) > len(room) for room in _rooms()):
        return None
    return f"cannot be searched: only what stands under {', '.join(SEARCHED[:-1])} or {SEARCHED[-1]} can"


def _rooms() -> list[paths.Path]:
    return [paths.parse(room) for room in SEARCHED]


def laid_over(values: Mapping[str, JsonValue]) -> list[str]:
    """The values by path as `--set` takes them."""
    return [f"{path}={json.dumps(value)}" for path, value in values.items()]
