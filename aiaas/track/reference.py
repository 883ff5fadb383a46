"""How a model is named, and what a name stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from aiaas.errors import UsageError

CHAMPION = "champion"
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_REFERENCE = re.compile(rf"(?P<name>{NAME})(?:@(?P<alias>[A-Za-z0-9_-]+)|/(?P<version>[1-9][0-9]*))?")


class Reference(NamedTuple):
    """A model as a person names it; without alias and version it is the champion."""

    name: str
    alias: str | None
    version: int | None


def parse_reference(text: str) -> Reference:
    """Read NAME, NAME@ALIAS or NAME/VERSION."""
    match = _REFERENCE.fullmatch(text)
    if not match:
        raise UsageError(
            f"{text!r} does not name a model; allowed: NAME, NAME@ALIAS, NAME/VERSION",
            hint="aiaas models list shows the names there are",
        )
    version = match["version"]
    return Reference(match["name"], match["alias"], int(version) if version else None)


@dataclass(frozen=True, slots=True)
class Version:
    """One registered bundle. `created` is in seconds since the epoch; `run` is the local run, `run_id` MLflow's once
    it is sent; `remote` says in which MLflow (`uri`) it has which number (`version`)."""

    name: str
    number: int
    path: Path
    digest: str
    created: float
    metrics: Mapping[str, Any]
    aliases: tuple[str, ...] = ()
    run: str | None = None
    run_id: str | None = None
    remote: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "name": self.name,
            "version": self.number,
            "aliases": list(self.aliases),
            "digest": self.digest,
            "bundle": str(self.path),
            "created": self.created,
            "run_id": self.run_id or self.run,
            "synced": self.remote is not None,
            "metrics": dict(self.metrics),
        }
