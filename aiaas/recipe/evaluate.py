"""What a recipe says of judging: intervals, slices, gates; and of how scores become answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, field_serializer, field_validator, model_validator

from aiaas.contracts import Params
from aiaas.recipe.gate import AGAINST, GATE_PATTERN, Against, Gate

OF_TEXTS = ("length", "language")
BUILT_IN = (*OF_TEXTS, "source")
"""Slices that are made of the rows; any other name is that of a column."""


def once(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names; ValueError where one stands twice."""
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"names {twice!r} twice")
    return names


def robustness_section(data: Any) -> Any:
    """The section as a mapping, of `true` or a list; None of `false`."""
    if isinstance(data, bool):
        return {} if data else None
    return {"perturbations": tuple(data)} if isinstance(data, list | tuple) else data


class Intervals(Params):
    """How far a metric may be off, since it is of these rows and not of all."""

    samples: int = Field(
        1000, ge=0, le=100_000, description="How many bootstrap samples of the test rows are drawn; 0: no intervals."
    )
    level: float = Field(0.95, ge=0.5, le=0.999, description="The share of such intervals that hold the true value.")


class Threshold(Params):
    """What answering with a label must reach on the validation rows; the score from which on it is answered follows."""

    precision: float | None = Field(
        None, gt=0, le=1, description="The share of the rows answered with it that are of it; the most such are found."
    )
    recall: float | None = Field(
        None, gt=0, le=1, description="The share of the rows of it that are found; as few others with them as can be."
    )

    @model_validator(mode="after")
    def _one(self) -> Threshold:
        if (self.precision is None) == (self.recall is None):
            raise ValueError("must be either {precision: …} or {recall: …}")
        return self

    @property
    def aim(self) -> tuple[Literal["precision", "recall"], float]:
        """What is to be reached, and how much of it."""
        if self.precision is not None:
            return "precision", self.precision
        assert self.recall is not None, "one of both is there"
        return "recall", self.recall


_AGAINST_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 1}, Against.model_json_schema()]}
_GATES_SCHEMA = {
    "type": "object",
    "properties": {AGAINST: _AGAINST_SCHEMA},
    "additionalProperties": {"type": "string", "pattern": GATE_PATTERN},
}


class Robustness(Params):
    """Whether the model answers as well where its input is changed in a way that changes nothing in what it means."""

    perturbations: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        description="How inputs are changed. Texts: typos, homophones, case, width, traditional; pictures: noise, "
        "blur, rotation, jpeg; tables: noise and missing, and what texts have. By default all that the data has "
        "columns for.",
    )
    rows: int = Field(1000, ge=1, le=1_000_000, description="Of how many test rows, drawn by the recipe's seed.")

    @field_validator("perturbations")
    @classmethod
    def _once(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return names if names is None else once(names)


class Samples(Params):
    """What a model that writes is let write, so that it can be judged by it; other models write nothing."""

    texts: int = Field(32, ge=0, le=100_000, description="How many texts, each on from the beginning of a test row.")
    length: int = Field(100, ge=1, le=100_000, description="Of at most so many tokens.")


class Evaluate(Params):
    """What the model must reach on the test rows before it is registered, and how it is judged."""

    gates: Annotated[dict[str, Gate | Against], WithJsonSchema(_GATES_SCHEMA)] = Field(
        default_factory=dict,
        description='A metric and what it must reach, such as {accuracy: ">= 0.83"}; `against: champion`; and what the '
        "[guide](../guides/evaluation.md#gates) names besides.",
    )
    intervals: Intervals = Field(default_factory=Intervals, description="How far a metric may be off.")
    slices: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (),
        description="Parts of the test rows that are judged apart: by length or language of their texts, by source, or "
        "by the values of a column; numbers in quartiles.",
    )

    calibrate: Literal["temperature"] | None = Field(
        None,
        description="Make a classifier as sure as it is right: temperature fits one number on the validation rows, by "
        "which the model also answers once it is deployed.",
    )
    thresholds: dict[str, Threshold] = Field(
        default_factory=dict,
        description="Answer a label from the score on that reaches this on the validation rows, such as "
        "{spam: {precision: 0.95}}; not for every label, since one must be left for the rest.",
    )
    robustness: Robustness | None = Field(
        None,
        description="Judge the model on changed inputs too: true, a list of perturbations, or a mapping with "
        "`perturbations` and `rows`.",
    )
    samples: Samples = Field(default_factory=Samples, description="What a model that writes is judged by.")

    @field_validator("robustness", mode="before")
    @classmethod
    def _shorthand(cls, data: Any) -> Any:
        return robustness_section(data)

    @field_validator("gates", mode="before")
    @classmethod
    def _parse(cls, data: Any) -> Any:
        return {name: _gate(name, gate) for name, gate in data.items()} if isinstance(data, dict) else data

    @field_serializer("gates")
    def _as_written(self, gates: dict[str, Gate | Against]) -> dict[str, Any]:
        return {name: gate.model_dump(mode="json") for name, gate in gates.items()}

    @field_validator("slices")
    @classmethod
    def _once(cls, slices: tuple[str, ...]) -> tuple[str, ...]:
        return once(slices)

    @property
    def decides(self) -> str | None:
        """The first of its keys that needs validation rows to decide by."""
        return "calibrate" if self.calibrate else "thresholds" if self.thresholds else None

    @property
    def against(self) -> Against | None:
        """The model that this one may not fall behind, where a gate names one."""
        found = self.gates.get(AGAINST)
        return found if isinstance(found, Against) else None

    @property
    def bounds(self) -> dict[str, Gate]:
        """The gates that compare a number with another."""
        return {name: gate for name, gate in self.gates.items() if isinstance(gate, Gate)}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that slices are made of."""
        return tuple(name for name in self.slices if name not in BUILT_IN)


def _gate(name: str, value: Any) -> Gate | Against:
    if name != AGAINST:
        return Gate.parse(value)
    return value if isinstance(value, Against) else Against.model_validate(Against.parse(value))


def sliced_columns(section: Any) -> list[str]:
    """The columns that a section names to slice by, as far as it is written as one."""
    slices = section.get("slices") if isinstance(section, dict) else None
    return (
        [each for each in slices if isinstance(each, str) and each not in BUILT_IN] if isinstance(slices, list) else []
    )
