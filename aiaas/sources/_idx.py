"""IDX, the format of MNIST: an array of bytes behind a header of a few numbers, and a second file with the labels."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from aiaas.contracts import SourceContext
from aiaas.errors import DataError
from aiaas.sources import FileBatch, _arrays, _text
from aiaas.sources._found import File

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aiaas.sources._params import FileParams

_UNSIGNED_BYTES = 0x08


def read(file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """The pictures as the column `image`, and those labels that `labels:` names as `label`. Raises DataError."""
    with _text.open_bytes(file) as stream:
        shape = _header(stream, file)
        if not _arrays.is_pictures(shape):
            sizes = " x ".join(map(str, shape))
            hint = "source: names the pictures, labels: their labels" if len(shape) == 1 else None
            raise DataError(f"it holds an array of {sizes}, which are no pictures", where=file.shown, hint=hint)
        labels = _labels(file.labels, shape[0]) if file.labels else None
        step = _arrays.height(shape)
        for start in range(0, shape[0], step):
            pixels = _rows(stream, file, (min(step, shape[0] - start), *shape[1:]))
            batch = FileBatch(
                {"image": _arrays.to_pictures(pixels, params, file.shown, start + 1)}, file.shown, start + 1
            )
            if labels is not None and file.labels:
                some = labels[start : start + len(pixels)].tolist()
                batch["label"] = _arrays.to_labels(some, params.label_names, file.labels.shown, start + 1)
            yield batch
        if stream.read(1):
            raise DataError(f"more bytes follow the {shape[0]:,} rows that its header states", where=file.shown)


def _labels(file: File, count: int) -> NDArray[np.uint8]:
    try:
        with _text.open_bytes(file) as stream:
            shape = _header(stream, file)
            if shape != (count,):
                told = " x ".join(map(str, shape))
                raise DataError(f"it holds {told} numbers, there are {count:,} pictures", where=file.shown)
            return _rows(stream, file, shape)
    except OSError as error:
        raise DataError(f"the file cannot be read: {error}", where=file.shown) from error


def _header(stream: BinaryIO, file: File) -> tuple[int, ...]:
    """The sizes of the array: two zero bytes, the type, the number of dimensions, then each size in four bytes."""
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[3] == 0:
        raise DataError("it is no IDX file", where=file.shown, hint="is it the right format:?")
    if head[2] != _UNSIGNED_BYTES:
        raise DataError(f"its numbers are of type 0x{head[2]:02x}; 0x08, unsigned bytes, is read", where=file.shown)
    sizes = stream.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise _short(file)
    return struct.unpack(f">{head[3]}I", sizes)


def _rows(stream: BinaryIO, file: File, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    import numpy as np

    data = stream.read(math.prod(shape))
    if len(data) < math.prod(shape):
        raise _short(file)
    return np.frombuffer(data, np.uint8).reshape(shape)


def _short(file: File) -> DataError:
    return DataError("it ends before all the rows that its header states", where=file.shown, hint="fetch it again")
