"""The collected stream in segments of consecutive record batches, which several processes take through the steps.

Where a segment ends is decided by the data alone, so that no result depends on how many processes there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from aiaas.errors import DataError
from aiaas.preprocess import tables

BYTES = 8 * 2**20
"""A segment ends with the record batch that makes it this long: a second of work and less, which is what a kill costs,
and several segments for each process where there is anything to divide."""
_END = b"\xff\xff\xff\xff\0\0\0\0"


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive record batches: where the message of the first one begins, how many, the rows before and in them."""

    number: int
    offset: int
    batches: int
    before: int
    rows: int
    bytes: int


def divide(path: Path) -> tuple[pa.Schema, list[Segment]]:
    """The schema of a stream and its segments, which have rows; reads the headers of its messages alone. Raises
    DataError for a file that cannot be read, or was cut short."""
    with _errors(path), pa.memory_map(str(path)) as file:
        _refuse_cut(path, file)
        with pa.ipc.open_stream(file) as reader:
            return reader.schema, _segments(reader, file)


def _segments(reader: pa.RecordBatchReader, file: pa.MemoryMappedFile) -> list[Segment]:
    found: list[Segment] = []
    begin, batches, before, rows = file.tell(), 0, 0, 0
    for batch in reader:
        batches, rows = batches + 1, rows + batch.num_rows
        if file.tell() - begin >= BYTES:
            found.append(Segment(len(found), begin, batches, before, rows, file.tell() - begin))
            begin, batches, before, rows = file.tell(), 0, before + rows, 0
    if rows:
        found.append(Segment(len(found), begin, batches, before, rows, file.tell() - begin))
    return found


def read(path: Path, schema: pa.Schema, segment: Segment) -> Iterator[pa.RecordBatch]:
    """The rows of a segment in their order, `tables.ROWS` at once at most."""
    with _errors(path), pa.memory_map(str(path)) as file:
        file.seek(segment.offset)
        for _ in range(segment.batches):
            yield from tables.slices(pa.ipc.read_record_batch(pa.ipc.read_message(file), schema))


def _refuse_cut(path: Path, file: pa.MemoryMappedFile) -> None:
    """DataError where the stream has no end: what stands in it may be part of the rows only."""
    if file.size() < len(_END) or file.read_at(len(_END), file.size() - len(_END)) != _END:
        # What is no stream at all is said as such.
        with pa.ipc.open_stream(file):
            pass
        raise DataError("the rows were cut short", where=str(path), hint="run with a fresh --workspace")


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise DataError("the collected rows are gone", where=str(path), hint="run the same command again") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError("the rows cannot be read", where=str(path), hint="run with a fresh --workspace") from error
