"""Lists and fetches the files of a store through fsspec. What the store said is noted in the cache, each file lies
there under the digest of its address and version, and a call that is not answered in time is given up."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from aiaas.contracts import SourceContext
from aiaas.errors import DataError, MissingPackageError, RemoteError, first_line
from aiaas.sources import _found
from aiaas.sources._patience import ELSEWHERE, Wanted, shown, too_large, tried, within

_BLOCK = 2**20
"""Bytes that are asked for at once. Some file systems fetch 50 MiB by themselves, and an answer has to come in time: a
slow line would be taken for silence."""
_CALLS = 10  # what a listing may take, in single answers
_VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "crc32c", "checksum", "sha", "generation", "version_id")
_TIMES = ("LastModified", "last_modified", "mtime", "modified", "updated", "modify", "created")
_SECRET = re.compile(r"key|secret|token|pass|cred|sas|auth|session", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a store: its path there, its address as a person knows it, bytes, version, and its class folder."""

    path: str
    shown: str
    size: int | None
    version: str
    label: str | None = None


def listing(wanted: Wanted, context: SourceContext) -> list[Entry]:
    """The files that the address means, sorted by name: as noted, or asked now and noted. Raises DataError where there
    is none, RemoteError where the store does not answer, MissingPackageError where its file system is not installed."""
    note = _note(wanted, context)
    if note.is_file() and (context.offline or not context.refresh):
        try:
            return [Entry(**entry) for entry in json.loads(note.read_text("utf-8"))]
        except (ValueError, TypeError):
            pass  # half a note is none
    if context.offline:
        message = "the store was not asked before, and --offline forbids asking it"
        raise RemoteError(message, where=shown(wanted.url), hint=ELSEWHERE)
    entries = tried(wanted, partial(within, wanted, partial(_ask, wanted), calls=_CALLS))
    _write(note, json.dumps([asdict(entry) for entry in entries]).encode())
    return entries


def place(wanted: Wanted, entry: Entry, context: SourceContext) -> Path:
    """Where a file lies in the cache once it is fetched."""
    named = hashlib.sha256(f"{_asked(wanted)}\0{entry.path}\0{entry.version}".encode()).hexdigest()[:32]
    return context.cache / "remote" / named / PurePosixPath(entry.path).name[-100:]


def fetch(wanted: Wanted, entries: Sequence[Entry], context: SourceContext) -> None:
    """Bring the files into the cache that are not there. Raises as `listing` does."""
    total = sum(entry.size or 0 for entry in entries)
    if total > wanted.limit:
        raise too_large(wanted, total)
    missing = [entry for entry in entries if not place(wanted, entry, context).is_file()]
    if missing and context.offline:
        raise RemoteError("it is not fetched, and --offline forbids it", where=missing[0].shown, hint=ELSEWHERE)
    done = 0
    for entry in missing:
        path = place(wanted, entry, context)
        path.parent.mkdir(parents=True, exist_ok=True)
        done += tried(
            wanted, partial(_bring, wanted, entry, path, done, lambda size: context.progress(size, total or None))
        )


# --- the store -----------------------------------------------------------------------------------------------------


def _ask(wanted: Wanted) -> list[Entry]:
    system, path = _system(wanted)

    def entry(info: Mapping[str, Any], label: str | None = None) -> Entry:
        return Entry(str(info["name"]), _address(wanted.url, info["name"]), info.get("size"), _version(info), label)

    if any(sign in path for sign in "*?["):
        found = system.glob(path, detail=True)
        entries = [entry(info) for info in found.values() if info["type"] == "file"]
        if not entries:
            raise DataError("no file matches the pattern", where=shown(wanted.url), hint=_near(system, path))
        return sorted(entries, key=lambda each: each.path)
    try:
        info = system.info(path)
    except FileNotFoundError as error:
        raise DataError("there is no such file", where=shown(wanted.url), hint=_near(system, path)) from error
    if info["type"] == "file":
        return [entry(info)]
    return _class_folders(system, path, wanted, entry)


def _address(url: str, name: Any) -> str:
    """A file of the store as a person knows it; some name it with the host or bucket, some without."""
    scheme, _, rest = shown(url).partition("://")
    host, path = rest.partition("/")[0], str(name).lstrip("/")
    return f"{scheme}://{path}" if path.startswith(f"{host}/") else f"{scheme}://{host}/{path}"


def _class_folders(system: Any, path: str, wanted: Wanted, entry: Callable[..., Entry]) -> list[Entry]:
    root = str(system.info(path)["name"]).rstrip("/")
    entries = []
    for name, info in sorted(system.find(root, detail=True).items()):
        parts = PurePosixPath(name.removeprefix(root).lstrip("/")).parts
        if len(parts) > 1 and not any(part.startswith(".") for part in parts):
            entries.append(entry(info, parts[0]))
    if not entries:
        hint = _found.CLASS_FOLDER_HINT.format(shown(wanted.url).rstrip("/"))
        raise DataError("it is a folder without sub-folders that hold files", where=shown(wanted.url), hint=hint)
    return entries


def _near(system: Any, path: str) -> str:
    """The names that stand where the path stops existing."""
    parent = path.rpartition("/")[0]
    try:
        names = sorted(PurePosixPath(str(name)).name for name in system.ls(parent, detail=False))
    except Exception:  # a hint is not worth a second failure
        return "check the bucket and the path"
    return f"there is in {parent or '/'}: {_found.listing(names)}" if names else f"there is nothing in {parent or '/'}"


def _version(info: Mapping[str, Any]) -> str:
    """What the store calls this version of a file: a name of its bytes where it gives one, else size and time."""
    for name in _VERSIONS:
        if info.get(name):
            return str(info[name]).strip('"')
    when = next((str(info[name]) for name in _TIMES if info.get(name)), "")
    return f"{info.get('size')} bytes, {when}" if when else f"{info.get('size')} bytes"


def _bring(wanted: Wanted, entry: Entry, path: Path, before: int, told: Callable[[int], None]) -> int:
    """One file, whole or not at all; returns its bytes. `told` is how many there are with those `before` it."""
    system, _ = _system(wanted)
    part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    size = 0
    try:
        opened = within(wanted, partial(system.open, entry.path, "rb", block_size=_BLOCK))
        with opened as stream, part.open("xb") as out:
            while block := within(wanted, partial(stream.read, _BLOCK)):
                size += len(block)
                if before + size > wanted.limit:
                    raise too_large(wanted, before + size)
                out.write(block)
                told(before + size)
            out.flush()
            os.fsync(out.fileno())
        if entry.size is not None and size != entry.size:
            raise RemoteError(
                f"the store gave {size:,} bytes of a file that it says has {entry.size:,}",
                where=entry.shown,
                hint="it may have changed: run the same command with --refresh",
            )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return size


def _system(wanted: Wanted) -> tuple[Any, str]:
    """The file system and the path in it."""
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(wanted.url, **{**_patience(wanted), **wanted.options})
    except ImportError as error:
        package = _package(first_line(error))
        message = f"{wanted.url.partition(':')[0]}:// needs a package that is not installed"
        raise MissingPackageError(message, where=shown(wanted.url), hint=f"pip install {package}") from error
    return system, str(path)


def _package(told: str) -> str:
    """The package that fsspec names: "Install s3fs to access S3"."""
    words = told.replace('"', " ").split()
    lower = [word.lower() for word in words]
    return (
        words[lower.index("install") + 1].strip("`'.,:") if "install" in lower[:-1] else "the package it names: " + told
    )


def _patience(wanted: Wanted) -> dict[str, Any]:
    """How long the file systems that can be told are to wait."""
    scheme = wanted.url.partition(":")[0]
    if scheme in ("s3", "s3a"):
        waits = {"connect_timeout": wanted.timeout, "read_timeout": wanted.timeout, "retries": {"max_attempts": 1}}
        return {"config_kwargs": waits, "use_listings_cache": False}
    return {"timeout": wanted.timeout} if scheme in ("ftp", "sftp", "ssh", "gs", "gcs") else {}


# --- notes ---------------------------------------------------------------------------------------------------------


def _note(wanted: Wanted, context: SourceContext) -> Path:
    named = hashlib.sha256(_asked(wanted).encode()).hexdigest()[:32]
    return context.cache / "remote" / f"{named}.json"


def _asked(wanted: Wanted) -> str:
    """What makes two questions one: the address, and of which store, as the options say. Credentials do not: a new
    token opens the same files, and no name is to be made of it."""
    options = {name: value for name, value in wanted.options.items() if not _SECRET.search(name)}
    return json.dumps([wanted.url, options], sort_keys=True, default=str)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    temporary.write_bytes(data)
    temporary.replace(path)
