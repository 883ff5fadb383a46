"""Arrow's own files (IPC files and streams, Feather) and parquet. A class label of the library datasets becomes its
name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas.contracts import SourceContext
from aiaas.errors import DataError, first_line
from aiaas.sources import FileBatch, _scratch, _text
from aiaas.sources._found import File

if TYPE_CHECKING:
    import pyarrow as pa

    from aiaas.sources._params import FileParams

ROWS = 10_000
_BYTES = 2 * _text.LONGEST
"""What a batch may hold: rows, and about so many bytes."""
_BLOCK = 2**20


def read_parquet(file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with _plain(file, params, context) as path, parquet.ParquetFile(path) as table:
            meta = table.metadata
            total = sum(meta.row_group(index).total_byte_size for index in range(meta.num_row_groups))
            size = max(1, min(ROWS, _BYTES * max(meta.num_rows, 1) // max(total, 1)))
            batches = table.iter_batches(batch_size=size)
            yield from _batches(batches, table.schema_arrow, file, _headway(file, context, meta.num_rows))
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise DataError(f"it cannot be read as parquet: {first_line(error)}", where=file.shown) from error


def read_arrow(file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """The record batches of an IPC file or stream, whichever the first bytes say. Raises DataError."""
    import pyarrow as pa

    try:
        with _plain(file, params, context) as path, pa.memory_map(str(path)) as source:
            head = source.read(6)
            if head.startswith(b"FEA1"):
                hint = "read it with an old pandas and write it again"
                raise DataError("Feather of version 1 is not read", where=file.shown, hint=hint)
            source.seek(0)
            with (pa.ipc.open_file if head == b"ARROW1" else pa.ipc.open_stream)(source) as reader:
                pieces = _pieces(reader, head == b"ARROW1")
                yield from _batches(pieces, reader.schema, file, lambda row: context.progress(source.tell(), None))
    except (pa.ArrowException, UnicodeDecodeError, ValueError) as error:
        raise DataError(f"it cannot be read as Arrow: {first_line(error)}", where=file.shown) from error


def _pieces(reader: Any, of_file: bool) -> Iterator[pa.RecordBatch]:
    whole = map(reader.get_batch, range(reader.num_record_batches)) if of_file else reader
    for batch in whole:
        batch.validate(full=True)  # offsets that point elsewhere would end the process
        step = max(1, min(ROWS, _BYTES * max(batch.num_rows, 1) // max(batch.nbytes, 1)))
        for start in range(0, batch.num_rows, step):
            yield batch.slice(start, step)


def _headway(file: File, context: SourceContext, rows: int) -> Callable[[int], None]:
    """Tells of so many rows as the part of the file that they make."""
    size = file.path.stat().st_size
    return lambda row: context.progress(size * row // max(rows, 1), size)


def _batches(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, file: File, told: Callable[[int], None]
) -> Iterator[FileBatch]:
    labels = _labels(schema)
    row = 1
    for batch in batches:
        columns = {name: values(column) for name, column in zip(schema.names, batch.columns, strict=True)}
        for name, names in labels.items():
            columns[name] = [_named(value, names, name, file, row + at) for at, value in enumerate(columns[name])]
        told(row - 1 + batch.num_rows)
        yield FileBatch(columns, file.shown, row)
        row += batch.num_rows


def values(column: pa.Array) -> list[Any]:
    """A column as a list. Numbers go through numpy, which is ten times faster but knows no missing ones."""
    import pyarrow as pa

    kind = column.type
    plain = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    if plain and column.null_count == 0:
        return list(column.to_numpy(zero_copy_only=False).tolist())
    return list(column.to_pylist())


def _labels(schema: pa.Schema) -> dict[str, list[str]]:
    """The names of the classes by column, where the library datasets noted them in the file."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        found = {name: each["names"] for name, each in features.items() if each.get("_type") == "ClassLabel"}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return {}
    return {name: names for name, names in found.items() if name in schema.names and isinstance(names, list)}


def _named(value: Any, names: list[str], column: str, file: File, row: int) -> str | None:
    if value is None or value == -1:  # a class that the data keeps to itself
        return None
    if isinstance(value, int) and 0 <= value < len(names):
        return names[value]
    told = (
        f"the class of row {row:,} in column {column!r} is {value!r}; the file names those from 0 to {len(names) - 1}"
    )
    raise DataError(told, where=file.shown)


@contextmanager
def _plain(file: File, params: FileParams, context: SourceContext) -> Iterator[Path]:
    """The file, or what it decompresses to: parquet is read from its end, so a stream will not do."""
    path = file.path
    if path.suffix.lower() not in (".gz", ".zst"):
        yield path
        return
    import pyarrow as pa

    with _scratch.folder(context.cache) as folder:
        plain = folder / path.stem
        with pa.input_stream(str(path), compression="detect") as compressed, plain.open("wb") as out:
            size = 0
            while block := compressed.read(_BLOCK):
                size += len(block)
                if size > params.max_unpacked:
                    told = f"it unpacks to more than max_unpacked: {params.max_unpacked:,} bytes are allowed"
                    raise DataError(told, where=file.shown, hint="raise max_unpacked: if so much is meant")
                out.write(block)
        yield plain
