"""What was decided of a model's scores, as a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiaas.contracts import Signature
from aiaas.workspace import atomic

FILE = "decision.json"


@dataclass(frozen=True, slots=True)
class Decision:
    """The temperature of a model's scores, None where they are taken as they are, and from which score on a label is
    answered, by the label."""

    temperature: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def of(self, signature: Signature) -> Signature:
        """A signature by which it is decided so."""
        return replace(signature, thresholds=dict(self.thresholds))

    def write(self, folder: Path) -> None:
        atomic.write_json(folder / FILE, self.as_dict())

    @classmethod
    def read(cls, folder: Path) -> Decision:
        """What the evaluation in the folder decided; nothing where it kept nothing."""
        path = folder / FILE
        return cls.from_dict(json.loads(path.read_text("utf-8"))) if path.exists() else cls()

    def as_dict(self) -> dict[str, Any]:
        return {"temperature": self.temperature, "thresholds": dict(self.thresholds)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Decision:
        return cls(data["temperature"], dict(data["thresholds"]))
