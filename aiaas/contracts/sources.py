"""Where rows come from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from pydantic import Field

from aiaas.contracts.base import Batch, Params
from aiaas.contracts.folders import Folder


class SourceParams(Params):
    """What every entry under `collect` may say, whatever it reads from."""

    source: str = Field(
        description="Where the rows are: a path or glob, package:NAME/path, hf:OWNER/NAME, https://…, sql:URL, s3://…"
    )
    label: str | None = Field(None, description="Give every row of this source this label.")
    split: Literal["train", "validation", "test"] | None = Field(
        None, description="Which split the rows of this source belong to, where the data comes divided."
    )
    columns: dict[str, str] = Field(
        default_factory=dict, description="Our column: their column, such as {text: review, label: cat}."
    )
    without: tuple[str, ...] = Field(
        (), description="Columns of the data to leave out, such as a number of the row, where the task takes all."
    )
    licence: str | None = Field(None, description="The licence of the data, kept in its provenance.")
    on_error: Literal["fail", "skip"] = Field(
        "fail",
        description="What to do about malformed rows and damaged files: fail, or skip them with a warning; both say "
        "where they are.",
    )


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the bytes of a source came from. `sha256` is of the bytes as read, None where there are none."""

    location: str
    bytes: int
    sha256: str | None
    licence: str | None = None
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a source may rely on: where relative paths start, a folder it may keep downloads in, whether it may go
    online, and whom to tell: `warn` a person, of something that was passed over; `drop` who keeps the rows aside that
    are left out, each with its place, the reason and what it holds; `progress` who shows how far one is, in bytes read
    so far and in all, as far as that is known.

    `refresh` asks for what was fetched before `began`, the time of the command in seconds since 1970, to be fetched
    again: once a command, however often it asks."""

    base: Path
    cache: Path
    offline: bool = False
    refresh: bool = False
    warn: Callable[[str], None] = lambda message: None
    drop: Callable[[str, str, Any], None] = lambda place, reason, row: None
    progress: Callable[[int, int | None], None] = lambda done, total: None
    began: float = field(default_factory=time.time)


class Source(Protocol):
    """A module in `sources/`. `SCHEMES` are the prefixes of `source:` that it answers to."""

    SCHEMES: tuple[str, ...]
    Params: type[SourceParams]

    def fingerprint(self, params: Any, context: SourceContext) -> Mapping[str, Any]:
        """What decides whether the rows are the same as last time, as flat JSON, without reading more than needed:
        digests of local files; of something remote its address and revision. Raises DataError when it is gone."""

    def read(self, params: Any, context: SourceContext) -> Iterator[Batch]:
        """The rows in batches of at most some thousands, columns as they stand in the data (mapping, labels and
        splits are added by the collect stage). Raises DataError, RemoteError or MissingPackageError."""

    def origins(self, params: Any, context: SourceContext) -> Sequence[Origin]:
        """Where the bytes came from; called after `read` is exhausted."""


@runtime_checkable
class OfFiles(Protocol):
    """A source that can give its files as they are: what is no table of rows, such as word vectors, is read from it
    too."""

    def paths(self, params: Any, context: SourceContext) -> Sequence[Path]:
        """Where the files are on this machine, fetched first where needed. Raises as `read` does."""


@runtime_checkable
class OfFolders(Protocol):
    """A source that can also give a whole folder, such as that of a pretrained model. It is asked with the `Folder`
    itself; nothing in the folder is ever executed."""

    def folder_fingerprint(self, folder: Folder, context: SourceContext) -> Mapping[str, Any]:
        """What decides whether the wanted files are the same as last time, as flat JSON: digests by name for local
        files; of a hub the address and the commit that the revision means. Raises as `Source.fingerprint` does."""

    def folder(self, folder: Folder, context: SourceContext) -> Path:
        """Where the folder is on this machine; the wanted files are fetched first where needed. Raises as `read`
        does, and DataError where a wanted file that carries no wildcard is missing."""

    def folder_origins(self, folder: Folder, context: SourceContext) -> Sequence[Origin]:
        """Where each wanted file came from, with its digest and the version that it belongs to; called after
        `folder`."""
