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
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class Member:
    """`refusal` says why it must not be unpacked, None where nothing speaks against it."""

    shown: str
    folder: bool
    refusal: str | None
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
            yield Member(info.orig_filename, info.is_dir(), why, _opener(packed, info))


def _opener(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: packed.open(info)


def tar_members(archive: File) -> Iterator[Member]:
    """The members in their order, each to be opened before the next is asked for. Raises as `zip_members` does."""
    with ExitStack() as stack:
        stream = stack.enter_context(_decompressed(archive))
        try:
            packed = stack.enter_context(tarfile.open(fileobj=stream, mode="r|"))
        except tarfile.ReadError as error:
            raise _mistaken(archive, "tar") from error
        for info in packed:
            name = info.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            yield Member(name, info.isdir(), _against(info), _extractor(packed, info))


def _extractor(packed: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], IO[bytes]]:
    return lambda: cast(IO[bytes], packed.extractfile(info))


def _against(info: tarfile.TarInfo) -> str | None:
    if info.issym():
        return "is a symbolic link"
    if info.islnk():
        return "is a hard link"
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
