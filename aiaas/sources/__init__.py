"""Where rows come from: one file a source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiaas.contracts import Origin
    from aiaas.sources._found import File


class FileBatch(dict[str, list[Any]]):
    """Rows of one file as columns, which know where they stand in it.

    `first` is the number of the first row in the file, from 1; `lines` gives the line of each row where there are
    lines. `split` is the split that the data itself says they belong to.
    """

    __slots__ = ("file", "first", "lines", "split")

    def __init__(self, columns: dict[str, list[Any]], file: str, first: int, lines: Sequence[int] | None = None):
        super().__init__(columns)
        self.file = file
        self.first = first
        self.lines = lines
        self.split: str | None = None

    def where(self, index: int) -> str:
        """The place of one row, as `file:line`, or as `file, row n` in a file that has no lines."""
        return f"{self.file}:{self.lines[index]}" if self.lines else f"{self.file}, row {self.first + index}"

    def cut(self, start: int, stop: int) -> FileBatch:
        """Some of the rows that follow each other."""
        columns = {name: values[start:stop] for name, values in self.items()}
        part = FileBatch(columns, self.file, self.first + start, self.lines and self.lines[start:stop])
        part.split = self.split
        return part


class FilesBatch(FileBatch):
    """Rows that are files: a row is told by the name of its file."""

    __slots__ = ("files",)

    def __init__(self, columns: dict[str, list[Any]], files: Sequence[File], first: int) -> None:
        super().__init__(columns, files[0].shown, first)
        self.files = files

    def where(self, index: int) -> str:
        return self.files[index].shown


def digest_of(origins: Sequence[Origin]) -> str | None:
    """One sha256 for all that a source is made of: that of its file, or one over the names and digests of several."""
    from aiaas.workspace import keys

    digests = {origin.location: origin.sha256 for origin in origins}
    return next(iter(digests.values())) if len(digests) == 1 else keys.digest_json(digests)
