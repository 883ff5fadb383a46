"""What every seam speaks of: parameters, examples, batches, answers."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

Example = Any
"""What a model takes: a text (`str`), a row (`dict[str, Any]`), a picture as an encoded file (`bytes`). The task says
which."""

Batch = dict[str, list[Any]]
"""Rows as columns: every list has the same length. What sources yield and steps map."""

Answer = dict[str, Any]
"""What a caller reads, ready for JSON."""


class Params(BaseModel):
    """Base of everything a recipe may set: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)
