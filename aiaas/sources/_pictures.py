"""One picture a file: its bytes as they are, with the label of its folder where it has one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from aiaas.contracts import SourceContext
from aiaas.errors import DataError
from aiaas.pictures import MAX_BYTES
from aiaas.sources import FilesBatch
from aiaas.sources._found import File, listing, refuse_empty

if TYPE_CHECKING:
    from aiaas.sources._params import FileParams

_ROWS = 1000
_BYTES = 16 * 2**20


def read(files: Sequence[File], params: FileParams, context: SourceContext) -> Iterator[FilesBatch]:
    """The files as the column `image`, some MiB at once, and their folders as `label`. Raises DataError."""
    held: list[bytes] = []
    start = size = 0
    for index, file in enumerate(files):
        held.append(data := _bytes(file))
        size += len(data)
        if index + 1 == len(files) or len(held) == _ROWS or size > _BYTES:
            batch = FilesBatch({"image": list(held)}, files[start : index + 1], start + 1)
            labels = [each.label for each in files[start : index + 1]]
            if labels[0] is not None:
                batch["label"] = list(labels)
            yield batch
            held, start, size = [], index + 1, 0


def only(files: Sequence[File], formats: Sequence[str], params: FileParams, context: SourceContext) -> list[File]:
    """The pictures among the files of class folders; the others are passed over with a warning, as their endings say.

    Raises DataError where no picture is left of a class.
    """
    found = [file for file, form in zip(files, formats, strict=True) if form == "pictures"]
    others = [file.shown for file, form in zip(files, formats, strict=True) if form != "pictures"]
    if others:
        context.warn(f"{len(others):,} of {len(files):,} files are no pictures and passed over: {listing(others, 3)}")
        refuse_empty((file.label for file in files if file.label is not None), found, params.source)
    return found


def _bytes(file: File) -> bytes:
    """The bytes, a few more than may be taken where there are more: who looks at them then refuses them."""
    try:
        with file.path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", where=file.shown) from error
