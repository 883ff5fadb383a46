"""A table of a web page. Cells that span others stand in each of the places that they cover."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from aiaas import plugins
from aiaas.contracts import SourceContext
from aiaas.errors import DataError, first_line
from aiaas.sources import FileBatch, _cells, _encodings, _text
from aiaas.sources._bad import BadRows
from aiaas.sources._found import File
from aiaas.sources._types import ColumnType

if TYPE_CHECKING:
    from aiaas.sources._params import FileParams

ROWS = 10_000
MOST_BYTES = 128 * 2**20
MOST_CELLS = 5_000_000
_SPANS = {"colspan": 1000, "rowspan": 65_534}  # the limits of the HTML standard
_SHOWN = 8
_CHARSET = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?([\w-]+)""", re.IGNORECASE)
_TEXT = ".//text()[not(ancestor::script or ancestor::style)]"


def read(file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """The rows of the table that `table:` names, numbers and truth values as such. Raises DataError, and
    MissingPackageError without lxml."""
    found, number = _chosen(_tables(file, params, context), file, params)
    shown = f"{file.shown}#{number}"
    rows = _grid(found, shown)[params.skip_rows :]
    names = params.names or _cells.named(rows[0] if rows else (), shown)
    if not names:
        raise DataError("the header row is empty", where=shown, hint="say which with skip_rows:")
    first = params.skip_rows + (1 if params.names else 2)
    bad = BadRows(shown, params, context, ", or check table: and skip_rows:")
    good: list[tuple[int, Sequence[str]]] = []
    for line, row in enumerate(rows if params.names else rows[1:], first):
        if len(row) == len(names):
            good.append((line, row))
        elif any(row):
            bad.add(line, _cells.miscounted(len(row), len(names), "cell"), row)
    bad.finish(len(good))
    yield from _typed(good, names, params, context, shown)


def _typed(
    rows: Sequence[tuple[int, Sequence[str]]],
    names: Sequence[str],
    params: FileParams,
    context: SourceContext,
    shown: str,
) -> Iterator[FileBatch]:
    lines = [line for line, _ in rows]
    columns: dict[str, list[Any]] = {}
    for index, name in enumerate(names):
        texts = [row[index] for _, row in rows]
        kind = ColumnType(frozenset(params.missing))
        kind.see(texts, lines)
        if kind.turned:
            context.warn(f"{shown}: column {name!r} is kept as text, for {kind.turned}")
        columns[name] = kind.convert(texts)
    whole = FileBatch(columns, shown, 1, lines)
    for start in range(0, len(lines), ROWS):
        yield whole.cut(start, start + ROWS)


def _tables(file: File, params: FileParams, context: SourceContext) -> list[Any]:
    plugins.require(("lxml",), "a table of a page")
    from lxml import etree, html

    size = file.path.stat().st_size
    if size > MOST_BYTES:
        raise DataError(f"the page has {size:,} bytes; {MOST_BYTES:,} are read", where=file.shown)
    encoding = _encodings.encoding_of(file, params.encoding or _declared(file), context.warn)
    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True)
    try:
        with _text.open_text(file, encoding) as stream:
            root = html.fromstring(stream.read().encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError) as error:
        raise DataError(f"it cannot be read as HTML: {first_line(error)}", where=file.shown) from error
    return list(root.iter("table"))


def _declared(file: File) -> str | None:
    """The encoding that the page says it has."""
    with _text.open_bytes(file) as stream:
        found = _CHARSET.search(stream.read(4096))
    name = found[1].decode().lower() if found else ""
    name = "gb18030" if name in ("gb2312", "gbk") else name  # what browsers take these for
    try:
        return codecs.lookup(name).name if name else None
    except LookupError:
        return None


def _chosen(tables: Sequence[Any], file: File, params: FileParams) -> tuple[Any, int]:
    """The table and its number. DataError that tells all there are where none or several could be meant."""
    wanted = params.table
    if isinstance(wanted, int):
        fitting = [(table, number) for number, table in enumerate(tables, 1) if number == wanted]
    else:
        fitting = [(table, number) for number, table in enumerate(tables, 1) if wanted in (None, *_names(table))]
    if len(fitting) == 1:
        return fitting[0]
    told = [f"{number}: {_brief(table)}" for number, table in enumerate(tables[:_SHOWN], 1)]
    more = f"; and {len(tables) - _SHOWN} more" if len(tables) > _SHOWN else ""
    what = "there is no table" if not tables else f"there is no table {wanted!r}"
    if fitting:
        what = f"{len(fitting)} tables could be meant"
    hint = f"say table: with the number, id or caption of one. There are {'; '.join(told)}{more}" if tables else None
    raise DataError(what, where=file.shown, hint=hint)


def _names(table: Any) -> list[str]:
    return [name for name in (table.get("id"), *map(_words, table.findall("caption"))) if name]


def _brief(table: Any) -> str:
    rows = _trs(table)
    cells = [_words(cell) for cell in rows[0].iterchildren("td", "th")] if rows else []
    name = next(iter(_names(table)), "")
    return f"{name + ', ' if name else ''}{len(rows)} rows ({', '.join(cells)[:40]})"


def _trs(table: Any) -> list[Any]:
    """Its own rows, not those of tables inside it."""
    return list(table.xpath("./tr | ./thead/tr | ./tbody/tr | ./tfoot/tr"))


def _words(cell: Any) -> str:
    return " ".join("".join(cell.xpath(_TEXT)).split())


def _grid(table: Any, shown: str) -> list[list[str]]:
    grid: list[list[str]] = []
    hanging: dict[int, tuple[int, str]] = {}  # column → rows that a cell of an earlier row goes on for, and its text
    count = 0
    for tr in _trs(table):
        row: list[str] = []

        def hang(row: list[str] = row) -> None:
            while len(row) in hanging:
                left, text = hanging.pop(len(row))
                if left > 1:
                    hanging[len(row)] = (left - 1, text)
                row.append(text)

        for cell in tr.iterchildren("td", "th"):
            hang()
            text, down = _words(cell), _span(cell, "rowspan")
            for _ in range(_span(cell, "colspan")):
                if down > 1:
                    hanging[len(row)] = (down - 1, text)
                row.append(text)
            if count + len(row) > MOST_CELLS:
                raise DataError(f"the table has more than {MOST_CELLS:,} cells", where=shown)
        hang()
        count += len(row)
        grid.append(row)
    return grid


def _span(cell: Any, name: str) -> int:
    stated = (cell.get(name) or "").strip()
    return min(max(int(stated), 1), _SPANS[name]) if stated.isascii() and stated.isdigit() and len(stated) < 9 else 1
