"""What every source of files may say in a recipe."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from aiaas.contracts import SourceParams
from aiaas.sources import _sizes

Format = Literal[
    "csv",
    "tsv",
    "jsonl",
    "json",
    "parquet",
    "arrow",
    "excel",
    "html",
    "lines",
    "text",
    "pictures",
    "idx",
    "npy",
    "npz",
    "pixels",
]
Size = Annotated[int, Field(ge=1, le=65_536)]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-fA-F]{64}$", to_lower=True)]

_ONLY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("delimiter", "quotes", "decimal", "thousands"), ("csv", "tsv")),
    **dict.fromkeys(("names", "skip_rows", "missing"), ("csv", "tsv", "excel", "html")),
    "sheet": ("excel",),
    "table": ("html",),
    "picture_folder": ("csv", "tsv", "jsonl", "json", "parquet", "arrow", "excel", "html"),
    "labels": ("csv", "tsv", "idx", "npy"),
    "label_names": ("idx", "npy", "npz", "pixels"),
    **dict.fromkeys(("shape", "label_at"), ("pixels",)),
    "highest": ("npy", "npz", "pixels"),
}
"""The formats that a parameter belongs to; the ending may say so as well."""


class FileParams(SourceParams):
    """What every source of files may say."""

    format: Format | None = Field(
        None,
        description="How to read it; by default as its ending says (a text in a class folder is one document). "
        "`jsonl` holds one object a line, `json` a list of objects; `lines` gives one text a line, `text` one text a "
        "file, `pictures` one picture a file; `arrow` is an IPC file or stream (also Feather), `excel` a workbook "
        ".xlsx, `html` a table of a page; `idx`, `npy` and `npz` hold arrays of pixels, `pixels` is a CSV with the "
        "pixels of a picture in each row.",
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
    skip_rows: int = Field(0, ge=0, description="Lines, or rows, to pass over before the header; 0 or more.")
    quotes: bool = Field(True, description='Whether "…" quotes a field; false where quotation marks are plain text.')
    decimal: Literal[".", ","] = Field(".", description="What parts the fraction of a number: 3.5 or 3,5.")
    thousands: Literal[",", ".", " ", "'"] | None = Field(
        None, description="What parts the thousands of a number, as 1,234 or 1.234; by default nothing does."
    )
    missing: tuple[str, ...] = Field(
        ("", "NA", "N/A", "NaN", "nan", "null", "NULL"),
        description="Fields of csv and tsv, and cells of excel and html, that stand for no value.",
    )
    sheet: int | str | None = Field(
        None, description="Of excel: the sheet, by its name or its number from 1; by default the first."
    )
    table: int | str | None = Field(
        None, description="Of html: the table, by its number from 1, its id or its caption; by default the only one."
    )
    picture_folder: str | None = Field(
        None,
        description="Of tables: the folder of the pictures that the column `image` names (see columns:), relative to "
        "the table; `.` is the table's own. Their bytes take the place of the names. Nothing outside it is read.",
    )
    members: str | None = Field(
        None,
        min_length=1,
        description="Of archives (.zip, .tar, .tar.gz, .tgz, .tar.bz2, .tar.xz, .tar.zst): which members to read, as a "
        "glob or a folder of class folders; by default all.",
    )
    max_unpacked: _sizes.Size = Field(
        50 * 10**9,
        ge=1,
        description="Refuse an archive, or compressed parquet or Arrow, that holds more: bytes, or such as 50GB; by "
        "default 50 GB.",
    )
    labels: str | None = Field(
        None,
        min_length=1,
        description="Of csv, tsv, idx and npy: the file that holds the labels (or targets), row by row as the column "
        "label; named as source: names its.",
    )
    label_names: tuple[str, ...] | None = Field(
        None, min_length=1, description="Of arrays: what the labels 0, 1, 2 … are called; by default by their numbers."
    )
    shape: tuple[Size, Size] | tuple[Size, Size, Literal[1, 3]] | None = Field(
        None, description="Of pixels: height, width, and 3 where there are colours."
    )
    label_at: Literal["first", "last"] | None = Field(
        None, description="Of pixels: whether the label of a row stands before or behind them; by default it has none."
    )
    highest: float = Field(255, gt=0, description="Of arrays: the value of the brightest pixels; 0 is the darkest.")
    sha256: Sha256 | None = Field(
        None,
        description="What the digest of the file must be, or of several that which `collect --json` gives for the "
        "source: 64 hexadecimal digits.",
    )

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
        if self.format is not None:
            for name, formats in _ONLY.items():
                if self._says(name) and self.format not in formats:
                    *others, last = formats
                    told = f"{', '.join(others)} and {last}" if others else last
                    raise ValueError(f"{name} belongs to {told}, not to {self.format}")
        if self.thousands == self.decimal:
            raise ValueError("thousands and decimal cannot be the same")
        if self.format == "pixels" and self.shape is None:
            raise ValueError("pixels needs shape: [height, width]")
        return self

    def _says(self, name: str) -> bool:
        """Whether a parameter was given: a resolved recipe states every default, which asks for nothing."""
        return bool(getattr(self, name) != type(self).model_fields[name].default)
