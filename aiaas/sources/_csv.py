"""Comma- and tab-separated tables: one pass finds encoding, malformed rows and types, a second gives the rows.

Two passes, because a column has one type: what its last row says decides how its first is read.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TextIO

from aiaas.contracts import SourceContext
from aiaas.errors import DataError
from aiaas.sources import FileBatch, _text
from aiaas.sources._bad import BadRows
from aiaas.sources._found import File
from aiaas.sources._types import ColumnType

if TYPE_CHECKING:
    from aiaas.sources._params import FileParams

_ROWS = 10_000
_HINT = ", or check delimiter: and quotes:"


@dataclass(frozen=True, slots=True)
class _Survey:
    """What the first pass finds."""

    encoding: str
    names: tuple[str, ...]
    types: tuple[ColumnType, ...]


def read(file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """The rows with numbers, truth values and missing ones as such, and the column `label` of a second file where there
    is one. Raises DataError for malformed rows."""
    if file.labels:
        yield from _labelled(file, file.labels, params, context)
        return
    survey = _survey(file, params, context)
    row = 1
    for lines, rows in _blocks(file, params, survey.encoding, survey.names, None):
        values = zip(*rows, strict=True)
        columns = {
            name: kind.convert(column) for name, kind, column in zip(survey.names, survey.types, values, strict=True)
        }
        yield FileBatch(columns, file.shown, row, lines)
        row += len(lines)


def _labelled(file: File, labels: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """The rows of `file`, each with the value in the row of `labels` that has its number."""
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
    encoding = _text.encoding_of(file, params.encoding, context.warn)
    names = params.names or _header(file, params, encoding)
    types = tuple(ColumnType(frozenset(params.missing)) for _ in names)
    bad = BadRows(file, params.on_error, _HINT)
    good = 0
    for lines, rows in _blocks(file, params, encoding, names, bad):
        for column, values in zip(types, zip(*rows, strict=True), strict=True):
            column.see(values, lines)
        good += len(lines)
    bad.finish(good, context.warn)
    for name, column in zip(names, types, strict=True):
        if column.turned:
            context.warn(f"{file.shown}: column {name!r} is kept as text, for {column.turned}")
    return _Survey(encoding, names, types)


def _header(file: File, params: FileParams, encoding: str) -> tuple[str, ...]:
    with _text.open_text(file, encoding, newline="") as stream:
        line, header = next(_records(stream, file, params), (0, ""))
    if isinstance(header, str):
        raise DataError(f"the header cannot be read: {header or 'there is none'}", where=f"{file.shown}:{max(line, 1)}")
    names = tuple(name or f"column_{index}" for index, name in enumerate(header, 1))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"the header names a column twice: {', '.join(map(repr, twice))}",
            where=f"{file.shown}:{line}",
            hint="correct it, or give your own with names: and skip_rows: 1",
        )
    return names


def _blocks(
    file: File, params: FileParams, encoding: str, names: Sequence[str], bad: BadRows | None
) -> Iterator[tuple[list[int], list[list[str]]]]:
    """Well-formed rows with their lines, some thousands at a time; the others go to `bad`."""
    width = len(names)
    with _text.open_text(file, encoding, newline="") as stream:
        records = itertools.islice(_records(stream, file, params), 0 if params.names else 1, None)
        while block := list(itertools.islice(records, _ROWS)):
            lines: list[int] = []
            rows: list[list[str]] = []
            for line, row in block:
                if len(row) == width and not isinstance(row, str):
                    lines.append(line)
                    rows.append(row)
                elif bad:
                    bad.add(
                        line,
                        row if isinstance(row, str) else f"{len(row)} field{'s' * (len(row) != 1)} instead of {width}",
                    )
            if rows:
                yield lines, rows


def _records(stream: TextIO, file: File, params: FileParams) -> Iterator[tuple[int, list[str] | str]]:
    """Every record with the line it begins in; one that cannot be parsed comes as the reason. Empty lines are none."""
    if csv.field_size_limit() < _text.LONGEST:
        csv.field_size_limit(_text.LONGEST)
    skipped = sum(1 for _ in itertools.islice(stream, params.skip_rows))
    reader = csv.reader(
        stream,
        delimiter=params.delimiter or ("\t" if tabs(file, params) else ","),
        quoting=csv.QUOTE_MINIMAL if params.quotes else csv.QUOTE_NONE,
        strict=True,
    )
    while True:
        line = skipped + reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end" in str(error) or "field limit" in str(error):
                raise DataError(
                    f"a quotation mark that opens in line {line} is never closed",
                    where=f"{file.shown}:{line}",
                    hint="close it, or say quotes: false where quotation marks are plain text",
                ) from error
            yield line, str(error)
            continue
        if row:
            yield line, row


def tabs(file: File, params: FileParams) -> bool:
    """Whether fields are parted by tabs: by the format, or by the ending where none is given."""
    if params.format:
        return params.format == "tsv"
    return file.path.name.lower().removesuffix(".gz").removesuffix(".zst").endswith((".tsv", ".tab"))
