"""Opens files as bytes or text: compression by what the bytes say, the encoding by looking at all of them first."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, cast

from aiaas.contracts import SourceContext
from aiaas.errors import DataError
from aiaas.sources._found import File

LONGEST = 16 * 1024 * 1024
"""Characters one line, or one document, may have."""

_BLOCK = 1 << 20
_COMPRESSED = {b"\x1f\x8b": ("gzip", ".gz"), b"\x28\xb5\x2f\xfd": ("zstd", ".zst")}
_MARKS = (  # UTF-32 before UTF-16: its little-endian mark begins with the other's
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# GB18030 gives a meaning to nearly any bytes. In real Chinese most characters are the common ones of GB2312, and even
# traditional script shares far more than this part with it; Latin-1 taken for GB18030 has next to none.
_COMMON_PART = 0.3
# UTF-8 that fails after this many valid multi-byte characters is damaged UTF-8, not another encoding.
_SURELY_UTF8 = 8


class Opened(io.BufferedReader):
    """A file as decompressed bytes. `position` says how far in the file itself one is, in bytes."""

    def __init__(self, raw: Any, position: Callable[[], int]) -> None:
        super().__init__(raw, _BLOCK)
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


def open_text(file: File, encoding: str, newline: str | None = None) -> io.TextIOWrapper:
    """The text of a file; `position` of its `buffer` says how far one is."""
    return io.TextIOWrapper(cast(IO[bytes], open_bytes(file)), encoding=encoding, newline=newline)


def position(stream: io.TextIOWrapper) -> int:
    """How far in its file a text is read, in bytes."""
    return cast(Opened, stream.buffer).position()


def lines(file: File, encoding: str, context: SourceContext) -> Iterator[list[str]]:
    """The lines without their ends, some thousands at a time; any of the usual line ends counts."""
    with open_text(file, encoding) as stream:
        rest = ""
        while text := stream.read(_BLOCK // 4):
            *whole, rest = (rest + text).split("\n")
            context.progress(position(stream), None)
            if whole:
                yield whole
        if rest:
            yield [rest]


@dataclass(slots=True)
class _Scan:
    """What decoding a whole file in one encoding met: `fault` is the offset of the first byte that does not belong,
    `wide` the bytes before it beyond one a character, `common` the part of GB2312 in what is not ASCII."""

    fault: int | None = None
    line: int = 1
    wide: int = 0
    common: float = 0.0


def encoding_of(file: File, wanted: str | None, warn: Callable[[str], None]) -> str:
    """The encoding of the file: `wanted`, or by its byte order mark, or UTF-8, or GB18030; all bytes are tried.

    Raises DataError where no encoding fits, for NUL bytes, and for a line longer than `LONGEST`.
    """
    with open_bytes(file) as stream:
        head = stream.peek(4)[:4]
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if wanted or marked:
        encoding = marked if marked and marked.startswith(wanted or marked) else cast(str, wanted)
        scan = _scan(file, encoding)
        if scan.fault is None:
            return encoding
        raise _misfit(file, scan, encoding)
    scan = _scan(file, "utf-8")
    if scan.fault is None:
        return "utf-8"
    if scan.wide < _SURELY_UTF8:
        chinese = _scan(file, "gb18030")
        if chinese.fault is None and chinese.common >= _COMMON_PART:
            warn(f"{file.shown} is not UTF-8; it is read as GB18030")
            return "gb18030"
        raise _misfit(file, scan, "utf-8", "nor is it Chinese in GB18030")
    raise _misfit(file, scan, "utf-8", "although what stands before it is: the file is damaged or mixes encodings")


def _misfit(file: File, scan: _Scan, encoding: str, more: str = "") -> DataError:
    message = f"byte {scan.fault} (line {scan.line}) is not {encoding.removesuffix('-sig').upper()}"
    return DataError(
        f"{message}, {more}" if more else message,
        where=f"{file.shown}:{scan.line}",
        hint="say what it is with encoding: (such as big5, shift_jis or cp1252)",
    )


def _scan(file: File, encoding: str) -> _Scan:
    scan = _Scan()
    decoder = codecs.getincrementaldecoder(encoding)()
    done = tail = shared = beyond = 0
    with open_bytes(file) as stream:
        last = False
        while not last:
            block = stream.read(_BLOCK)
            last = not block
            held = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, last)
            except UnicodeDecodeError as error:
                valid = error.object[: error.start]
                scan.fault = done - held + error.start
                scan.line += valid.count(b"\n")
                scan.wide += len(valid) - len(valid.decode(encoding, "ignore"))
                return scan
            tail = _check(file, text, scan.line, tail)
            done += len(block)
            scan.line += text.count("\n")
            scan.wide += len(block) - len(text)
            if encoding == "gb18030":
                ascii_ = len(text.encode("ascii", "ignore"))
                shared += (len(text.encode("gb2312", "ignore")) - ascii_) // 2
                beyond += len(text) - ascii_
    scan.common = shared / beyond if beyond else 1.0
    return scan


def _check(file: File, text: str, line: int, tail: int) -> int:
    """Refuse NUL and endless lines; returns how much of an unfinished line stands at the end of `text`."""
    nul = text.find("\0")
    if nul >= 0:
        line += text.count("\n", 0, nul)
        raise DataError(
            f"line {line} holds a NUL byte: this is not a text file, or it is damaged",
            where=f"{file.shown}:{line}",
            hint="UTF-16 without a byte order mark looks like this: say encoding: utf-16-le",
        )
    first = text.find("\n")
    if first < 0:
        tail += len(text)
    if tail + max(first, 0) > LONGEST:
        raise DataError(
            f"line {line} is longer than {LONGEST:,} characters",
            where=f"{file.shown}:{line}",
            hint="is it the right file, and the right format:?",
        )
    return tail if first < 0 else len(text) - text.rfind("\n") - 1
