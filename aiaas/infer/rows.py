"""CSV with a header → inputs. A record that cannot be read costs its own line and no other."""

from __future__ import annotations

import csv
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from aiaas.contracts import Signature
from aiaas.errors import DataError
from aiaas.infer.text import Line, Unreadable

Numbered = tuple[int, Line]
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def csv_rows(
    blocks: Iterable[list[Line]], delimiter: str, signature: Signature, text_only: bool
) -> Iterator[tuple[list[Any], list[int]]]:
    """Inputs and the number of the line where each begins, block by block; columns that are no feature are left out.

    An empty cell of a column of numbers is a missing value. Raises DataError when the header names no feature.
    """
    reader = _Reader(delimiter)
    make: Callable[[list[str]], Any] | None = None
    number = 1
    for block in chain_end(blocks):
        last = block is None
        numbered = list(enumerate(block or (), number))
        number += len(numbered)
        inputs: list[Any] = []
        lines: list[int] = []
        for at, fields in reader.records(numbered, last):
            if make is None:
                make = _header(fields, at, signature, text_only)
                continue
            lines.append(at)
            inputs.append(fields if isinstance(fields, Unreadable) else make(fields))
        if inputs:
            yield inputs, lines


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


def _header(
    names: list[str] | Unreadable, line: int, signature: Signature, text_only: bool
) -> Callable[[list[str]], Any]:
    """What turns the fields of a record into an input."""
    if isinstance(names, Unreadable):
        raise DataError(f"the header cannot be read: {names.message}", where=f"line {line}")
    names = [name.strip() for name in names]
    twice = sorted({name for name in names if names.count(name) > 1 and name in signature.features})
    if twice:
        raise DataError(f"the header names {', '.join(twice)} more than once", where=f"line {line}")
    found = {name: names.index(name) for name in signature.features if name in names}
    if not found:
        raise DataError(
            f"the header names none of the model's columns ({', '.join(signature.features)})",
            where=f"line {line}",
            hint="the first line must hold the names of the columns" + ("; or --format lines" if text_only else ""),
        )
    width = len(names)
    convert = {name: (place, _CONVERT[signature.features[name]]) for name, place in found.items()}

    def make(fields: list[str]) -> Any:
        if len(fields) != width:
            return Unreadable(_width(len(fields), width))
        return fields[found["text"]] if text_only else _row(fields, convert)

    return make


def _width(found: int, wanted: int) -> str:
    return f"{found} cells, the header has {wanted}" if found else "the line is empty"


def _row(fields: list[str], convert: Mapping[str, tuple[int, Callable[[str], Any]]]) -> dict[str, Any]:
    return {name: function(fields[place]) for name, (place, function) in convert.items()}


def _whole(cell: str) -> Any:
    try:
        return int(cell)
    except ValueError:
        return _real(cell)


def _real(cell: str) -> Any:
    """A number, `None` for an empty cell; anything else is handed on for the task to refuse."""
    if not cell or cell.isspace():
        return None
    try:
        value = float(cell)
    except ValueError:
        return cell
    if value != value:  # a cell that says "nan" says that there is no value
        return None
    return value if math.isfinite(value) else cell


def _truth(cell: str) -> Any:
    return _TRUTH.get(cell.strip().lower(), cell or None)


_CONVERT: dict[str, Callable[[str], Any]] = {"string": str, "int64": _whole, "float64": _real, "bool": _truth}
