"""What is put in place of personal data: a placeholder, a keyed token, a made-up value."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Literal

from aiaas.errors import SecretError
from aiaas.pii.canonical import canonical

Action = Literal["mask", "hash", "fake", "drop"]
Replace = Callable[[str], str]
"""A value, as it stands in a text → what stands there instead."""

SHORTEST = 16
"""Characters of a key: one that can be guessed makes tokens that can be undone by trying."""
_LETTERS = "abcdefghijklmnop"
_LENGTH = 12  # letters of a token, 48 bits: among a million values two share one with a chance of 1 in 500


class Key:
    """A secret by which values become tokens. It is held in memory alone."""

    def __init__(self, secret: str, where: str) -> None:
        if len(secret) < SHORTEST:
            raise SecretError(
                f"is a key of {len(secret)} characters; {SHORTEST} at least are needed, or its tokens can be undone by "
                "trying",
                where=where,
                hint="openssl rand -hex 32",
            )
        self._secret = secret.encode("utf-8", "surrogateescape")

    def digest(self, kind: str, value: str) -> bytes:
        """32 bytes that are equal where kind and value are."""
        message = f"{kind}\0{value}".encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, message, hashlib.sha256).digest()

    def check(self) -> str:
        """What tells that another key is not this one, and nothing else of it."""
        return self.digest("check", "").hex()[:8]


def token(key: Key, kind: str, value: str) -> str:
    """Letters that are equal for equal values; no digits, which might be taken for a number again."""
    digest = key.digest(kind, canonical(kind, value))
    return "".join(_LETTERS[byte & 15] for byte in digest[:_LENGTH])


def replacements(
    actions: Mapping[str, Action], placeholder: str, hashed: str, key: Key | None, locale: str | None
) -> dict[str, Replace]:
    """For each kind what is put in place of its values; `drop` leaves a placeholder where a row cannot go."""
    made: dict[str, Replace] = {}
    for kind, action in actions.items():
        if action in ("mask", "drop"):
            made[kind] = _mask(_fill(placeholder, kind))
        elif action == "hash":
            assert key is not None, "the parameters insist on it"
            made[kind] = _hash(_fill(hashed, kind), kind, key)
        else:
            from aiaas.steps._pii_fakes import Fakes

            assert key is not None, "the parameters insist on it"
            made[kind] = Fakes(kind, key, locale)
    return made


def _fill(pattern: str, kind: str) -> str:
    return pattern.replace("{KIND}", kind.upper()).replace("{kind}", kind)


def _mask(placeholder: str) -> Replace:
    return lambda value: placeholder


def _hash(pattern: str, kind: str, key: Key) -> Replace:
    return lambda value: pattern.replace("{hash}", token(key, kind, value))
