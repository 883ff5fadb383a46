"""A page of a crawl: while it is only an address, and when it is there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """An address that is to be asked for, with the version of it that is there already, where one is."""

    id: int
    url: str
    host: str
    depth: int
    hops: int
    tries: int
    etag: str | None = None
    modified: str | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """A page as it came. `kind` is its type, `rules` what its header asks of crawlers; `sha256` is of `body`."""

    body: bytes
    kind: str
    sha256: str
    fetched: str
    etag: str | None = None
    modified: str | None = None
    language: str | None = None
    rules: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A page that is there."""

    id: int
    url: str
    depth: int
    came: Came
