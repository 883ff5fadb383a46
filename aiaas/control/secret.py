"""What a key looks like, and how it is told from a false one.

A key is `aiaas_` + 10 letters and digits that name it + `_` + 256 random bits. What is stored is the name and the
HMAC-SHA256 of the whole under a secret of the service, which is not in the database: who reads the one, or can write
to it, still cannot make a key. The bits are random, so a slow hash would protect nothing more.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from aiaas import environment
from aiaas.errors import DataError, SecretError
from aiaas.workspace import atomic

VARIABLE = "AIAAS_KEY_SECRET"
"""Holds the secret where several machines share a database; else it is a file of the workspace."""
SHORTEST = 32
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_NAME = "[a-z2-7]{10}"
_KEY = re.compile(rf"aiaas_({_NAME})_[A-Za-z0-9_-]{{43}}")


def new_key() -> tuple[str, str]:
    """The name of a new key, and the key itself."""
    name = "".join(secrets.choice(_ALPHABET) for _ in range(10))
    return name, f"aiaas_{name}_{secrets.token_urlsafe(32)}"


def name_of(key: str) -> str | None:
    """The public part of what looks like a key."""
    found = _KEY.fullmatch(key)
    return found[1] if found else None


def is_name(text: str) -> bool:
    """Whether a key can be named like that: what is not need not be looked for."""
    return re.fullmatch(_NAME, text) is not None


def digest(secret: bytes, key: str) -> bytes:
    return hmac.digest(secret, key.encode(), "sha256")


def mark(secret: bytes) -> str:
    """What tells one secret from another, and nothing else of it."""
    return hmac.digest(secret, b"mark", hashlib.sha256).hex()[:16]


def read(folder: Path) -> bytes:
    """The secret of the service: `VARIABLE`, or the file `secret` in `folder`, which is made when it is not there."""
    given = os.environ.get(VARIABLE)
    if given is not None:
        if len(given) < SHORTEST:
            raise SecretError(
                f"{VARIABLE} has fewer than {SHORTEST} characters",
                where=VARIABLE,
                hint="openssl rand -hex 32 makes one",
            )
        environment.remember(VARIABLE, given)
        return given.encode()
    path = folder / "secret"
    if not path.exists():
        _make(path)
    text = path.read_bytes().strip()
    if len(text) < SHORTEST:
        raise DataError("the secret of the keys is cut short", where=str(path), hint="restore it from a copy")
    return text


def _make(path: Path) -> None:
    """Write a new secret, unless another process was faster: a link never replaces what is there."""
    draft = path.with_name(f".secret.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with atomic.disk_errors(path), os.fdopen(_private(draft), "wb") as stream:
            stream.write(secrets.token_hex(32).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
        atomic.sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
