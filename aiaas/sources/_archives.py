"""Archives: their members unpacked for the time of reading, after each was found to be a plain file inside the folder.

A zip is read by its directory, a tar from its beginning to its end. Nothing of an archive is trusted: neither its
names nor the sizes that it states.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from aiaas.contracts import SourceContext
from aiaas.errors import DataError, first_line
from aiaas.sources import _found, _scratch, _unpacked
from aiaas.sources._found import File

if TYPE_CHECKING:
    from aiaas.sources._params import FileParams

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst")
MEMBERS = 1_000_000
RATIO = 250
_SURELY_HARMLESS = 100 * 10**6
"""Bytes that may come out whatever they were packed in: small archives of zeros hurt nobody."""

_BLOCK = 1 << 20
_NAMES = 1000
_ELSEWHERE = "look at it, unpack it yourself where you trust it, and name the folder"
_WILD = frozenset("*?[")
_DRIVE = re.compile(r"[A-Za-z]:")


def is_archive(name: str) -> bool:
    """Whether a file of this name is one, as its ending says."""
    return name.lower().endswith(ENDINGS)


@contextmanager
def opened(files: Sequence[File], params: FileParams, context: SourceContext) -> Iterator[list[File]]:
    """The files, in place of each archive its members that `members:` wants. They are gone when the block ends.

    Raises DataError that names the member for one that must not be unpacked, and where there is none to read.
    """
    if params.members is not None and not any(is_archive(file.path.name) for file in files):
        raise DataError("members: is for archives, and this is none", where=params.source, hint=_kinds())
    with ExitStack() as stack:
        found: list[File] = []
        for file in files:
            if not is_archive(file.path.name):
                found.append(file)
                continue
            folder = stack.enter_context(_scratch.folder(context.cache))
            names = _unpack(file, folder, params)
            found += _members(file, folder, params, names)
        yield found


def _kinds() -> str:
    return f"an archive is named as such: {', '.join(ENDINGS)}"


# --- which members -------------------------------------------------------------------------------------------------


def _members(archive: File, root: Path, params: FileParams, names: Sequence[str]) -> list[File]:
    """What is there to read, by name; a folder of folders gives each file the label that its folder is called."""
    if params.members is None:
        folder = root
        while (inner := list(folder.iterdir())) and len(inner) == 1 and inner[0].is_dir():
            folder = inner[0]
        if not inner:
            raise DataError("there is no file in the archive", where=archive.shown)
        flat = any(each.is_file() for each in inner)
        files = [File(each, "") for each in sorted(folder.rglob("*")) if each.is_file()] if flat else None
        files = files or _found.expand(".", folder, archive.shown)
    else:
        files = _chosen(archive, params.members, root, names)
    for file in files:
        if is_archive(file.path.name):
            name = file.path.relative_to(root)
            raise DataError(f"{name} is an archive inside the archive", where=archive.shown, hint=_ELSEWHERE)
    return [
        replace(file, shown=f"{archive.shown}/{file.path.relative_to(root)}", label=file.label or archive.label)
        for file in files
    ]


def _chosen(archive: File, members: str, root: Path, names: Sequence[str]) -> list[File]:
    address = f"{archive.shown}, members {members!r}"
    if not any(root.iterdir()):  # all that might have been meant was unpacked
        close = difflib.get_close_matches(members, names, n=3)
        told = f"did you mean {' or '.join(map(repr, close))}?" if close else f"it holds: {_found.listing(names)}"
        raise DataError("there is no such member", where=address, hint=told)
    return _found.expand(members, root, address)


def _wanted(name: PurePosixPath, params: FileParams) -> bool:
    """Whether the member may be needed: what lies elsewhere than the glob says is not unpacked. Hidden files, and what
    a Mac leaves in archives, never are."""
    if any(part.startswith(".") or part == "__MACOSX" for part in name.parts):
        return False
    if params.members is None or params.picture_folder is not None:
        return True
    parts = PurePosixPath(params.members).parts
    plain = next((index for index, part in enumerate(parts) if _WILD & set(part)), len(parts))
    return name.parts[:plain] == parts[:plain]


# --- unpacking -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Meter:
    """Counts what comes out of an archive, and refuses what no honest one holds."""

    archive: File
    packed: int
    most: int
    members: int = 0
    bytes: int = 0
    seen: set[PurePosixPath] = field(default_factory=set)

    def member(self, name: str) -> None:
        self.members += 1
        if self.members > MEMBERS:
            raise refused(self.archive, name, f"is the {self.members:,}th member; {MEMBERS:,} are allowed")

    def add(self, name: str, size: int) -> None:
        self.bytes += size
        if self.bytes > self.most:
            told = f"makes more than max_unpacked come out: {self.most:,} bytes are allowed"
            raise refused(self.archive, name, told, "raise max_unpacked: if so much is meant")
        if self.bytes > _SURELY_HARMLESS and self.bytes > RATIO * self.packed:
            told = f"makes more come out than {RATIO} times the {self.packed:,} bytes that it was packed in"
            raise refused(self.archive, name, told)


def _unpack(archive: File, folder: Path, params: FileParams) -> list[str]:
    """Write the wanted members into the folder; returns the names of all, or of the first thousand."""
    meter = _Meter(archive, max(archive.path.stat().st_size, 1), params.max_unpacked)
    names: list[str] = []
    members = _unpacked.zip_members if archive.path.name.lower().endswith(".zip") else _unpacked.tar_members
    try:
        for member in members(archive):
            meter.member(member.shown)
            if len(names) < _NAMES:
                names.append(member.shown)
            place = _place(archive, member.shown)
            if member.folder or not _wanted(place, params):
                meter.add(member.shown, member.passed)
                continue
            if member.refusal:
                raise refused(archive, member.shown, member.refusal)
            if place in meter.seen:
                raise refused(archive, member.shown, "stands in it twice")
            meter.seen.add(place)
            with member.open() as stream:
                _write(stream, folder / place, member.shown, meter)
    except _unpacked.DAMAGED as error:
        if isinstance(error, OSError) and error.errno:
            raise  # not the archive: the disk
        raise DataError(
            f"the archive is damaged: {first_line(error)}", where=archive.shown, hint="fetch it again"
        ) from error
    return names


def _place(archive: File, name: str) -> PurePosixPath:
    """Where in the folder the member belongs. DataError for one that would leave it."""
    path = PurePosixPath(name)
    if path.is_absolute() or _DRIVE.match(name) or name.startswith("\\"):
        raise refused(archive, name, "has an absolute name")
    if ".." in path.parts or ".." in name.split("\\"):
        raise refused(archive, name, "leaves the folder")
    if "\0" in name:
        raise refused(archive, name.replace("\0", "\\0"), "has a name with a NUL")
    return path


def _write(stream: IO[bytes], path: Path, name: str, meter: _Meter) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        out = path.open("xb")
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise refused(meter.archive, name, "is both a file and a folder") from error
    except OSError as error:
        if error.errno in _unpacked.UNUSABLE_NAMES:
            raise refused(meter.archive, name[:80], "has a name that no file may have") from error
        raise
    with out:
        while block := stream.read(_BLOCK):
            meter.add(name, len(block))
            out.write(block)


def refused(archive: File, name: str, why: str, hint: str = _ELSEWHERE) -> DataError:
    return DataError(f"the archive is refused: {name!r} {why}", where=archive.shown, hint=hint)
