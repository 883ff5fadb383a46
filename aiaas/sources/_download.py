"""Downloads one file into the cache: streamed, capped, resumed, checked, and never half there.

Each address has a folder: the file, `part` while it is incomplete, and a JSON beside each that says what the server
called this version. That is what a resumed request is conditional on: a file that changed is fetched from its start.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas.contracts import SourceContext
from aiaas.errors import DataError, RemoteError
from aiaas.offline import BRING
from aiaas.sources._exchange import Again, Request, connect, send, shown, with_retries

if TYPE_CHECKING:
    import httpx


PATIENCE = 10
SLOWEST = 1000
"""A server that gives fewer bytes a second than this, over `PATIENCE` times `timeout`, is one that does not answer:
it could keep a command waiting for ever."""

Told = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Download:
    """A complete file. `revision` is the server's ETag, or its date of change."""

    path: Path
    revision: str | None


def place_of(request: Request, cache: Path) -> Path:
    """Where the file lies in the cache, under the digest of its address, which may hold a secret a name may not."""
    return cache / "http" / hashlib.sha256(request.url.encode()).hexdigest()[:32] / f"file-{request.name}"


def revision(request: Request, context: SourceContext) -> str | None:
    """What the server calls the present version; of a file that is there already, what it was called then."""
    place = place_of(request, context.cache)
    kept = _note(place)
    if kept is not None and (context.offline or not context.refresh):
        return _revision(kept)
    if context.offline:
        raise _offline(request)
    with connect(request) as client:
        return with_retries(request, lambda: _revision(_version(client, request)))


def fetch(request: Request, context: SourceContext, *, again: bool = True) -> Download:
    """The file, complete and checked; from the cache where it is there, asked after when `context.refresh`.

    Raises RemoteError when the server cannot give it, DataError when it is too large or not what was pinned.
    """
    from filelock import FileLock

    place = place_of(request, context.cache)
    kept = _note(place)
    stale = kept is not None and request.sha256 is not None and _digest(place) != request.sha256
    if kept is None or ((stale or (context.refresh and again)) and not context.offline):
        if context.offline:
            raise _offline(request)
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.parent / "lock"), connect(request) as client:
            kept = _note(place)
            if kept is None or stale or context.refresh:
                kept = with_retries(request, lambda: _attempt(client, request, place, context.progress))
    if request.sha256 and (found := _digest(place)) != request.sha256:
        raise _differs(request, found, f"it was downloaded before, to {place}")
    if (size := place.stat().st_size) > request.limit:  # kept from a time when more was allowed
        raise _too_large(request, size)
    return Download(place, _revision(kept))


def _attempt(client: httpx.Client, request: Request, place: Path, told: Told) -> dict[str, Any]:
    """One request for what is missing of the file; returns the note of the complete file. `told` is how much of it is
    there."""
    part, part_note = place.with_name("part"), place.with_name("part.json")
    kept, begun = _note(place), _read_note(part_note)
    headers: dict[str, str] = {}
    if kept:
        headers |= {"If-None-Match": kept["etag"]} if kept["etag"] else {}
        headers |= {"If-Modified-Since": kept["modified"]} if kept["modified"] else {}
    elif begun and part.is_file() and (condition := _condition(begun)):
        headers |= {"Range": f"bytes={part.stat().st_size}-", "If-Range": condition}
    response = send(client, request, headers)
    try:
        if kept and response.status_code == 304:
            return kept
        start = _start(response, part)
        total = _total(response, start)
        if total is not None and total > request.limit:
            part.unlink(missing_ok=True)
            raise _too_large(request, total)
        note = begun if start and begun else _names(response)
        if start == 0:  # never the old bytes beside the name of the new version
            part.unlink(missing_ok=True)
            _write_note(part_note, note)
        _stream(response, part, start, request, lambda size: told(size, total))
        size = part.stat().st_size
        if total is not None and size != total:
            raise Again(f"the body ended after {size:,} of {total:,} bytes")
    finally:
        response.close()
    return _accept(request, place, part, {**note, "bytes": size})


def _stream(response: httpx.Response, part: Path, start: int, request: Request, told: Callable[[int], None]) -> None:
    size, began = start, time.monotonic()
    with part.open("r+b" if start else "wb") as stream:
        stream.seek(start)
        stream.truncate()
        for block in response.iter_raw():  # as they come: blocks of a size would hold back what came before a break
            size += len(block)
            if size > request.limit:
                stream.truncate(0)
                raise _too_large(request, size)
            stream.write(block)
            told(size)
            spent = time.monotonic() - began
            if spent > PATIENCE * request.timeout and size - start < SLOWEST * spent:
                raise Again(f"it gave {size - start:,} bytes in {spent:.0f} s")
        stream.flush()
        os.fsync(stream.fileno())


def _accept(request: Request, place: Path, part: Path, note: dict[str, Any]) -> dict[str, Any]:
    """Give the complete file its name; one that is not what was pinned is kept aside and not used."""
    if request.sha256:
        found = _digest(part)
        if found != request.sha256:
            aside = place.with_name(f"refused-{found[:12]}-{place.name}")
            part.replace(aside)
            raise _differs(request, found, f"what came is kept in {aside}")
    place.with_name("done.json").unlink(missing_ok=True)
    part.replace(place)
    _write_note(place.with_name("done.json"), note)
    place.with_name("part.json").unlink(missing_ok=True)
    return note


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _version(client: httpx.Client, request: Request) -> dict[str, Any]:
    """The version's names, from a GET that is hung up after its headers: many servers sign GET and refuse HEAD."""
    response = send(client, request, {})
    response.close()
    return _names(response)


def _names(response: httpx.Response) -> dict[str, Any]:
    return {"etag": response.headers.get("etag"), "modified": response.headers.get("last-modified")}


def _start(response: httpx.Response, part: Path) -> int:
    """Where in the file the body begins; whatever the server says that does not fit starts the file anew."""
    if response.status_code == 200:
        return 0
    match = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
    if response.status_code == 206 and match and part.is_file() and int(match[1]) == part.stat().st_size:
        return int(match[1])
    part.unlink(missing_ok=True)
    raise Again("it answered with another part of the file than was asked", 0.0)


def _total(response: httpx.Response, start: int) -> int | None:
    """Bytes of the whole file, as far as the server says."""
    length = response.headers.get("content-length", "")
    return start + int(length) if length.isdecimal() else None


def _condition(note: dict[str, Any]) -> str | None:
    """What a range may be asked on condition of: only a strong ETag, or a date, names exact bytes."""
    etag: str | None = note["etag"]
    modified: str | None = note["modified"]
    return etag if etag and not etag.startswith("W/") else modified


# --- notes ---------------------------------------------------------------------------------------------------------


def _note(place: Path) -> dict[str, Any] | None:
    """What is noted of a complete file, None where there is none."""
    note = _read_note(place.with_name("done.json"))
    return note if note and place.is_file() and place.stat().st_size == note["bytes"] else None


def _read_note(path: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except (FileNotFoundError, ValueError):
        return None


def _write_note(path: Path, note: dict[str, Any]) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(note), "utf-8")
    temporary.replace(path)


def _revision(note: dict[str, Any]) -> str | None:
    found: str | None = note["etag"] or note["modified"]
    return found


def _offline(request: Request) -> RemoteError:
    told = "it is not downloaded, and --offline forbids fetching it"
    return RemoteError(told, where=shown(request.url), hint=BRING)


def _too_large(request: Request, size: int) -> DataError:
    return DataError(
        f"the file is larger than max_bytes: {size:,} of {request.limit:,} allowed",
        where=shown(request.url),
        hint="raise max_bytes: if so much is meant",
    )


def _differs(request: Request, found: str, hint: str) -> DataError:
    return DataError(
        f"the checksum differs: expected sha256 {request.sha256}, found {found}", where=shown(request.url), hint=hint
    )
