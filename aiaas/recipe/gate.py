"""What a model must reach, as text: `">= 0.83"`, or as another model that it may not fall behind."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_serializer

from aiaas.contracts import Params

Operator = Literal[">=", ">", "<=", "<"]
_NUMBER = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?"
GATE_PATTERN = rf"^\s*(>=|>|<=|<)\s*({_NUMBER})\s*( by interval\s*)?$"

AGAINST = "against"
"""The gate that names another model."""
OF_ROWS: dict[str, str] = {
    "slice_gap": "the largest gap of the task's first metric between two slices of one kind with enough rows",
    "robustness_drop": "how much of its metric the worst perturbation of the inputs costs",
}
"""What is measured of an evaluation besides the metrics of the task."""
OF_BUNDLE: dict[str, str] = {
    "latency_p95_ms": "milliseconds that 95 of 100 requests of one input take at most, here, without the network",
    "size_mb": "millions of bytes of the bundle",
    "max_accuracy_drop": "accuracy that the deployed form loses against the trained model on held-out rows",
}
"""What is measured of the bundle, before it is registered."""


class Gate(Params):
    """A comparison with a threshold: of the value, or of the whole interval around it."""

    operator: Operator = Field(description="How the metric is compared with the threshold.")
    threshold: float = Field(description="What it is compared with.")
    by: Literal["value", "interval"] = Field("value", description="What of the metric is compared.")

    @classmethod
    def parse(cls, value: Any) -> Gate:
        """The gate that a text such as `>= 0.83` or `>= 0.83 by interval` stands for; raises ValueError."""
        if isinstance(value, Gate):
            return value
        match = re.match(GATE_PATTERN, value, re.ASCII) if isinstance(value, str) else None
        if match is None:
            raise ValueError(
                'must be one of >=, >, <=, < and a number, such as ">= 0.83"; with "by interval" behind it, all of the '
                "interval must reach that"
            )
        operator: Any = match[1]
        return cls(operator=operator, threshold=float(match[2]), by="interval" if match[3] else "value")

    @property
    def end(self) -> Literal["lower", "upper"]:
        """Which end of an interval decides: the one that is farther from passing."""
        return "lower" if self.operator in (">=", ">") else "upper"

    def met(self, value: float) -> bool:
        """Whether `value` passes; a value that is not a number never does."""
        match self.operator:
            case ">=":
                return value >= self.threshold
            case ">":
                return value > self.threshold
            case "<=":
                return value <= self.threshold
            case "<":
                return value < self.threshold

    def __str__(self) -> str:
        asked = f"{self.operator} {repr(self.threshold).removesuffix('.0')}"
        return asked if self.by == "value" else f"{asked} by interval"

    @model_serializer
    def _as_written(self) -> str:
        return str(self)


class Against(Params):
    """A model that answers the same test rows, and that this one may not be significantly worse than."""

    model: str = Field(
        "champion",
        min_length=1,
        description="An alias or the number of a version of this model, or another one: NAME@ALIAS, NAME/VERSION.",
    )
    metric: str | None = Field(
        None, min_length=1, description="By which metric; by default the first of the task that is defined."
    )
    margin: float = Field(0.0, ge=0, description="By how much it may be worse, in units of the metric.")
    level: float = Field(
        0.95,
        ge=0.5,
        le=0.999,
        description="How sure it must be that it is worse: p of the paired test below 1 - level.",
    )

    @field_validator("model")
    @classmethod
    def _named(cls, model: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9._-]+(?:@[A-Za-z0-9_-]+|/[1-9][0-9]*)?", model):
            raise ValueError("must be an alias, the number of a version, NAME@ALIAS or NAME/VERSION")
        return model

    @classmethod
    def parse(cls, value: Any) -> Any:
        """What a recipe says in short: the model alone."""
        if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
            return {"model": str(value)}
        return value

    def __str__(self) -> str:
        margin = f" by more than {self.margin:g}" if self.margin else ""
        return f"not significantly worse{margin} than {self.model}"
