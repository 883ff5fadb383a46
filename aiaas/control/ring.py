"""The keys as a worker knows them: in memory, and as new as the last change."""

from __future__ import annotations

import hmac
import logging
import threading
import time
from collections.abc import Callable

from aiaas.control import secret
from aiaas.control.control import Control
from aiaas.control.keys import Key
from aiaas.errors import AiaasError

POLL = 1.0
"""Seconds after which the database is asked whether another machine changed something."""
PATIENCE = 1.0
"""Seconds that a request waits for keys that were changed just now. After that what was known holds until the database
answers: a change that cannot be read must not stop the service."""
logger = logging.getLogger("aiaas.serve")


class RefusedError(Exception):
    """A text that opens nothing, and why; it says no more to whoever holds no true key."""


class Keyring:
    """Tells true keys from false ones. Made in the process that uses it; `close` ends its thread.

    A change on this machine shows in a counter that is compared each time. A thread also asks the database now and
    then: another machine may have changed it, or a process that was killed before it counted. Where it does not answer,
    what was known goes on to hold, and keys expire as they would.
    """

    def __init__(self, control: Control, poll: float = POLL, clock: Callable[[], float] = time.time) -> None:
        self._control = control
        self._clock = clock
        self._seen = control.generation.value
        self._snapshot = control.snapshot()
        self._tried = self._waited = self._seen
        self._read = threading.Condition()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(poll,), name="aiaas-keys", daemon=True)
        self._thread.start()

    def find(self, text: str) -> Key:
        """The key that `text` is. Raises RefusedError."""
        if (generation := self._control.generation.value) != self._seen:
            self._await(generation)
        name = secret.name_of(text)
        known = self._snapshot.keys.get(name) if name else None
        found = secret.digest(self._control.secret, text) if known else b""
        if known is None or not hmac.compare_digest(found, known[0]):
            raise RefusedError("the key is not known")
        state = known[1].state(self._clock())
        if state in {"revoked", "expired"}:
            raise RefusedError(f"the key {'was' if state == 'revoked' else 'has'} {state}")
        return known[1]

    def _await(self, generation: int) -> None:
        """Let the thread read what changed, and wait for it, once after each change."""
        if generation == self._waited:
            return
        self._waited = generation
        self._wake.set()
        with self._read:
            self._read.wait_for(lambda: self._tried >= generation, PATIENCE)

    def _load(self) -> None:
        seen = self._control.generation.value  # before reading: a change in between is read again
        try:
            self._snapshot = self._control.snapshot()
            self._seen = seen
        finally:
            with self._read:
                self._tried = seen
                self._read.notify_all()

    def _watch(self, poll: float) -> None:
        failed = False
        while True:
            woken = self._wake.wait(poll)
            self._wake.clear()
            if self._closing.is_set():
                return
            try:
                if woken or self._control.changed(self._snapshot.generation):
                    self._load()
                if failed:
                    logger.warning("the database of the keys answers again")
                failed = False
            except Exception as error:  # whatever became of the database, it is looked at again
                if not failed:
                    known = isinstance(error, AiaasError)
                    said = error if known else "the database of the keys does not answer as it should"
                    told = "%s; the keys stay as they are known until it does"
                    logger.error(told, said, exc_info=None if known else error)
                failed = True

    def close(self) -> None:
        self._closing.set()
        self._wake.set()
        self._thread.join()
