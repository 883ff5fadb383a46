"""Opens files as bytes or text: compression by what the bytes say."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any, cast

from aiaas.contracts import SourceContext
from aiaas.errors import DataError
from aiaas.sources._found import File

if TYPE_CHECKING:
    from aiaas.sources._encodings import Encoding

LONGEST = 16 * 1024 * 1024
"""Characters one line, or one document, may have."""

BLOCK = 1 << 20
_COMPRESSED = {b"\x1f\x8b": ("gzip", ".gz"), b"\x28\xb5\x2f\xfd": ("zstd", ".zst")}


class Opened(io.BufferedReader):
    """A file as decompressed bytes. `position` says how far in the file itself one is, in bytes."""

    def __init__(self, raw: Any, position: Callable[[], int]) -> None:
        super().__init__(raw, BLOCK)
        self.position = position


def open_bytes(file: File) -> Opened:
    """The decompressed bytes of a file; what is cut short or damaged raises OSError while it is read."""
    with file.path.open("rb") as stream:
        head = stream.read(4)
    kind = next((kind for magic, (kind, _) in _COMPRESSED.items() if head.startswith(magic)), None)
    named = next((kind for kind, ending in _COMPRESSED.values() if file.path.suffix.lower() == ending), None)
    if named and head and named != kind:
        raise DataError(f"it is named as {named} but does not hold that", where=file.shown)
    if kind is None:
        raw = io.FileIO(file.path)
        return Opened(raw, raw.tell)
    import pyarrow as pa

    packed = pa.OSFile(str(file.path))
    return Opened(pa.CompressedInputStream(packed, kind), packed.tell)


def open_text(file: File, encoding: Encoding, newline: str | None = None) -> io.TextIOWrapper:
    """The text of a file; `position` of its `buffer` says how far one is."""
    return io.TextIOWrapper(
        cast(IO[bytes], open_bytes(file)), encoding=encoding.name, errors=encoding.errors, newline=newline
    )


def position(stream: io.TextIOWrapper) -> int:
    """How far in its file a text is read, in bytes."""
    return cast(Opened, stream.buffer).position()


def lines(file: File, encoding: Encoding, context: SourceContext) -> Iterator[list[str]]:
    """The lines without their ends, some thousands at a time; any of the usual line ends counts."""
    with open_text(file, encoding) as stream:
        rest = ""
        while text := stream.read(BLOCK // 4):
            *whole, rest = (rest + text).split("\n")
            context.progress(position(stream), None)
            if whole:
                yield whole
        if rest:
            yield [rest]
