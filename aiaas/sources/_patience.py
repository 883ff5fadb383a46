"""How long a store or a database is waited for: silence is given up, and what breaks off is tried again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from aiaas.errors import AiaasError, DataError, RemoteError, first_line
from aiaas.workspace import atomic

TRIES = 3
BACK_OFF = 0.5  # seconds before the second try, doubled for the third
ELSEWHERE = "fetch the files elsewhere and name them: --set 'collect[0].source=FILE'"
RAISE = "try again, or raise timeout:"
T = TypeVar("T")


class Silent(RemoteError):
    """There was no answer in time. Whatever was asked may still be waiting for one."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a store. `timeout` is in seconds."""

    url: str
    options: Mapping[str, Any]
    limit: int
    timeout: float


def shown(url: str) -> str:
    """The address without user and password; what follows a ? or # belongs to its path."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def tried(wanted: Wanted, attempt: Callable[[], T]) -> T:
    """What `attempt` returns, after two more tries where the store breaks off."""
    for attempted in range(1, TRIES + 1):
        try:
            return attempt()
        except AiaasError:
            raise
        except PermissionError as error:
            message = f"the store refuses access: {first_line(error)}"
            hint = "check the credentials in the environment, or give them with options:"
            raise RemoteError(message, where=shown(wanted.url), hint=hint) from error
        except OSError as error:
            if error.errno in atomic.FULL:  # here, not there
                raise
            if attempted == TRIES:
                raise unreachable(wanted, error) from error
            time.sleep(BACK_OFF * 2.0 ** (attempted - 1))
        except Exception as error:  # each file system lets the errors of its own libraries through
            raise unreachable(wanted, error) from error
    raise AssertionError("unreachable")


def unreachable(wanted: Wanted, error: Exception) -> RemoteError:
    return RemoteError(f"the store does not give it: {first_line(error)}", where=shown(wanted.url), hint=ELSEWHERE)


def within(wanted: Wanted, call: Callable[[], T], calls: int = 1) -> T:
    """What `call` returns, if it does in the time of so many calls."""
    told = f"the store was silent for {wanted.timeout:g} s"
    return in_time(call, wanted.timeout * calls, Silent(told, where=shown(wanted.url), hint=RAISE))


def in_time(call: Callable[[], T], seconds: float, silence: Silent) -> T:
    """What `call` returns, if it does within so many seconds, else `silence` is raised: who waits for a machine that
    fell silent would wait for ever. It runs in another thread, which is left alone then."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(call())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not outcome:
        raise silence
    return outcome[0]


class Clock:
    """Tells SQLite, which computes within this process, to stop when it gave no row for too long."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.since = time.monotonic()

    def __call__(self) -> int:
        return int(time.monotonic() - self.since > self.limit)


def too_large(wanted: Wanted, size: int) -> DataError:
    return DataError(
        f"it is larger than max_bytes: {size:,} of {wanted.limit:,} allowed",
        where=shown(wanted.url),
        hint="raise max_bytes: if so much is meant",
    )
