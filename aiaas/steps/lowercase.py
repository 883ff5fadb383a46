"""Makes texts lower-case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from aiaas.steps._text import TextParams, TextStep


class Params(TextParams):
    """Which letters count as equal."""

    method: Literal["lower", "casefold"] = Field(
        "lower", description="`lower` writes lower case; `casefold` also folds letters for comparison: ß becomes ss."
    )


class Step(TextStep):
    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        super().__init__(params, columns, label)
        self._change = str.casefold if params.method == "casefold" else str.lower

    def texts(self, texts: list[str]) -> list[str]:
        return list(map(self._change, texts))
