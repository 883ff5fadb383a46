"""Rows of a data set from first to last, such that memory does not grow with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

_ROWS = 4096
_BYTES = 16 * 2**20


def pieces(rows: Dataset, first: int = 0) -> Iterator[pa.Table]:
    """The rows from `first` on, in order, some thousands at a time and fewer where they are large.

    A data set maps its file. Pages of it that were read count to the process until memory runs short, as if the rows
    were held; so a file that is read from first to last is read, not mapped.
    """
    path = _file_of(rows)
    if path is None:
        yield from _pieces_of(rows, first)
        return
    import pyarrow as pa

    with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as batches:
        begin = 0
        for batch in batches:
            table = pa.Table.from_batches([batch.slice(max(0, first - begin))])
            begin += batch.num_rows
            step = rows_at_once(table.nbytes, table.num_rows)
            for start in range(0, table.num_rows, step):
                yield table.slice(start, step)


def regular(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows, `rows` at a time and fewer at the end."""
    import pyarrow as pa

    held: list[pa.Table] = []
    count = 0
    for table in tables:
        held.append(table)
        count += table.num_rows
        while count >= rows:
            whole = pa.concat_tables(held)
            yield whole.slice(0, rows)
            held, count = [whole.slice(rows)], count - rows
    if count:
        yield pa.concat_tables(held)


def rows_at_once(size: int, rows: int) -> int:
    """How many of `rows` rows with `size` bytes are read together."""
    return max(1, min(_ROWS, _BYTES * rows // max(1, size)))


def _pieces_of(rows: Dataset, first: int) -> Iterator[pa.Table]:
    given = rows.with_format("arrow")
    step = rows_at_once(rows.data.nbytes, rows.data.num_rows)
    for start in range(first, len(rows), step):
        yield given[start : start + step]


def _file_of(rows: Dataset) -> Path | None:
    """The file that holds these rows, all of them, in this order, and nothing else; None where there is none."""
    from datasets.table import MemoryMappedTable

    table = rows.data
    if rows._indices is not None or not isinstance(table, MemoryMappedTable) or table.replays:
        return None
    return Path(table.path)
