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
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any, cast

from aiaas.errors import DataError
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
        for info in packed.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            why = None
            if info.flag_bits & _ENCRYPTED:
                why = "is encrypted"
            elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                why = "is a symbolic link" if kind == stat.S_IFLNK else "is a device"
            # What zipfile cuts off a name at a NUL is told as well: it is there to deceive.
            yield Member(info.orig_filename, info.is_dir(), why, 0, _opener(packed, info))


def _opener(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: packed.open(info)


def tar_members(archive: File) -> Iterator[Member]:
    """The members in their order, each to be opened before the next is asked for. Raises as `zip_members` does."""
    with ExitStack() as stack:
        stream = _Counted(stack.enter_context(_decompressed(archive)), archive)
        try:
            packed = stack.enter_context(tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|"))
        except tarfile.ReadError as error:
            raise _mistaken(archive, "tar") from error
        for info in packed:
            name = info.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            stream.until = stream.count + info.size + HEADERS
            yield Member(name, info.isdir(), _against(info), info.size, _extractor(packed, info))


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
