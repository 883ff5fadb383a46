"""A recipe's raw values, each with the place it came from. Nothing here knows what a recipe may say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from aiaas.errors import Fault
from aiaas.recipe import paths

Kind = Literal["file", "environment", "--set", "given"]

_SECRET_KEYS = re.compile(
    r"pass(word|wd|phrase)|(access|auth|bearer)?[_-]?token|((x[_-])?api|access|secret|private|auth)[_-]?key|secret"
    r"|client[_-]secret|credentials?|authorization|cookie|auth|bearer",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*:)([^/\s@]+)(@)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands. `origin` is what `show --origin` prints, `where` what a fault names, `key` the place of
    the key before it; `order` sorts faults as a reader meets them."""

    kind: Kind
    origin: str
    where: str
    key: str
    order: tuple[int, int, int] = (0, 0, 0)


@dataclass(slots=True)
class Document:
    """Plain values and their places; a value without a place is a default. `plain` is the text of every scalar that
    stands without quotes; `raws` that of values from a shell, where nobody quotes: they are text where the schema
    wants text, whatever they look like. `void` are the paths that had no readable value: one fault each is enough."""

    source: str
    data: Any = None
    places: dict[paths.Path, Place] = field(default_factory=dict)
    plain: dict[paths.Path, str] = field(default_factory=dict)
    raws: dict[paths.Path, str] = field(default_factory=dict)
    void: set[paths.Path] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    order: dict[Fault, tuple[int, int, int]] = field(default_factory=dict)

    def place(self, path: paths.Path) -> Place:
        """The place of the value, or of the nearest thing around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return Place("file", self.source, self.source, self.source)

    def refuse(
        self, path: paths.Path, message: str, hint: str | None = None, *, key: bool = False, at: Place | None = None
    ) -> None:
        """Note a fault; `key` points at the key instead of the value."""
        if path in self.void:
            return
        place = at or self.place(path)
        fault = Fault(place.key if key else place.where, paths.render(path), message, hint)
        if fault not in self.order:
            self.faults.append(fault)
            self.order[fault] = place.order

    def sorted_faults(self) -> list[Fault]:
        """In the order of the file, then the environment's, then those of `--set`."""
        return sorted(self.faults, key=lambda fault: self.order[fault])

    def secretive(self, path: paths.Path) -> bool:
        """Whether the value must not be repeated in a message: it may be a secret."""
        return self.place(path).kind == "environment" or any(is_secret_key(part) for part in path)

    def replace(self, path: paths.Path, value: Any, place: Place) -> None:
        """Put `value` at `path`, whose parent exists; all it holds comes from `place`."""
        parent = self.data
        for part in path[:-1]:
            parent = parent[part]
        if isinstance(parent, list) and path[-1] == len(parent):
            parent.append(value)
        else:
            parent[path[-1]] = value
        for old in [known for known in self.places if known[: len(path)] == path]:
            del self.places[old]
            self.raws.pop(old, None)
            self.plain.pop(old, None)
            self.void.discard(old)
        for inner, _ in walk(value, path):
            self.places[inner] = place


def walk(value: Any, path: paths.Path = ()) -> Iterator[tuple[paths.Path, Any]]:
    """The value and everything in it, each with its path."""
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from walk(inner, (*path, index))


def is_secret_key(part: str | int) -> bool:
    return isinstance(part, str) and _SECRET_KEYS.fullmatch(part) is not None


def has_url_password(text: str) -> bool:
    """Whether an address holds a password in plain sight; `${env:NAME}` is none."""
    return any(not match[2].startswith("${env:") for match in _URL_PASSWORD.finditer(text))


def without_url_passwords(text: str) -> str:
    return _URL_PASSWORD.sub(lambda match: f"{match[1]}***{match[3]}", text)
