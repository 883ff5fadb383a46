"""Arrays of numpy, streamed out of `.npy` and `.npz`: rows of pixels become pictures. No object is ever unpickled."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any

from aiaas.contracts import SourceContext
from aiaas.errors import DataError
from aiaas.sources import FileBatch, _arrays, _text
from aiaas.sources._found import File, listing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aiaas.sources._params import FileParams


def read_npy(file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """The rows of the array as the column `image`, and those of `labels:` as `label`. Raises DataError."""
    with ExitStack() as stack:
        arrays = {"image": _Array(stack.enter_context(_text.open_bytes(file)), file.shown)}
        if file.labels:
            arrays["label"] = _Array(stack.enter_context(_text.open_bytes(file.labels)), file.labels.shown)
        yield from _batches(arrays, "label", file, params)


def read_npz(file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """The arrays that `columns:` names, or all, as columns of their names. Raises DataError."""
    try:
        with ExitStack() as stack:
            archive = stack.enter_context(zipfile.ZipFile(file.path))
            held = {name.removesuffix(".npy"): name for name in archive.namelist()}
            wanted = list(dict.fromkeys(params.columns.values())) or list(held)
            if lacking := [name for name in wanted if name not in held]:
                raise DataError(f"it holds no array {lacking[0]!r}; there are: {listing(list(held))}", where=file.shown)
            arrays = {
                name: _Array(stack.enter_context(archive.open(held[name])), f"{file.shown}, array {name}")
                for name in wanted
            }
            yield from _batches(arrays, params.columns.get("label", "label"), file, params)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        RuntimeError,
    ) as error:  # the last: encrypted
        raise DataError(f"it cannot be read as npz: {error}", where=file.shown) from error


def _batches(arrays: dict[str, _Array], label: str, file: File, params: FileParams) -> Iterator[FileBatch]:
    counts = {name: array.shape[0] for name, array in arrays.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        hint = "say which belong together with columns: {image: THEIRS, label: THEIRS}"
        raise DataError(f"the arrays have different numbers of rows: {told}", where=file.shown, hint=hint)
    total = next(iter(counts.values()))
    step = min(array.height for array in arrays.values())
    for start in range(0, total, step):
        count = min(step, total - start)
        batch = FileBatch({}, file.shown, start + 1)
        for name, array in arrays.items():
            batch[name] = array.values(count, params, start + 1, params.label_names if name == label else None)
        yield batch


class _Array:
    """One array, read row by row from a stream that cannot be mapped, being compressed."""

    def __init__(self, stream: IO[bytes], where: str) -> None:
        from numpy.lib import format as npy

        self.stream = stream
        self.where = where
        try:
            version = npy.read_magic(stream)
            head = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, fortran, self.dtype = head(stream)
        except ValueError as error:
            raise DataError(f"it cannot be read as npy: {error}", where=where) from error
        self.shape: Sequence[int] = shape
        if fortran and len(shape) > 1:
            hint = "save it as numpy.ascontiguousarray(…)"
            raise DataError(
                "its values stand column by column, which cannot be read row by row", where=where, hint=hint
            )
        if self.dtype.kind not in "buifU":
            raise DataError(f"it holds values of type {self.dtype}; numbers and texts are read", where=where)
        if len(shape) != 1 and not _arrays.is_pictures(shape):
            sizes = " x ".join(map(str, shape))
            raise DataError(
                f"its shape is {sizes}; allowed are rows x height x width, with 1 or 3 channels behind, and rows alone",
                where=where,
            )

    @property
    def height(self) -> int:
        return _arrays.height(self.shape, self.dtype.itemsize)

    def values(self, count: int, params: FileParams, first: int, names: Sequence[str] | None) -> list[Any]:
        """The next rows, as pictures or plain values."""
        rows = self._next(count)
        if rows.ndim > 1:
            return _arrays.to_pictures(rows, params, self.where, first)
        return _arrays.to_labels(rows.tolist(), names, self.where, first)

    def _next(self, count: int) -> NDArray[Any]:
        import numpy as np

        shape = (count, *self.shape[1:])
        size = math.prod(shape) * self.dtype.itemsize
        data = self.stream.read(size)
        if len(data) < size:
            raise DataError("it ends before all the rows that its header states", where=self.where)
        return np.frombuffer(data, self.dtype).reshape(shape)
