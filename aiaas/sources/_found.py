"""Which files an address means, and what is said when there are none."""

from __future__ import annotations

import difflib
import hashlib
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path

from aiaas.errors import DataError
from aiaas.sources import _saved

_WILD = frozenset("*?[")
CLASS_FOLDER_HINT = "name its files with a glob such as {0}/*.csv, or give it one sub-folder a class"


@dataclass(frozen=True, slots=True)
class File:
    """A file to read. `shown` is what a person knows it by, `label` the name of its class folder, `labels` a second
    file that holds the labels of its rows, `split` the split that the data says its rows belong to."""

    path: Path
    shown: str
    label: str | None = None
    labels: File | None = None
    split: str | None = None

    def digest(self) -> str:
        """sha256 of the bytes as they stand on disk, in hex; DataError when they cannot be read."""
        try:
            with self.path.open("rb") as stream:
                return _digest(stream)
        except OSError as error:
            raise DataError(f"the file cannot be read: {error.strerror}", where=self.shown) from error


_digests: dict[tuple[int, ...], str] = {}
_MOST_DIGESTS = 100_000
_SETTLED = 2 * 10**9
"""Nanoseconds after its last change in which a file may change again without a later time of change."""


def _digest(stream: BufferedReader) -> str:
    """The digest of an open file; computed once a process, as long as the file system says that it is the same."""
    state = _state(stream)
    if known := _digests.get(state):
        return known
    found = hashlib.file_digest(stream, "sha256").hexdigest()
    settled = time.time_ns() - max(state[-2:]) > _SETTLED
    if settled and _state(stream) == state:
        if len(_digests) >= _MOST_DIGESTS:
            _digests.clear()
        _digests[state] = found
    return found


def _state(stream: BufferedReader) -> tuple[int, ...]:
    now = os.fstat(stream.fileno())
    return now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns


def expand(pattern: str, root: Path, address: str) -> list[File]:
    """The files that a path, a glob, a folder of class folders or one that the library datasets saved means, sorted;
    DataError when there are none.

    `address` is how the recipe writes it. Files inside `root` are shown relative to it. Hidden files are passed over.
    """
    path = root / Path(pattern).expanduser()
    if path.is_dir():
        if saved := _saved.files(path, address):
            return [File(each, shown(each, root), split=split) for each, split in saved]
        return _class_folders(path, root, address)
    if path.is_file():
        return [File(path, shown(path, root))]
    if path.exists():
        raise DataError("it is no file but a pipe or a device", where=address, hint="write it to a file first")
    if _WILD & set(pattern):
        found = sorted(each for each in _glob(path) if each.is_file() and not each.name.startswith("."))
        if found:
            return [File(each, shown(each, root)) for each in found]
        raise DataError("no file matches the pattern", where=address, hint=near(path, root) or f"looked in {root}")
    raise DataError("there is no such file", where=address, hint=near(path, root) or f"looked for {path}")


def with_labels(files: list[File], labels: list[File], address: str) -> list[File]:
    """One file, with the one that holds its labels; DataError where there are several of either."""
    for several, what in ((files, "files of rows"), (labels, "files of labels")):
        if len(several) != 1:
            raise DataError(f"labels: goes with one file, but these are {len(several)} {what}", where=address)
    return [replace(files[0], labels=labels[0])]


def parts(files: Sequence[File]) -> list[File]:
    """The files, and those that hold their labels."""
    return [each for file in files for each in (file, file.labels) if each]


def shown(path: Path, root: Path) -> str:
    """The path as a person knows it: relative to where relative paths start, where it lies there."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def digest_of_folder(folder: Path) -> tuple[str, int, int]:
    """A digest over the names and contents of all files in a folder, their number, and their bytes together."""
    files = sorted(each for each in folder.rglob("*") if each.is_file() and not each.name.startswith("."))
    whole = hashlib.sha256()
    for each in files:
        name = str(each.relative_to(folder))
        whole.update(f"{name}\0{File(each, name).digest()}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest(), len(files), sum(each.stat().st_size for each in files)


def _glob(path: Path) -> Iterable[Path]:
    parts = path.parts
    wild = next(index for index, part in enumerate(parts) if _WILD & set(part))
    return Path(*parts[:wild]).glob(str(Path(*parts[wild:])))


def _class_folders(folder: Path, root: Path, address: str) -> list[File]:
    classes = sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    if not classes:
        raise DataError(
            "it is a folder without sub-folders", where=address, hint=CLASS_FOLDER_HINT.format(address.rstrip("/"))
        )
    files = [
        File(each, shown(each, root), kind.name)
        for kind in classes
        for each in sorted(kind.rglob("*"))
        if each.is_file() and not any(part.startswith(".") for part in each.relative_to(kind).parts)
    ]
    refuse_empty([kind.name for kind in classes], files, address)
    return files


def refuse_empty(classes: Iterable[str], files: Iterable[File], address: str) -> None:
    """DataError that names the classes of which there is no file."""
    if empty := sorted(set(classes) - {str(file.label) for file in files}):
        folders = f"the class folder{'s' if len(empty) > 1 else ''} {listing(empty)}"
        raise DataError(
            f"there is nothing to read in {folders}", where=address, hint="fill the folder, or take it out of the way"
        )


def near(path: Path, root: Path) -> str | None:
    """A hint with the names that stand where the path stops existing, the likeliest first."""
    parent, missing = path.parent, path.name
    while not parent.is_dir():
        if parent == parent.parent:
            return None
        parent, missing = parent.parent, parent.name
    names = sorted(each.name for each in parent.iterdir() if not each.name.startswith("."))
    where = shown(parent, root)
    place = "here" if where == "." else f"in {where}"
    close = difflib.get_close_matches(missing, names, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(map(repr, close))} ({place})?"
    return f"there is {place}: {listing(names)}" if names else f"there is nothing {place}"


def listing(names: Sequence[str], most: int = 12) -> str:
    """Names for a message, cut short where there are many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
