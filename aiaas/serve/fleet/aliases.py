"""Which of the served models should be another version: those whose alias was moved."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping

from aiaas.bundle import Located, locate
from aiaas.errors import AiaasError
from aiaas.track import Registry, parse_reference
from aiaas.workspace import Workspace

REMOTE = 30.0
"""Seconds between two questions to MLflow about a model that is not registered here."""
logger = logging.getLogger("aiaas.serve")


class Aliases:
    """Looks where the aliases of `references` stand. A version or a folder that was named stays what it is."""

    def __init__(self, references: Mapping[str, str], workspace: Workspace) -> None:
        self._workspace = workspace
        self._registry = Registry(workspace.models)
        self._references = {name: each for name, each in references.items() if _moves(each)}
        self._seen: dict[str, object] = {}
        self._asked: dict[str, float] = {}
        self._said: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._references)

    def follow(self, name: str, reference: str) -> None:
        """Look where the alias of this model stands from now on, too."""
        self._seen.pop(name, None)
        self._asked.pop(name, None)
        if _moves(reference):
            self._references[name] = reference

    def forget(self, name: str) -> None:
        self._references.pop(name, None)

    def look(self) -> Iterator[Located]:
        """Where those models lie that may have moved since the last look. What cannot be read now is left out, and
        looked at again the next time."""
        for name, reference in list(self._references.items()):  # another thread may add to them
            if not self._is_new(name):
                continue
            try:
                located = locate(reference, self._workspace)
            except AiaasError as error:
                self._seen.pop(name, None)
                self._say(name, str(error))
                continue
            self._said.pop(name, None)
            yield located

    def _say(self, name: str, why: str) -> None:
        """Once, however often it is looked at."""
        if self._said.get(name) != why:
            self._said[name] = why
            logger.warning("%s stays as it is: %s", name, why)

    def _is_new(self, name: str) -> bool:
        if not self._registry.has(name):
            now = time.monotonic()
            if now - self._asked.get(name, now - REMOTE) < REMOTE:
                return False
            self._asked[name] = now
            return True
        try:
            state = (self._registry.models / name / "registry.json").stat()
        except OSError:  # removed just now
            return True
        seen = (state.st_mtime_ns, state.st_ino, state.st_size)
        return self._seen.get(name) != seen and bool(self._note(name, seen))

    def _note(self, name: str, seen: object) -> bool:
        self._seen[name] = seen
        return True


def _moves(reference: str) -> bool:
    """Whether it names an alias."""
    from aiaas.errors import UsageError

    try:
        _, _, version = parse_reference(reference)
    except UsageError:
        return False
    return version is None
