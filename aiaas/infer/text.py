"""Bytes as they arrive → blocks of lines, each line a text or the reason why it is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from aiaas.errors import DataError

BLOCK = 1 << 20
LINE_LIMIT = 16 << 20
_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands where an input should: the line holds none."""

    message: str


Line = str | Unreadable


class Stream(Protocol):
    """A binary stream: `sys.stdin.buffer`, an opened file, `io.BytesIO`."""

    def read1(self, size: int, /) -> bytes: ...


def blocks(stream: Stream, encoding: str | None = None) -> Iterator[list[Line]]:
    """The lines of `stream`, as many at once as stand ready, so that a slow producer is answered promptly.

    Only `\\n` and `\\r\\n` end a line. `encoding` is found where it is not given: a byte order mark decides, then the
    first block that holds more than ASCII: UTF-8, else GB18030. Raises DataError for UTF-16.
    """
    decoder = _Decoder(encoding)
    for raw in _whole_lines(stream):
        lines: list[Line] = [raw] if isinstance(raw, Unreadable) else decoder.lines(raw)
        if lines:
            yield lines


def _whole_lines(stream: Stream) -> Iterator[bytes | Unreadable]:
    """What was read, cut where a line ends. A line beyond the limit is passed over, so that memory stays bounded."""
    held: list[bytes] = []
    size = 0
    while chunk := stream.read1(BLOCK):
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield b"".join((*held, chunk[:cut]))
            held, size = [], 0
        if tail := chunk[cut:]:
            held.append(tail)
            size += len(tail)
        if size > LINE_LIMIT:
            yield Unreadable(f"the line is longer than {LINE_LIMIT >> 20} MiB")
            held = [_after_line(stream)]
            size = len(held[0])
    if size:
        yield b"".join(held)


def _after_line(stream: Stream) -> bytes:
    """Skip to the end of the line; what was read beyond it."""
    while chunk := stream.read1(BLOCK):
        cut = chunk.find(b"\n") + 1
        if cut:
            return chunk[cut:]
    return b""


class _Decoder:
    """Decodes block after block, and line by line where a block holds bytes that are no text."""

    def __init__(self, encoding: str | None) -> None:
        self.encoding = encoding
        self.first = True

    def lines(self, raw: bytes) -> list[Line]:
        if self.first:
            raw = self._begin(raw)
        if self.encoding is None and not raw.isascii():
            self.encoding = detect(raw)
        try:
            text = raw.decode(self.encoding or "ascii")
        except UnicodeDecodeError:
            return [self._one(line) for line in _split_bytes(raw)]
        lines = text.split("\n")
        if not lines[-1]:
            lines.pop()
        return [line.removesuffix("\r") for line in lines] if "\r" in text else list(lines)

    def _begin(self, raw: bytes) -> bytes:
        self.first = False
        if raw.startswith(_UTF_16):
            raise DataError(
                "the input is UTF-16; allowed: UTF-8 and GB18030", hint="iconv -f UTF-16 -t UTF-8 FILE | aiaas infer …"
            )
        if raw.startswith(_BOM):
            self.encoding = self.encoding or "utf-8"
            return raw.removeprefix(_BOM)
        return raw

    def _one(self, line: bytes) -> Line:
        encoding = self.encoding or "utf-8"
        try:
            return line.decode(encoding)
        except UnicodeDecodeError as error:
            return Unreadable(f"byte {error.start + 1} of the line is not {encoding.upper()}")


def detect(raw: bytes) -> str:
    """`utf-8` or `gb18030`, whichever more lines agree with: a single damaged line does not decide for the others."""
    lines = [line for line in _split_bytes(raw) if not line.isascii()]
    utf8, gb18030 = (sum(_decodes(line, encoding) for line in lines) for encoding in ("utf-8", "gb18030"))
    # Text in GB18030 is hardly ever valid UTF-8 by chance, the reverse is common.
    return "gb18030" if gb18030 > utf8 and utf8 * 2 < len(lines) else "utf-8"


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _split_bytes(raw: bytes) -> list[bytes]:
    lines = raw.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix(b"\r") for line in lines]
