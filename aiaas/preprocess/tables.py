"""Rows between Arrow streams on disk and the batches that steps map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aiaas.contracts import Batch
from aiaas.errors import DataError
from aiaas.workspace.atomic import disk_errors

ROWS = 4096
"""The most rows of a batch: enough that the cost of a batch is nothing, few enough that long texts fit."""
_LONGEST = 2**31 - 1
"""Bytes of texts in one array."""


def slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """A record batch, `ROWS` rows at once at most."""
    for start in range(0, batch.num_rows, ROWS):
        yield batch.slice(start, ROWS)


def read(path: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a file in their order. The file is mapped: a batch costs memory while it is held."""
    try:
        with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as reader:
            yield from reader
    except (pa.ArrowInvalid, FileNotFoundError) as error:
        raise DataError("the rows cannot be read", where=str(path), hint="run with a fresh --workspace") from error


@contextmanager
def writer(path: Path, layout: pa.Schema) -> Iterator[pa.ipc.RecordBatchStreamWriter]:
    with disk_errors(path), pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, layout) as stream:
        yield stream


def together(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The same rows in few record batches."""
    whole = pa.Table.from_batches(batches, schema).combine_chunks()
    yield from whole.to_batches(max_chunksize=ROWS)


def to_lists(batch: pa.RecordBatch) -> Batch:
    return {name: _values(column) for name, column in zip(batch.schema.names, batch.columns, strict=True)}


def _values(column: pa.Array) -> list[Any]:
    # Through numpy, ten times faster for numbers; but numpy has no missing integer and no missing truth value.
    plain = pa.types.is_floating(column.type) or pa.types.is_integer(column.type) or pa.types.is_boolean(column.type)
    if plain and column.null_count == 0:
        return list(column.to_numpy(zero_copy_only=False).tolist())
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError as error:
        raise DataError(
            "the rows cannot be read: a text in them is no UTF-8", where="collect", hint="run with a fresh --workspace"
        ) from error


def to_arrow(batch: Batch, layout: pa.Schema) -> pa.RecordBatch:
    return pa.record_batch([_array(batch[field.name], field.type) for field in layout], schema=layout)


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_string(kind):
        return pa.array(values, type=kind)
    if set(map(type, values)) == {str} and (texts := _texts(values)) is not None:
        return texts
    builder = pa.lib.StringBuilder()  # pa.array would import pandas, which takes longer than a small run
    builder.append_values(values)
    return builder.finish()


def _texts(values: list[str]) -> pa.Array | None:
    """Texts in half the time that they take one by one; None where they are too long for one array."""
    encoded = list(map(str.encode, values))
    ends = np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)))
    if ends[-1] > _LONGEST:
        return None
    offsets = np.append(0, ends).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(values), buffers)


def plain(values: NDArray[Any]) -> pa.Array:
    """An Arrow array over the memory of numbers."""
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])
