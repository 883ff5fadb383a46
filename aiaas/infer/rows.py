"""CSV with a header → inputs. A record that cannot be read costs its own line and no other."""

from __future__ import annotations

import csv
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from aiaas.contracts import Signature
from aiaas.errors import DataError
from aiaas.infer.text import Line, Unreadable
from aiaas.infer.written import Written
from aiaas.numerals import Numerals

Numbered = tuple[int, Line]
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def csv_rows(
    blocks: Iterable[list[Line]], delimiter: str, signature: Signature, written: Written
) -> Iterator[tuple[list[Any], list[int], tuple[str, ...]]]:
    """Inputs, the number of the line where each begins, and the columns that no feature is made of, block by block.

    A cell that says so is a missing value, as where training data are read. Raises DataError when the header names no
    feature.
    """
    reader = _Reader(delimiter)
    header: _Header | None = None
    number = 1
    for block in chain_end(blocks):
        numbered = list(enumerate(block or (), number))
        number += len(numbered)
        inputs: list[Any] = []
        lines: list[int] = []
        for at, fields in reader.records(numbered, last=block is None):
            if header is None:
                header = _Header(fields, at, signature, written)
                continue
            lines.append(at)
            inputs.append(fields if isinstance(fields, Unreadable) else header.input(fields))
        if header and inputs:
            yield inputs, lines, header.unused


def chain_end(blocks: Iterable[list[Line]]) -> Iterator[list[Line] | None]:
    """The blocks, then `None`."""
    yield from blocks
    yield None


class _Reader:
    """Reads records out of blocks of lines; what a block leaves open is read again with the next."""

    def __init__(self, delimiter: str) -> None:
        self._waiting: deque[Numbered] = deque()
        self._taken: list[Numbered] = []
        # strict: a stray quote is an error in its line, not a silent merging of the lines after it
        self._csv = csv.reader(self._feed(), delimiter=delimiter, strict=True)
        self._delimiter = delimiter

    def _feed(self) -> Iterator[str]:
        while self._waiting:
            self._taken.append(self._waiting.popleft())
            line = self._taken[-1][1]
            yield "\ufffd\n" if isinstance(line, Unreadable) else line + "\n"

    def records(self, lines: Iterable[Numbered], last: bool) -> Iterator[tuple[int, list[str] | Unreadable]]:
        """The records that are whole; with `last` also the reason why the rest is none."""
        self._waiting.extend(lines)
        while self._waiting:
            self._taken.clear()
            try:
                fields = next(self._csv)
            except StopIteration:  # a generator that ended stays ended
                self._csv = csv.reader(self._feed(), delimiter=self._delimiter, strict=True)
                continue
            except csv.Error as error:
                exhausted = not self._waiting
                self._csv = csv.reader(self._feed(), delimiter=self._delimiter, strict=True)
                if exhausted and not last and "end of data" in str(error):
                    self._waiting.extend(self._taken)  # a quoted cell that goes on in the next block
                    return
                # Only the first line is given up: the lines after it may be whole records again.
                self._waiting.extendleft(reversed(self._taken[1:]))
                yield self._taken[0][0], Unreadable(f"not CSV: {error}")
                continue
            damaged = next((line for _, line in self._taken if isinstance(line, Unreadable)), None)
            yield self._taken[0][0], damaged or fields


class _Header:
    """Turns the cells of a record into an input."""

    def __init__(self, names: list[str] | Unreadable, line: int, signature: Signature, written: Written) -> None:
        where = f"line {line}"
        if isinstance(names, Unreadable):
            raise DataError(f"the header cannot be read: {names.message}", where=where)
        names = written.named([name.strip() for name in names], signature.features)
        twice = sorted({name for name in names if names.count(name) > 1 and name in signature.features})
        if twice:
            raise DataError(f"the header names {', '.join(twice)} more than once", where=where)
        known = {name: kind for name, kind in signature.features.items() if name in names}
        if not known:
            raise DataError(
                f"the header names none of the model's columns ({', '.join(signature.features)}), but {_some(names)}",
                where=where,
                hint="the first line must hold the names of the columns"
                + ("; or --format lines" if signature.bare else ""),
            )
        self.unused = tuple(name for name in names if name not in known)
        self._width = len(names)
        self._bare = names.index(signature.bare) if signature.bare else None
        self._missing = written.missing
        self._columns = [(name, names.index(name), _converter(kind, written.numerals)) for name, kind in known.items()]

    def input(self, fields: list[str]) -> Any:
        """A text or path, or a row with missing values as None; Unreadable where the number of cells differs."""
        if len(fields) != self._width:
            return Unreadable(f"{len(fields)} cells, the header has {self._width}" if fields else "the line is empty")
        if self._bare is not None:
            return fields[self._bare]
        return {
            name: None if fields[place] in self._missing else convert(fields[place])
            for name, place, convert in self._columns
        }


def _some(names: list[str]) -> str:
    return ", ".join(name[:30] for name in names[:6]) + (" …" if len(names) > 6 else "")


def _converter(dtype: str, numerals: Numerals) -> Callable[[str], Any]:
    """What reads a cell of a column of this Arrow type. What it cannot read it hands on, for the task to refuse."""
    number = _whole if dtype.startswith(("int", "uint")) else _real
    if dtype.startswith(("int", "uint", "float", "double", "decimal")):
        return number if numerals.usual else lambda cell: number(numerals.plain(cell))
    return _truth if dtype == "bool" else str


def _whole(cell: str) -> Any:
    try:
        return int(cell) if _plain(cell) else cell
    except ValueError:
        return _real(cell)


def _real(cell: str) -> Any:
    try:
        value = float(cell) if _plain(cell) else math.nan
    except ValueError:
        return cell
    return value if math.isfinite(value) else cell


def _plain(cell: str) -> bool:
    """Python would also take 1_000 and digits of other scripts."""
    return len(cell) < 400 and cell.isascii() and "_" not in cell


def _truth(cell: str) -> Any:
    return _TRUTH.get(cell.strip().lower(), cell)
