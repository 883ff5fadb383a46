"""Writes that are there whole or not at all: a temporary sibling, fsync, rename, fsync of the folder."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from aiaas.errors import DataError

FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def open_new(path: Path) -> Iterator[BinaryIO]:
    """A binary file that appears at `path` when the block ends without an exception, replacing what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with disk_errors(path), temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a read-only one into an error that says what to do; nothing half-written stays."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL or (isinstance(error, shutil.Error) and _full_inside(error)):
            raise DataError(
                "the disk is full",
                where=str(path.parent),
                hint="make room (aiaas cache gc) or choose another disk with --workspace, then run the same command",
            ) from error
        if error.errno in {errno.EACCES, errno.EROFS}:
            raise DataError(
                "the folder cannot be written to", where=str(path.parent), hint="choose another with --workspace"
            ) from error
        raise


def _full_inside(error: shutil.Error) -> bool:
    """shutil.copytree gathers the errors of all files, as words."""
    return any(f"[Errno {number}]" in str(error) for number in FULL)


def write_bytes(path: Path, data: bytes) -> None:
    with open_new(path) as stream:
        stream.write(data)


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """fsync every file below `folder`, then the folders."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
    sync_folder(folder)
