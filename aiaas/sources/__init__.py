"""Where rows come from: one file a source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class FileBatch(dict[str, list[Any]]):
    """Rows of one file as columns, which know where they stand in it.

    `first` is the number of the first row in the file, from 1; `lines` gives the line of each row where there are
    lines.
    """

    __slots__ = ("file", "first", "lines")

    def __init__(self, columns: dict[str, list[Any]], file: str, first: int, lines: Sequence[int] | None = None):
        super().__init__(columns)
        self.file = file
        self.first = first
        self.lines = lines

    def where(self, index: int) -> str:
        """The place of one row, as `file:line`, or as `file, row n` in a file that has no lines."""
        return f"{self.file}:{self.lines[index]}" if self.lines else f"{self.file}, row {self.first + index}"
