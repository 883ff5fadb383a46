"""What a metric must reach, as text: `">= 0.83"`."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, model_serializer

from aiaas.contracts import Params

Operator = Literal[">=", ">", "<=", "<"]
_NUMBER = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?"
GATE_PATTERN = rf"^\s*(>=|>|<=|<)\s*({_NUMBER})\s*$"


class Gate(Params):
    """A comparison with a threshold."""

    operator: Operator = Field(description="How the metric is compared with the threshold.")
    threshold: float = Field(description="What it is compared with.")

    @classmethod
    def parse(cls, value: Any) -> Gate:
        """The gate that a text such as `>= 0.83` stands for; raises ValueError."""
        if isinstance(value, Gate):
            return value
        match = re.match(GATE_PATTERN, value, re.ASCII) if isinstance(value, str) else None
        if match is None:
            raise ValueError('must be one of >=, >, <=, < and a number, such as ">= 0.83"')
        operator: Any = match[1]
        return cls(operator=operator, threshold=float(match[2]))

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
        return f"{self.operator} {repr(self.threshold).removesuffix('.0')}"

    @model_serializer
    def _as_written(self) -> str:
        return str(self)
