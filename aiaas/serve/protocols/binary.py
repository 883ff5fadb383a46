"""Tensors as bytes, as the binary extension of the Open Inference Protocol has them: little-endian, row after row; an
element of BYTES is its length in four bytes, then itself."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any

from aiaas.serve.errors import RequestError
from aiaas.serve.protocols.tensors import BYTES

_TYPES = {
    "BOOL": "?",
    "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8",
    "INT8": "i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8",
    "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
DATATYPES = (*_TYPES, BYTES)
_LENGTH = struct.Struct("<I")


def read(datatype: str, count: int, data: bytes) -> list[Any]:
    """The `count` elements that `data` holds: `bytes` of BYTES, else numbers of Python. Raises RequestError."""
    if datatype == BYTES:
        found = list(_elements(data, count))
    else:
        import numpy as np

        kind = np.dtype(_TYPES[datatype])
        if len(data) != count * kind.itemsize:
            raise _other_size()
        found = np.frombuffer(data, kind).tolist()
    return found


def _elements(data: bytes, count: int) -> Iterator[bytes]:
    place = 0
    for _ in range(count):
        start = place + _LENGTH.size
        if start > len(data):
            raise _other_size()
        place = start + _LENGTH.unpack_from(data, place)[0]
        if place > len(data):
            raise _other_size()
        yield data[start:place]
    if place != len(data):
        raise _other_size()


def write(datatype: str, values: Sequence[Any]) -> bytes:
    """A column, whose values are elements or lists of as many. None is NaN; ValueError where a number is no finite one,
    as in JSON."""
    if datatype == BYTES:
        encoded = [value.encode("utf-8", "backslashreplace") for value in values]
        return b"".join(_LENGTH.pack(len(each)) + each for each in encoded)
    import numpy as np

    made = np.array(values, _TYPES[datatype])
    if np.count_nonzero(~np.isfinite(made)) != sum(value is None for value in values):
        raise ValueError("an answer holds a number that is not finite")
    return made.tobytes()


def _other_size() -> RequestError:
    return RequestError("the bytes of a tensor are not as many as its shape and datatype say", where="inputs")
