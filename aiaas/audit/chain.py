"""A chain that is added to."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from aiaas.audit import form
from aiaas.audit.append import append, is_there
from aiaas.errors import UsageError, VerificationError

MOST = 64 << 20
"""Bytes of a file, after which the next is begun."""
MANY = 1000
"""Chains in a folder that are written at a time."""
_WINDOW = 1 << 16


def members(**fields: Any) -> str:
    """The fields of an entry as `Chain.add` takes them."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"), allow_nan=False)[1:-1]


class Chain:
    """The first chain in a folder that no other process adds to; it goes on where it ended.

    What `add` has written outlives the process; what `sync` has, a power cut. Raises OSError, and VerificationError
    where the end of the chain is no entry.
    """

    seq: int
    """The number of the next entry, from 1 on."""
    head: str
    """The hash of the last."""
    _size: int

    def __init__(self, folder: Path, *, most: int = MOST) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._most = most
        self._lock = _first_free(folder)
        self.name = Path(self._lock.lock_file).stem
        try:
            self._resume()
        except BaseException:
            self._lock.release()
            raise

    def add(self, *entries: str) -> None:
        """Append entries, each the members of a JSON object as text. All of them are written, or none: then OSError."""
        seq, head, lines = self.seq, self.head, []
        for entry in entries:
            line, head = form.sealed(seq, entry, head)
            seq += 1
            lines.append(line)
        data = b"".join(lines)
        if self._size and self._size + len(data) > self._most:
            self._turn()
        append(self._file, data, self._size)
        self._size += len(data)
        self.seq, self.head = seq, head

    def sync(self) -> None:
        os.fsync(self._file)

    @property
    def is_there(self) -> bool:
        """Whether its file is; somebody may have removed it."""
        return is_there(self._file)

    def anew(self) -> Chain:
        """Another, in the same folder."""
        return Chain(self._folder, most=self._most)

    def close(self) -> None:
        os.fsync(self._file)
        os.close(self._file)
        self._lock.release()

    def _resume(self) -> None:
        """Find the end of the chain, and take away a line that a killed process left unfinished."""
        there = form.segments(self._folder).get(self.name, [])
        self._open(there[-1] if there else form.segment(self._folder, self.name, 1))
        for each in reversed(there):
            with each.path.open("rb") as file:
                whole, last = _last_line(file.fileno(), each.path.stat().st_size)
            if each == there[-1] and whole < self._size:
                os.ftruncate(self._file, whole)
                self._size = whole
            if last:
                self.seq, self.head = _after(last, each.path)
                return
        self.seq, self.head = 1, form.first_hash(self.name)

    def _open(self, segment: form.Segment) -> None:
        self._file = os.open(segment.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._segment = segment  # only now: where it cannot be opened, the next time must try the same
        self._size = os.fstat(self._file).st_size

    def _turn(self) -> None:
        full = self._file
        os.fsync(full)
        self._open(form.segment(self._folder, self.name, self._segment.number + 1))
        os.close(full)


def _first_free(folder: Path) -> FileLock:
    for number in range(MANY):
        lock = FileLock(folder / f"{number}.lock", mode=0o600)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        return lock
    raise UsageError(f"{MANY} processes write audits here", where=str(folder), hint="end some of them")


def _last_line(file: int, size: int) -> tuple[int, bytes]:
    """How many bytes of a file are whole lines, and the last of these."""
    window = _WINDOW
    while True:
        start = max(0, size - window)
        data = os.pread(file, size - start, start)
        end = data.rfind(b"\n") + 1
        begin = data.rfind(b"\n", 0, max(0, end - 1)) + 1
        if start == 0 or (end and begin):
            return start + end if end else 0, data[begin:end]
        window *= 4


def _after(line: bytes, path: Path) -> tuple[int, str]:
    """The number that follows an entry, and the hash of it."""
    parts = form.parted(line)
    if parts is None:
        raise VerificationError(
            "the last line of the audit is no entry of it",
            where=str(path),
            hint="`aiaas audit verify` tells what is wrong; move the folder aside to begin another",
        )
    return parts[0] + 1, parts[2]
