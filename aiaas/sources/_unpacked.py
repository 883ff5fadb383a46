"""The members of a zip or a tar, one after the other, with what speaks against each."""

from __future__ import annotations

import errno
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import IO, Any, Self, cast

from aiaas.errors import DataError
from aiaas.sources._encodings import COMMON_PART
from aiaas.sources._found import File

DAMAGED: tuple[type[Exception], ...] = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, struct.error),
    *(NotImplementedError, RuntimeError, ValueError, OverflowError, OSError),
)
"""What reading a damaged archive raises; an OSError with a number is one of the disk."""

UNUSABLE_NAMES = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}
HEADERS = 16 * 2**20
"""Bytes that may stand in a tar beside the content of its members, between two of them."""

_ENCRYPTED = 0x1
_UTF8 = 0x800


@dataclass(frozen=True, slots=True)
class Member:
    """`refusal` says why it must not be unpacked, None where nothing speaks against it; `passed` is how many bytes come
    out of the archive where it is passed over."""

    shown: str
    folder: bool
    refusal: str | None
    passed: int
    open: Callable[[], IO[bytes]]


def zip_members(archive: File) -> Iterator[Member]:
    """The members in the order of the directory. Raises DataError where it is no zip, and what `DAMAGED` names."""
    if not zipfile.is_zipfile(archive.path):
        raise _mistaken(archive, "zip")
    with zipfile.ZipFile(archive.path) as packed:
        infos = packed.infolist()
        encoding = _encoding_of(b"\n".join(_raw(info) for info in infos if not info.flag_bits & _UTF8))
        for info in infos:
            kind = stat.S_IFMT(info.external_attr >> 16)
            why = None
            if info.flag_bits & _ENCRYPTED:
                why = "is encrypted"
            elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                why = "is a symbolic link" if kind == stat.S_IFLNK else "is a device"
            # What zipfile cuts off a name at a NUL is told as well: it is there to deceive.
            name = info.orig_filename if info.flag_bits & _UTF8 else _raw(info).decode(encoding)
            yield Member(name, info.is_dir(), why, 0, _opener(packed, info))


def _raw(info: zipfile.ZipInfo) -> bytes:
    """The bytes of a name of which the archive does not say that it is UTF-8: zipfile takes them for code page 437."""
    return info.orig_filename.encode("cp437")


def _encoding_of(names: bytes) -> str:
    """The encoding of the names in an archive that does not say it: UTF-8, or GB18030 where that makes common Chinese
    characters of them, as Windows writes them in China; else code page 437, in which everything means something."""
    for encoding in ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            wide = [each for each in names.decode(encoding) if not each.isascii()]
            common = len("".join(wide).encode("gb2312", "ignore")) // 2
            if encoding == "utf-8" or common >= COMMON_PART * len(wide):
                return encoding
    return "cp437"


def _opener(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: packed.open(info)


def tar_members(archive: File) -> Iterator[Member]:
    """The members in their order, each to be opened before the next is asked for. Raises as `zip_members` does."""
    with ExitStack() as stack:
        stream = _Counted(stack.enter_context(_decompressed(archive)), archive)
        try:
            packed = stack.enter_context(tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|", tarinfo=_Header))
        except tarfile.ReadError as error:
            raise _mistaken(archive, "tar") from error
        for info in packed:
            raw = info.name.encode("utf-8", "surrogateescape")
            name = raw.decode(_encoding_of(raw))
            stream.until = stream.count + info.size + HEADERS
            yield Member(name, info.isdir(), _against(info), info.size, _extractor(packed, info))


class _Header(tarfile.TarInfo):
    """A header that cannot be read is damage wherever it stands. Behind the first member tarfile takes it for the end,
    and so would pass over all that follows."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # the zeros that mark the end
            raise
        except tarfile.HeaderError as error:
            told = "it ends without the mark of its end" if "empty header" in str(error) else str(error)
            raise tarfile.ReadError(told) from error


class _Counted:
    """The bytes of a tar as they come. More than may stand between two members is refused: headers are read into
    memory, however long they say they are."""

    def __init__(self, stream: Any, archive: File) -> None:
        self._stream = stream
        self._archive = archive
        self.count = 0
        self.until = HEADERS

    def read(self, size: int) -> bytes:
        block = bytes(self._stream.read(size))
        self.count += len(block)
        if self.count > self.until:
            told = f"the archive is refused: a header has more than {HEADERS:,} bytes"
            raise DataError(told, where=self._archive.shown, hint="pack it anew with another tool")
        return block


def _extractor(packed: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], IO[bytes]]:
    return lambda: cast(IO[bytes], packed.extractfile(info))


def _against(info: tarfile.TarInfo) -> str | None:
    if info.issym():
        return "is a symbolic link"
    if info.islnk():
        return "is a hard link"
    if info.issparse():
        return "is a sparse file"
    return None if info.isfile() or info.isdir() else "is a device"


def _decompressed(archive: File) -> Any:
    """The tar itself, by what the first bytes say it is packed with."""
    with archive.path.open("rb") as stream:
        head = stream.read(6)
    if head.startswith(b"\xfd7zXZ\0"):
        return lzma.open(archive.path)
    kinds = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
    kind = next((kind for magic, kind in kinds.items() if head.startswith(magic)), None)
    if kind is None:
        return archive.path.open("rb")
    import pyarrow as pa

    return pa.CompressedInputStream(pa.OSFile(str(archive.path)), kind)


def _mistaken(archive: File, kind: str) -> DataError:
    return DataError(f"it is named as a {kind} but does not hold one", where=archive.shown, hint="fetch it again")
