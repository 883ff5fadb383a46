"""Comma- and tab-separated tables: one pass finds encoding, malformed rows and types, a second gives the rows.

Two passes, because a column has one type: what its last row says decides how its first is read.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aiaas.contracts import SourceContext
from aiaas.errors import DataError
from aiaas.numerals import Numerals
from aiaas.sources import FileBatch, _cells, _encodings, _records
from aiaas.sources._bad import BadRows
from aiaas.sources._encodings import Encoding
from aiaas.sources._found import File
from aiaas.sources._types import ColumnType

if TYPE_CHECKING:
    from aiaas.sources._params import FileParams

_ROWS = 2000  # few enough for the processor's cache: a fifth faster than 10,000
_HINT = ", or check delimiter: and quotes:"


@dataclass(frozen=True, slots=True)
class _Survey:
    """What the first pass finds."""

    encoding: Encoding
    names: tuple[str, ...]
    types: tuple[ColumnType, ...]


def read(file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """The rows with numbers, truth values and missing ones as such, and the column `label` of a second file where there
    is one. Raises DataError for malformed rows."""
    if file.labels:
        yield from _labelled(file, file.labels, params, context)
        return
    survey, row, size = _survey(file, params, context), 1, file.path.stat().st_size
    for lines, rows in _blocks(file, params, survey, None, lambda at: context.progress((size + at) // 2, size)):
        values = zip(*rows, strict=True)
        columns = {
            name: kind.convert(column) for name, kind, column in zip(survey.names, survey.types, values, strict=True)
        }
        yield FileBatch(columns, file.shown, row, lines)
        row += len(lines)


def _labelled(file: File, labels: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """The rows of `file`, each with the value in the row of `labels` that has its number."""
    # What is left out of one file would give the rows behind it the labels of others.
    params = params.model_copy(update={"on_error": "fail"})
    alone = params.model_copy(update={"names": ("label",), "skip_rows": 0, "delimiter": None})
    values = itertools.chain.from_iterable(batch["label"] for batch in read(labels, alone, context))
    count = 0
    for batch in read(replace(file, labels=None), params, context):
        size = len(next(iter(batch.values())))
        batch["label"] = list(itertools.islice(values, size))
        count += len(batch["label"])
        if len(batch["label"]) < size:
            raise DataError(f"it holds {count:,} labels, fewer than {file.shown} has rows", where=labels.shown)
        yield batch
    if next(values, None) is not None:
        raise DataError(f"it holds more labels than the {count:,} rows of {file.shown}", where=labels.shown)


def _survey(file: File, params: FileParams, context: SourceContext) -> _Survey:
    encoding = _encodings.encoding_of(file, params.encoding, context.warn, rough=params.on_error == "skip")
    names = params.names or _header(file, params, encoding)
    missing = frozenset(params.missing)
    numerals = Numerals(params.decimal, params.thousands)
    types = tuple(ColumnType(missing, numerals) for _ in names)
    survey = _Survey(encoding, names, types)
    bad = BadRows(file.shown, params, context, _HINT)
    good = 0
    for lines, rows in _blocks(file, params, survey, bad, lambda at: context.progress(at // 2, None)):
        for column, values in zip(survey.types, zip(*rows, strict=True), strict=True):
            column.see(values, lines)
        good += len(lines)
    bad.finish(good)
    for name, column in zip(names, survey.types, strict=True):
        if column.turned:
            context.warn(f"{file.shown}: column {name!r} is kept as text, for {column.turned}")
    return survey


def _header(file: File, params: FileParams, encoding: Encoding) -> tuple[str, ...]:
    with _records.opened(file, params, encoding, tabs(file, params)) as records:
        block = records.next(1)
    for row in block.rows:
        if why := _no_text(row, encoding):
            block.faults.append((block.lines[0], why))
    if block.faults or not block.rows:
        line, why = next(iter(block.faults), (1, "there is none"))
        raise DataError(f"the header cannot be read: {why}", where=f"{file.shown}:{line}")
    return _cells.named(block.rows[0], f"{file.shown}:{block.lines[0]}")


def _blocks(
    file: File, params: FileParams, survey: _Survey, bad: BadRows | None, told: Callable[[int], None]
) -> Iterator[tuple[Sequence[int], list[list[str]]]]:
    """Well-formed rows with their lines, some thousands at a time; the others go to `bad`."""
    width = len(survey.names)
    with _records.opened(file, params, survey.encoding, tabs(file, params)) as records:
        if not params.names:
            records.next(1)
        while (block := records.next(_ROWS)).rows or block.faults:
            told(records.position())
            lines, rows = block.lines, block.rows
            if block.faults or survey.encoding.damaged or set(map(len, rows)) - {width}:
                faults = [
                    _cells.miscounted(len(row), width) if len(row) != width else _no_text(row, survey.encoding)
                    for row in rows
                ]
                if bad:
                    _note(block, faults, bad, records)
                lines = [line for line, why in zip(lines, faults, strict=True) if not why]
                rows = [row for row, why in zip(rows, faults, strict=True) if not why]
            if rows:
                yield lines, rows


def _no_text(row: Sequence[str], encoding: Encoding) -> str | None:
    """Why a row is no text; None where it is."""
    return encoding.fault("\n".join(row)) if encoding.damaged else None


def _note(block: _records.Block, faults: Sequence[str | None], bad: BadRows, records: _records.Records) -> None:
    """Give the malformed rows of a block to `bad`, in their order; `faults` are those of its rows."""
    ragged = [(line, why, row) for line, why, row in zip(block.lines, faults, block.rows, strict=True) if why]
    kept = bad.policy == "skip"
    unparsed = [(line, why, records.text(line) if kept else None) for line, why in block.faults]
    for line, why, held in sorted([*ragged, *unparsed], key=lambda row: row[0]):
        bad.add(line, why, held)


def tabs(file: File, params: FileParams) -> bool:
    """Whether fields are parted by tabs: by the format, or by the ending where none is given."""
    if params.format:
        return params.format == "tsv"
    return file.path.name.lower().removesuffix(".gz").removesuffix(".zst").endswith((".tsv", ".tab"))
