"""What was used of the quotas, shared by all workers of a machine: records in a mapped file, changed under a lock.

No request asks the database for it. A record is that of the account with its number; what a killed process leaves
half written is one request's count. The file survives a restart, so that a day's quota does.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from operator import add
from pathlib import Path

from aiaas.control.generation import reserve
from aiaas.control.quotas import NAMES, Account, Amounts

DAY = 86_400
SIZE = 128
_RECORD = struct.Struct("<d4dq4d")  # when it was written, levels; the day, what was used in it
_STEP = 512 * SIZE
_SLACK = 1 + 1e-6
"""What a clock of seconds since the epoch cannot tell apart."""
_here = threading.Lock()
"""Locks of files are those of processes, not of threads."""


@dataclass(frozen=True, slots=True)
class Over:
    """A limit that does not let a request pass, and after how many seconds it will."""

    account: Account
    name: str
    period: str
    limit: float
    after: float

    def __str__(self) -> str:
        return f"the quota of this {self.account.whose} is used up: {self.limit:,.10g} {self.name} a {self.period}"


class _Lock:
    """A file that one thread of one process holds."""

    def __init__(self, file: int) -> None:
        self._file = file

    def __enter__(self) -> None:
        _here.acquire()
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
        except BaseException:
            _here.release()
            raise

    def __exit__(self, *failed: object) -> None:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_UN)
        finally:
            _here.release()


class _Record:
    """That of an account as it is at `now`: `levels` fall by the quota of a second in a second; `used` counts the
    day."""

    __slots__ = ("account", "day", "levels", "used", "when")

    def __init__(self, account: Account, memory: mmap.mmap, now: float) -> None:
        self.account = account
        when, *numbers = _RECORD.unpack_from(memory, account.number * SIZE)
        self.levels, self.used = numbers[:4], numbers[5:]
        self.when, self.day = now, int(numbers[4])
        passed = max(0.0, now - when)
        for place, rate in enumerate(account.quota.second):
            self.levels[place] = 0.0 if rate == math.inf else max(0.0, self.levels[place] - rate * passed)
        day = int(now // DAY)
        if day > self.day or day < self.day - 1:  # a clock put back over midnight does not begin the day anew
            self.day, self.used = day, [0.0] * len(NAMES)

    def write(self, memory: mmap.mmap, cost: Sequence[float]) -> None:
        levels, used = map(add, self.levels, cost), map(add, self.used, cost)
        _RECORD.pack_into(memory, self.account.number * SIZE, self.when, *levels, self.day, *used)


class Ledger:
    """The use of accounts, in the file at `path`. `clock` gives seconds since the epoch. Raises OSError where the disk
    has no room for an account that is new."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._lock = _Lock(self._file)
        self._memory: mmap.mmap | None = None
        self._size = 0

    def take(self, accounts: Iterable[Account], cost: Sequence[float], places: Collection[int]) -> Over | None:
        """Count `cost`, a number for each of `NAMES`, in all the accounts, or in none of them where a limit at one of
        `places` does not let it pass: then that limit. What costs 0 passes while anything is left.

        What is more than a second's quota passes once nothing of it is used, and is paid off in the seconds after it;
        the quota of a day is never exceeded, but by computing, whose cost is known only afterwards.
        """
        with self._lock:
            now = self._clock()
            records = [self._read(account, now) for account in accounts]
            for record in records:
                if (over := _over(record, cost, places)) is not None:
                    self._write(records, Amounts())  # the time is kept: a clock may have gone back
                    return over
            self._write(records, cost)
        return None

    def add(self, accounts: Iterable[Account], cost: Sequence[float]) -> None:
        """Count what was used, whatever the limits are."""
        with self._lock:
            now = self._clock()
            self._write([self._read(account, now) for account in accounts], cost)

    def _reaching(self, number: int) -> mmap.mmap:
        """The file in memory, made longer where it does not hold the record yet."""
        if self._memory is None or (number + 1) * SIZE > self._size:
            size = max(os.fstat(self._file).st_size, ((number + 1) * SIZE // _STEP + 1) * _STEP)
            reserve(self._file, size)
            self._memory, self._size = mmap.mmap(self._file, size), size
        return self._memory

    def _read(self, account: Account, now: float) -> _Record:
        return _Record(account, self._reaching(account.number), now)

    def _write(self, records: list[_Record], cost: Sequence[float]) -> None:
        for record in records:
            record.write(self._reaching(record.account.number), cost)

    def close(self) -> None:
        with _here:
            if self._memory is not None:
                self._memory.close()
            os.close(self._file)


def _over(record: _Record, cost: Sequence[float], places: Collection[int]) -> Over | None:
    account = record.account
    for place in places:
        name, more = NAMES[place], cost[place]
        rate, level = account.quota.second[place], record.levels[place]
        asked = min(more, rate)
        if level >= rate or level + asked > rate * _SLACK:
            return Over(account, name, "second", rate, (level + asked - rate) / rate)
        limit, used = account.quota.day[place], record.used[place]
        if used >= limit or used + more > limit:
            return Over(account, name, "day", limit, (record.day + 1) * DAY - record.when)
    return None
