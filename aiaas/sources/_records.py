"""The records of a csv in blocks. What is done for each row is done by the parser in C: lines are counted for whole
blocks, and row by row only where rows go over several."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from aiaas.errors import DataError
from aiaas.sources import _text
from aiaas.sources._found import File

if TYPE_CHECKING:
    from aiaas.sources._encodings import Encoding
    from aiaas.sources._params import FileParams


@dataclass(slots=True)
class Block:
    """Rows with the lines they begin in, and the lines of those that cannot be parsed, each with the reason."""

    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)


@contextmanager
def opened(file: File, params: FileParams, encoding: Encoding, tabs: bool) -> Iterator[Records]:
    """The records behind the lines that `skip_rows` passes over."""
    with ExitStack() as stack:
        yield Records(file, params, encoding, "\t" if tabs else ",", stack)


class Records:
    """The records of a file; empty lines are none."""

    def __init__(self, file: File, params: FileParams, encoding: Encoding, delimiter: str, stack: ExitStack) -> None:
        if csv.field_size_limit() < _text.LONGEST:
            csv.field_size_limit(_text.LONGEST)
        self._file, self._encoding, self._stack = file, encoding, stack
        self._stream = stack.enter_context(_text.open_text(file, encoding, newline=""))
        self._skipped = sum(1 for _ in itertools.islice(self._stream, params.skip_rows))
        self._again: tuple[TextIO, int] | None = None
        self._reader = csv.reader(
            self._stream,
            delimiter=params.delimiter or delimiter,
            quoting=csv.QUOTE_MINIMAL if params.quotes else csv.QUOTE_NONE,
            strict=True,
        )

    def position(self) -> int:
        """How far in the file one is, in bytes."""
        return _text.position(self._stream)

    def next(self, count: int) -> Block:
        """Up to so many records, none at the end. Raises DataError for a quotation mark that is never closed."""
        block = Block()
        while len(block.rows) < count and len(block.faults) < count:
            before, rows, fault = self._reader.line_num, list[list[str]](), None
            try:
                rows.extend(itertools.islice(self._reader, count - len(block.rows)))
            except csv.Error as error:  # the rows before it are kept
                fault = str(error)
            first = self._skipped + before + 1
            if fault is None and self._reader.line_num - before == len(rows):
                lines: Sequence[int] = range(first, first + len(rows))
            else:
                *lines, first = itertools.accumulate(map(_height, rows), initial=first)
            if fault is not None:
                if "unexpected end" in fault or "field limit" in fault:
                    raise self._never_closed(first)
                block.faults.append((first, fault))
            elif not rows:
                break
            if not all(rows):
                lines = [line for line, row in zip(lines, rows, strict=True) if row]
                rows = [row for row in rows if row]
            block.rows += rows
            block.lines += lines
        return block

    def text(self, line: int) -> str:
        """The text of a line. Lines must be asked for in their order."""
        if self._again is None:
            self._again = self._stack.enter_context(_text.open_text(self._file, self._encoding, newline="")), 0
        stream, at = self._again
        self._again = stream, line
        return next(itertools.islice(stream, line - at - 1, None), "").rstrip("\r\n")

    def _never_closed(self, line: int) -> DataError:
        return DataError(
            f"a quotation mark that opens in line {line} is never closed",
            where=f"{self._file.shown}:{line}",
            hint="close it, or say quotes: false where quotation marks are plain text",
        )


def _height(row: list[str]) -> int:
    """The lines that a row takes."""
    text = "\0".join(row)
    return 1 + text.count("\n") + text.count("\r") - text.count("\r\n")
