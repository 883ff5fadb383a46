"""How long a store is waited for, and how often it is asked: silence is given up, what breaks off is tried again."""

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
T = TypeVar("T")


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
    """What `call` returns, if it does in time; who waits for a store that fell silent would wait for ever."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(call())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(wanted.timeout * calls)
    if failure:
        raise failure[0]
    if not outcome:
        raise RemoteError(
            f"the store was silent for {wanted.timeout:g} s",
            where=shown(wanted.url),
            hint="try again, or raise timeout:",
        )
    return outcome[0]


def too_large(wanted: Wanted, size: int) -> DataError:
    return DataError(
        f"it is larger than max_bytes: {size:,} of {wanted.limit:,} allowed",
        where=shown(wanted.url),
        hint="raise max_bytes: if so much is meant",
    )
