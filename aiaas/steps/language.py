"""Keeps the rows whose text is in one of some languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from aiaas import contracts, languages, plugins
from aiaas.contracts import Batch, Sifted, sift
from aiaas.steps._columns import chosen, joined


class Params(contracts.Params):
    """Which languages stay."""

    keep: list[str] = Field(
        min_length=1, description="The languages whose rows stay, as ISO 639 codes, such as `zh` and `en`."
    )
    columns: list[str] | None = Field(
        None, description="The columns whose texts are looked at, together; by default all features."
    )
    confidence: float = Field(
        0.5, ge=0, le=1, description="How sure the language must be; of a text less sure `unsure` says what becomes."
    )
    unsure: Literal["keep", "drop"] = Field(
        "keep", description="What becomes of texts whose language is not sure, as of those without a letter."
    )

    @field_validator("keep")
    @classmethod
    def _known(cls, keep: list[str]) -> list[str]:
        for code in keep:
            if code not in languages.CODES:
                close = plugins.nearest(code, languages.CODES)
                raise ValueError(
                    f"there is no language {code!r}; allowed: {', '.join(sorted(languages.CODES))}"
                    + (f"; did you mean {close!r}?" if close else "")
                )
        return keep


class Step:
    """Not for requests, which are answered in whatever language they are."""

    ON_REQUEST: ClassVar[bool] = False
    ROWS: ClassVar[Literal["all", "train"]] = "all"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        self.columns = chosen(params.columns, columns)
        self.params: Params = params
        self._languages: Counter[str] = Counter()
        self._unsure = 0

    def apply(self, batch: Batch) -> Batch | Sifted:
        found = languages.detect(joined(batch, self.columns))
        return sift(batch, [self._reason(*each) for each in found])

    def _reason(self, language: str, sure: float) -> str | None:
        if language == languages.UNKNOWN or sure < self.params.confidence:
            self._unsure += 1
            return None if self.params.unsure == "keep" else "its language is not sure"
        self._languages[language] += 1
        return None if language in self.params.keep else f"its language is {language}"

    def report(self) -> Mapping[str, Any]:
        """Rows of each language, whether they stayed or not, and those not sure."""
        return {"languages": dict(self._languages.most_common()), "unsure": self._unsure}
