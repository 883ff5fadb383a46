"""Vectors of texts on disk, found again by what was read: dear to compute, and the same whoever asks for them.

A folder of .npy files, none of which is ever changed: each appears whole, under a name that its content gives. So two
processes may add at once, a killed one leaves nothing half-written behind, and any file may vanish: what was in it is
computed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.workspace import atomic, keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEY = 16
"""Bytes of a key. Of a billion texts, two have the same one with a chance of 1 in 10^21."""

_NAME = 32


def key_of(text: str) -> bytes:
    """What a text is found by."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY).digest()


class VectorStore:
    """The vectors (size,) of texts that were read in one way, and of each whether its text was cut."""

    def __init__(self, folder: Path, way: Mapping[str, Any], size: int) -> None:
        """`way` is all that a vector depends on besides its text, as JSON; vectors of another way are not found."""
        self.size = size
        self.folder = folder / keys.digest_json({**way, "size": size})[:_NAME]
        self._row = np.dtype([("key", "u1", (KEY,)), ("cut", "?"), ("vector", "<f4", (size,))])

    def find(self, wanted: Mapping[bytes, int], vectors: NDArray[np.float32], cut: NDArray[np.bool_]) -> set[bytes]:
        """Put the vectors of the texts that are there into the rows of `vectors` (n, size) and `cut` (n,) that `wanted`
        says, and return their keys."""
        found: set[bytes] = set()
        for rows in self._files():
            content = np.ascontiguousarray(rows["key"]).tobytes()
            named = (content[start : start + KEY] for start in range(0, len(content), KEY))
            new = [(place, key) for place, key in enumerate(named) if key in wanted and key not in found]
            if not new:
                continue
            places, names = [place for place, _ in new], [key for _, key in new]
            targets = [wanted[key] for key in names]
            vectors[targets], cut[targets] = rows["vector"][places], rows["cut"][places]
            found.update(names)
        return found

    def add(self, names: Sequence[bytes], vectors: NDArray[np.float32], cut: NDArray[np.bool_]) -> None:
        """Keep the vectors (n, size) of the texts with these keys."""
        if not names:
            return
        rows = np.empty(len(names), self._row)
        rows["key"] = np.frombuffer(b"".join(names), np.uint8).reshape(-1, KEY)
        rows["cut"], rows["vector"] = cut, vectors
        name = hashlib.sha256(rows.tobytes()).hexdigest()[:_NAME]
        with atomic.open_new(self.folder / f"{name}.npy") as stream:
            np.save(stream, rows, allow_pickle=False)

    def _files(self) -> Iterator[NDArray[Any]]:
        """The rows of every file, mapped; one that is gone meanwhile, or was damaged, holds none."""
        for path in sorted(self.folder.glob("*.npy")):
            with suppress(OSError, ValueError, EOFError, SyntaxError):
                rows = np.load(path, mmap_mode="r", allow_pickle=False)
                if rows.dtype == self._row and rows.ndim == 1:
                    yield rows
