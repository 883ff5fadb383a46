"""When two rows are the same: digests of what stands in their columns."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b, sha256
from typing import Any

from aiaas.contracts import Batch

SIZE = 16
"""Bytes of a digest: among 2**32 rows two unequal ones share theirs with a chance of 1 in 10**19."""

_SHOWN = 80


def digests(batch: Batch, columns: Sequence[str]) -> bytes:
    """The digests of the rows, `SIZE` bytes each, one after the other; equal values in `columns`, equal digests."""
    if len(columns) == 1:
        return b"".join([blake2b(_bytes(value), digest_size=SIZE).digest() for value in batch[columns[0]]])
    rows = zip(*(batch[name] for name in columns), strict=True)
    return b"".join([blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=SIZE).digest() for row in rows])


def fingerprints(batch: Batch, columns: Sequence[str]) -> bytes:
    """Digests that are made in a quarter of the time, for whom nobody can trick: who wants a row to be taken for
    another may as well write what stands in the other. 128 bits of XXH3, whose values are fixed for good."""
    from xxhash import xxh3_128_digest

    if len(columns) == 1:
        values = batch[columns[0]]
        if set(map(type, values)) == {str}:
            with suppress(UnicodeEncodeError):  # half a surrogate pair; the bytes are the same in any case
                return b"".join(map(xxh3_128_digest, map(str.encode, values)))
        return b"".join([xxh3_128_digest(_bytes(value)) for value in values])
    rows = zip(*(batch[name] for name in columns), strict=True)
    return b"".join([xxh3_128_digest(repr(row).encode("utf-8", "surrogatepass")) for row in rows])


def _bytes(value: object) -> bytes:
    # No UTF-8 text starts with 0xff or 0xfe, so that no text is equal to what is none, nor a file to either.
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return b"\xfe" + value if isinstance(value, bytes) else b"\xff" + repr(value).encode()


def told(value: object) -> str:
    """A value in a message: a file by its size and digest, which nobody wants to read."""
    if isinstance(value, bytes):
        return f"a file of {len(value):,} bytes, sha256 {sha256(value).hexdigest()[:12]}…"
    return str(value)


KEPT = 4096
"""Characters that are kept of a text to be shown: more than are, since what protects must see a value whole."""


def shortened(value: object, most: int = _SHOWN) -> Any:
    """A value in a report: numbers as they are, anything else as a text of `most` characters."""
    if value is None or isinstance(value, int | float):
        return value
    text = told(value) if isinstance(value, str | bytes) else repr(value)
    return text if len(text) <= most else f"{text[:most]}…"
