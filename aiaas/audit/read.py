"""The entries of the chains, as they were written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aiaas.audit import form


def entries(folder: Path, wanted: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
    """All entries whose fields are as `wanted` says, chain by chain; nothing is verified."""
    asked = list((wanted or {}).items())
    for files in form.segments(folder).values():
        for segment in files:
            with segment.path.open("rb") as lines:
                for line in lines:
                    entry = _read(line)
                    if entry is not None and all(entry.get(name) == value for name, value in asked):
                        yield entry


def _read(line: bytes) -> dict[str, Any] | None:
    """None for a line that is being written, or is none."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
