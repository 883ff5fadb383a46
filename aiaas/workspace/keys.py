"""Content keys: what decides whether two things are the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any


def digest_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """sha256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no white space: equal values, equal bytes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest_json(value: Any) -> str:
    return digest_bytes(canonical(value))


def digest_files(folder: Path, names: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
    """`{relative name: {"bytes": …, "sha256": …}}` of every file below `folder`, sorted by name."""
    chosen = names if names is not None else (str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    return {
        name: {"bytes": (folder / name).stat().st_size, "sha256": digest_file(folder / name)} for name in sorted(chosen)
    }


@cache
def digest_code(*places: str | Path) -> str:
    """Digest of source files, templates among them. A place is a module or a folder of the package, as `train` or
    `sources`, or the path of a plug-in's file or folder."""
    package = Path(__file__).parent.parent
    found = {}
    for place in places:
        where = package / place
        where = where if where.is_dir() else where.with_suffix(".py")
        inside = (each for each in where.rglob("*") if each.suffix in (".py", ".j2"))
        for file in sorted(inside) if where.is_dir() else [where]:
            found[file.relative_to(where.parent).as_posix()] = digest_file(file)
    return digest_json(found)[:16]
