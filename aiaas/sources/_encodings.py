"""The encoding of a text file, found by looking at all of its bytes, and what in it is no text."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass

from aiaas.errors import DataError
from aiaas.sources import _text
from aiaas.sources._found import File
from aiaas.sources._text import BLOCK, open_bytes

_MARKS = (  # UTF-32 before UTF-16: its little-endian mark begins with the other's
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# GB18030 gives a meaning to nearly any bytes. In real Chinese most characters are the common ones of GB2312, and even
# traditional script shares far more than this part with it; Latin-1 taken for GB18030 has next to none.
COMMON_PART = 0.3
# UTF-8 that fails after this many valid multi-byte characters is damaged UTF-8, not another encoding.
_SURELY_UTF8 = 8
# Of a file that may have damaged lines: bytes that are no character, as a part of what is not ASCII, and NUL bytes, as
# a part of all. More is no damage but another encoding, or no text. What is UTF-8 is so hardly by chance.
_FEW_STRANGE = {"utf-8": 0.1, "gb18030": 0.01}
_FEW_NUL = 0.001
_NO_TEXT = re.compile("[\0\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """`damaged` says that some bytes are no text in it: they come as lone surrogates or NUL, and `fault` tells them."""

    name: str
    damaged: bool = False

    @property
    def errors(self) -> str:
        return "surrogateescape" if self.damaged else "strict"

    def fault(self, text: str) -> str | None:
        """Why a line or a field is no text; None where it is."""
        found = _NO_TEXT.search(text) if self.damaged else None
        if found is None:
            return None
        return "a NUL byte" if found[0] == "\0" else f"bytes that are not {_told(self.name)}"


class NoText(DataError):
    """Bytes that are no text in any encoding that the file might have."""


@dataclass(slots=True)
class _Scan:
    """What decoding a whole file in one encoding met: `fault` is the offset of the first byte that does not belong,
    `wide` the bytes before it beyond one a character, `common` the part of GB2312 in what is not ASCII."""

    fault: int | None = None
    line: int = 1
    wide: int = 0
    common: float = 0.0


def encoding_of(file: File, wanted: str | None, warn: Callable[[str], None], *, rough: bool | None = None) -> Encoding:
    """The encoding of the file: `wanted`, or by its byte order mark, or UTF-8, or GB18030; all bytes are tried.

    With `rough` a few that are no text are let through, as `Encoding.damaged` says; None is for what has no lines that
    could be left out. Raises DataError where no encoding fits, for NUL bytes, and for a line longer than `LONGEST`.
    """
    try:
        return Encoding(_found(file, wanted, warn))
    except NoText as error:
        if rough is False:
            error.hint = f"{error.hint}, or leave such lines out with on_error: skip"
        if not rough:
            raise
        name = _mostly(file, wanted)
        if name is None:
            raise
        if name == "gb18030" and wanted is None:
            warn(f"{file.shown} is not UTF-8; it is read as GB18030")
        return Encoding(name, damaged=True)


def _found(file: File, wanted: str | None, warn: Callable[[str], None]) -> str:
    with open_bytes(file) as stream:
        stated = _stated(wanted, stream.peek(4))
    if stated:
        scan = _scan(file, stated)
        if scan.fault is None:
            return stated
        raise _misfit(file, scan, stated)
    scan = _scan(file, "utf-8")
    if scan.fault is None:
        return "utf-8"
    if scan.wide < _SURELY_UTF8:
        chinese = _scan(file, "gb18030")
        if chinese.fault is None and chinese.common >= COMMON_PART:
            warn(f"{file.shown} is not UTF-8; it is read as GB18030")
            return "gb18030"
        raise _misfit(file, scan, "utf-8", "nor is it Chinese in GB18030")
    raise _misfit(file, scan, "utf-8", "although what stands before it is: the file is damaged or mixes encodings")


def _stated(wanted: str | None, head: bytes) -> str | None:
    """The encoding that the recipe says, or the mark at the beginning of the file."""
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    return marked if marked and marked.startswith(wanted or marked) else wanted


def _mostly(file: File, wanted: str | None) -> str | None:
    """The encoding in which all of a file but a little is text; None where there is none, or one whose characters
    cannot be told again behind a byte that is none. Raises DataError for a line longer than `LONGEST`."""
    with open_bytes(file) as stream:
        stated = _stated(wanted, stream.peek(4))
    for name in [stated] if stated else _FEW_STRANGE:
        if name.startswith(("utf-16", "utf-32")):
            continue
        whole, beyond, strange, nul, common = _census(file, name)
        likely = stated or strange <= _FEW_STRANGE[name] * beyond
        if name == "gb18030" and not stated:
            likely = likely and common >= COMMON_PART * beyond
        if likely and nul <= _FEW_NUL * whole:
            return name
    return None


def _census(file: File, encoding: str) -> tuple[int, int, int, int, int]:
    """How many characters a file has in an encoding: in all, beyond ASCII, that are none, NUL, and of GB2312."""
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
    whole = beyond = strange = nul = common = tail = 0
    line = 1
    with open_bytes(file) as stream:
        while block := stream.read(BLOCK):
            text = decoder.decode(block)
            tail = _check_length(file, text, line, tail)
            line += text.count("\n")
            ascii_, nuls = len(text.encode("ascii", "ignore")), text.count("\0")
            whole, beyond, nul = whole + len(text), beyond + len(text) - ascii_, nul + nuls
            strange += len(_NO_TEXT.findall(text)) - nuls
            common += (len(text.encode("gb2312", "ignore")) - ascii_) // 2
    return whole, beyond, strange, nul, common


def _told(encoding: str) -> str:
    return encoding.removesuffix("-sig").upper()


def _misfit(file: File, scan: _Scan, encoding: str, more: str = "") -> NoText:
    message = f"byte {scan.fault} (line {scan.line}) is not {_told(encoding)}"
    return NoText(
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
            block = stream.read(BLOCK)
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
            _check_nul(file, text, scan.line)
            tail = _check_length(file, text, scan.line, tail)
            done += len(block)
            scan.line += text.count("\n")
            scan.wide += len(block) - len(text)
            if encoding == "gb18030":
                ascii_ = len(text.encode("ascii", "ignore"))
                shared += (len(text.encode("gb2312", "ignore")) - ascii_) // 2
                beyond += len(text) - ascii_
    scan.common = shared / beyond if beyond else 1.0
    return scan


def _check_nul(file: File, text: str, line: int) -> None:
    nul = text.find("\0")
    if nul >= 0:
        line += text.count("\n", 0, nul)
        raise NoText(
            f"line {line} holds a NUL byte: this is not a text file, or it is damaged",
            where=f"{file.shown}:{line}",
            hint="UTF-16 without a byte order mark looks like this: say encoding: utf-16-le",
        )


def _check_length(file: File, text: str, line: int, tail: int) -> int:
    """Refuse endless lines; returns how much of an unfinished line stands at the end of `text`."""
    first = text.find("\n")
    if first < 0:
        tail += len(text)
    if tail + max(first, 0) > _text.LONGEST:
        raise DataError(
            f"line {line} is longer than {_text.LONGEST:,} characters",
            where=f"{file.shown}:{line}",
            hint="is it the right file, and the right format:?",
        )
    return tail if first < 0 else len(text) - text.rfind("\n") - 1
