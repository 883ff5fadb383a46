"""What every source of files may say in a recipe."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from aiaas.contracts import SourceParams

Format = Literal["csv", "tsv", "jsonl", "parquet", "lines", "text"]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-fA-F]{64}$", to_lower=True)]

_TABLE_ONLY = ("delimiter", "names", "skip_rows", "quotes", "missing")


class FileParams(SourceParams):
    """What every source of files may say."""

    format: Format | None = Field(
        None,
        description="How to read it; by default as its ending says (a text in a class folder is one document). "
        "`lines` gives one text a line, `text` one text a file.",
    )
    encoding: str | None = Field(
        None, description="The encoding of the text; by default UTF-8, UTF-16 with its mark, or GB18030, as detected."
    )
    delimiter: str | None = Field(
        None, min_length=1, max_length=1, description="What parts the fields: by default , in csv and a tab in tsv."
    )
    names: tuple[str, ...] | None = Field(
        None, min_length=1, description="The names of the columns, where the file has no header line."
    )
    skip_rows: int = Field(0, ge=0, description="Lines to pass over before the header; 0 or more.")
    quotes: bool = Field(True, description='Whether "…" quotes a field; false where quotation marks are plain text.')
    missing: tuple[str, ...] = Field(
        ("", "NA", "N/A", "NaN", "nan", "null", "NULL"), description="Fields of csv and tsv that stand for no value."
    )
    on_error: Literal["fail", "skip"] = Field(
        "fail", description="What to do about malformed rows: fail, or skip them with a warning; both give the lines."
    )
    sha256: Sha256 | None = Field(None, description="What the digest of the file must be: 64 hexadecimal digits.")

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            name = codecs.lookup(value).name
            "a".encode(name)  # refuses codecs that do not give text
        except LookupError:
            raise ValueError(f"there is no encoding {value!r}; such as utf-8, gb18030, big5, utf-16-le") from None
        return name

    @field_validator("names")
    @classmethod
    def _distinct(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value and len(set(value)) < len(value):
            raise ValueError("the names must differ from each other")
        return value

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        foreign = [name for name in _TABLE_ONLY if name in self.model_fields_set]
        if self.format not in (None, "csv", "tsv") and foreign:
            raise ValueError(f"{', '.join(foreign)} belongs to csv and tsv, not to {self.format}")
        return self
