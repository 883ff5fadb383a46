"""How OpenAI's API calls a model, and who answered."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aiaas.bundle import layout
from aiaas.serve.models import Live

NAME = "openai"


def about(live: Live) -> dict[str, Any]:
    """A model as the list of models has it; `created` is when its bundle was put where it is."""
    created = 0
    with suppress(OSError):
        created = int((live.bundle.path / layout.MANIFEST).stat().st_mtime)
    return {"id": live.name, "object": "model", "created": created, "owned_by": "aiaas"}


def named(about: Mapping[str, Any]) -> dict[str, Any]:
    """Who answered: `system_fingerprint` is the beginning of the digest, as OpenAI names a state of its own."""
    return {**about, "system_fingerprint": str(about["digest"])[:12]}
