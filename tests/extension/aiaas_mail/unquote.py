"""Takes out of a mail what its writer did not write: the lines that it quotes, and the signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from aiaas import contracts
from aiaas.contracts import Batch

_SIGNATURE = "-- "
"""The line that begins a signature, by RFC 3676; clients lose its space."""


class Params(contracts.Params):
    """What goes."""

    signature: bool = Field(True, description="Whether a signature goes as well.")


class Step:
    """Works on every feature that is a text, in rows to learn from and in requests alike."""

    ON_REQUEST: ClassVar[bool] = True
    ROWS: ClassVar[Literal["all", "train"]] = "all"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        self._signature: bool = params.signature
        self._columns = columns
        self._lines = 0

    def apply(self, batch: Batch) -> Batch:
        """The batch with shorter texts; what is no text stays."""
        changed = {name: [self._written(value) for value in batch[name]] for name in self._columns}
        return {**batch, **changed}

    def report(self) -> Mapping[str, Any]:
        """How many lines went."""
        return {"lines": self._lines}

    def _written(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        lines = value.split("\n")
        end = len(lines)
        if self._signature:
            end = next((place for place, line in enumerate(lines) if line.rstrip("\r ") == _SIGNATURE.rstrip()), end)
        kept = [line for line in lines[:end] if not line.startswith(">")]
        self._lines += len(lines) - len(kept)
        return "\n".join(kept)
