"""One thing that was looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiaas.errors import AiaasError

Level = Literal["ok", "note", "warning", "failed"]
"""`note`: something that is not there and need not be; `warning`: something that will fail where it is used; `failed`:
nothing will work."""


@dataclass(frozen=True, slots=True)
class Check:
    """`details` are for scripts; `error` is what a check that failed means for the exit status."""

    name: str
    level: Level
    message: str
    hint: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    error: type[AiaasError] = AiaasError

    def as_dict(self) -> dict[str, Any]:
        told = {"name": self.name, "level": self.level, "message": self.message, "hint": self.hint}
        return {**told, **self.details}
