"""Bytes as they arrive → blocks of lines, each line a text or the reason why it is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from aiaas.errors import DataError

BLOCK = 1 << 20
LINE_LIMIT = 16 << 20
_BOM = b"\xef\xbb\xbf"
_NO_TEXT = {
    b"\xff\xfe": ("UTF-16", "iconv -f UTF-16 -t UTF-8 FILE | aiaas infer …"),
    b"\xfe\xff": ("UTF-16", "iconv -f UTF-16 -t UTF-8 FILE | aiaas infer …"),
    b"\x1f\x8b": ("gzip", "gzip -dc FILE | aiaas infer …"),
    b"\x28\xb5\x2f\xfd": ("zstd", "zstd -dc FILE | aiaas infer …"),
    b"PK\x03\x04": ("a zip archive (or a spreadsheet)", "write it as CSV or JSON lines"),
    b"PAR1": ("Parquet", "write it as CSV or JSON lines"),
}
# In real Chinese most characters are those of GB2312; Latin-1 taken for GB18030 has next to none of them.
_COMMON_PART = 0.3


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands where an input should: the line holds none."""

    message: str


Line = str | Unreadable


class Stream(Protocol):
    """A binary stream: `sys.stdin.buffer`, an opened file, `io.BytesIO`."""

    def read1(self, size: int, /) -> bytes: ...


def blocks(stream: Stream, encoding: str | None = None, likely: str | None = None) -> Iterator[list[Line]]:
    """The lines of `stream`, as many at once as stand ready, so that a slow producer is answered promptly.

    Only `\\n` and `\\r\\n` end a line. `encoding` is found where it is not given: a byte order mark decides, then the
    first block that holds more than ASCII: UTF-8, else what is `likely`, else GB18030. Raises DataError for what is
    known to be no such text (UTF-16, compressed).
    """
    decoder = _Decoder(encoding, likely)
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

    def __init__(self, encoding: str | None, likely: str | None) -> None:
        self.encoding = encoding
        self.likely = likely
        self.first = True

    def lines(self, raw: bytes) -> list[Line]:
        if self.first:
            raw = self._begin(raw)
        if self.encoding is None and not raw.isascii():
            self.encoding = detect(raw, self.likely)
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
        for magic, (kind, hint) in _NO_TEXT.items():
            if raw.startswith(magic):
                raise DataError(f"the input is {kind}; allowed: text in UTF-8 or GB18030", hint=hint)
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


def detect(raw: bytes, likely: str | None = None) -> str:
    """`utf-8`, what is `likely`, or `gb18030`, as most lines agree with: a single damaged line does not decide for the
    others."""
    lines = [line for line in _split_bytes(raw) if not line.isascii()]
    # Text in GB18030 is hardly ever valid UTF-8 by chance, the reverse is common.
    if 2 * len(_decoded(lines, "utf-8")) >= len(lines):
        return "utf-8"
    if likely and 2 * len(_decoded(lines, likely)) > len(lines):
        return likely
    chinese = _decoded(lines, "gb18030")
    characters = [character for line in chinese for character in line if not character.isascii()]
    common = len("".join(characters).encode("gb2312", "ignore")) / 2
    return "gb18030" if 2 * len(chinese) > len(lines) and common >= _COMMON_PART * len(characters) else "utf-8"


def _decoded(lines: list[bytes], encoding: str) -> list[str]:
    """The lines that this encoding can hold."""
    found: list[str] = []
    for line in lines:
        with suppress(UnicodeDecodeError):
            found.append(line.decode(encoding))
    return found


def _split_bytes(raw: bytes) -> list[bytes]:
    lines = raw.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix(b"\r") for line in lines]
