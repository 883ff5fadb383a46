"""Excel workbooks, read row by row: the values of the cells, of a formula the value that was last saved with it."""

from __future__ import annotations

import itertools
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from aiaas import plugins
from aiaas.contracts import SourceContext
from aiaas.errors import DataError, first_line
from aiaas.sources import FileBatch, _cells
from aiaas.sources._bad import BadRows
from aiaas.sources._found import File, listing

if TYPE_CHECKING:
    from aiaas.sources._params import FileParams

ROWS = 5000
MOST = 2**30
"""Bytes that the parts of a workbook may have unpacked: its texts are held in memory."""

_ERRORS = frozenset(("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!"))
_NOT_AVAILABLE = "#N/A"
_HINT = ", or check sheet: and skip_rows:"


def read(file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """The rows of one sheet; empty rows are none. Raises DataError, and MissingPackageError without openpyxl."""
    plugins.require(("openpyxl",), "a workbook")
    import openpyxl

    _check(file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of drawings and the like, which hold no rows
        try:
            with file.path.open("rb") as stream:  # ours to close, whatever still holds a part of it
                book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
                sheet = _sheet(book, file, params, context)
                yield from _rows(sheet, file, params, context)
        except (DataError, OSError):
            raise
        except Exception as error:  # whatever a damaged one makes of the parsers below openpyxl
            raise DataError(f"it cannot be read as a workbook: {first_line(error)}", where=file.shown) from error


def _check(file: File) -> None:
    """Refuse what is no workbook, and one whose parts would fill the memory."""
    try:
        with zipfile.ZipFile(file.path) as packed:
            size = sum(info.file_size for info in packed.infolist())
    except zipfile.BadZipFile as error:
        hint = "an old .xls or a protected workbook: save it as .xlsx without a password"
        raise DataError("it is no workbook of the kind .xlsx", where=file.shown, hint=hint) from error
    if size > MOST:
        raise DataError(
            f"it unpacks to {size:,} bytes; {MOST:,} are read", where=file.shown, hint="save the sheet as csv"
        )


def _sheet(book: Any, file: File, params: FileParams, context: SourceContext) -> Any:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    visible = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]
    wanted = params.sheet
    if wanted is None:
        if not visible:
            raise DataError("it has no visible sheet", where=file.shown, hint=f"name one: {listing(list(sheets))}")
        if len(visible) > 1:
            others = listing(visible[1:])
            context.warn(f"{file.shown}: the first sheet, {visible[0]!r}, is read; there are others: {others}")
        return sheets[visible[0]]
    if isinstance(wanted, int) and 1 <= wanted <= len(sheets):
        return book.worksheets[wanted - 1]
    if wanted in sheets:
        return sheets[wanted]
    close = plugins.nearest(str(wanted), sheets)
    raise DataError(
        f"it has no sheet {wanted!r}; there are: {listing(list(map(repr, sheets)))}",
        where=file.shown,
        hint=f"did you mean {close!r}?" if close else "sheet: takes a name, or a number from 1",
    )


def _rows(sheet: Any, file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    shown = f"{file.shown}#{sheet.title}"
    sheet.reset_dimensions()  # what the file says of its size may be a lie
    rows = enumerate(sheet.iter_rows(values_only=True, min_row=params.skip_rows + 1), params.skip_rows + 1)
    names = params.names or _header(rows, shown)
    bad = BadRows(shown, params, context, _HINT)
    missing = frozenset(params.missing)
    good = 0
    while block := list(itertools.islice(rows, ROWS)):
        lines: list[int] = []
        kept: list[list[Any]] = []
        for line, cells in block:
            row = _row(cells, missing)
            if not row:
                continue
            if why := _fault(row, len(names)):
                bad.add(line, why, row)
                continue
            lines.append(line)
            kept.append(row + [None] * (len(names) - len(row)))
        if kept and not bad.fatal:
            columns = {name: list(column) for name, column in zip(names, zip(*kept, strict=True), strict=True)}
            yield FileBatch(columns, shown, 1, lines)
            good += len(kept)
    bad.finish(good)


def _header(rows: Iterator[tuple[int, Sequence[Any]]], shown: str) -> tuple[str, ...]:
    line, cells = next(rows, (0, ()))
    header = _row(cells, frozenset())
    if not header:
        raise DataError("the header row is empty", where=f"{shown}:{max(line, 1)}", hint="say which with skip_rows:")
    return _cells.named(header, f"{shown}:{line}")


def _row(cells: Sequence[Any], missing: frozenset[str]) -> list[Any]:
    """The values up to the last that is one."""
    row = [None if isinstance(cell, str) and (cell in missing or cell == _NOT_AVAILABLE) else cell for cell in cells]
    while row and row[-1] is None:
        row.pop()
    return row


def _fault(row: Sequence[Any], width: int) -> str | None:
    if len(row) > width:
        return _cells.miscounted(len(row), width, "cell")
    wrong = next((cell for cell in row if isinstance(cell, str) and cell in _ERRORS), None)
    return f"a cell holds the error {wrong}" if wrong else None
