"""Which contents there are among all rows, in two bytes a row (Bloom, 1970)."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from aiaas.contracts import Batch
from aiaas.steps._content import SIZE, digests

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BITS = 16
_HASHES = 6  # with 16 bits a row one content in 1,000 seems to be there that is not


def contents(batch: Batch, columns: Sequence[str]) -> NDArray[np.uint64]:
    """64 bits of what stands in each row (n,)."""
    import numpy as np

    return np.frombuffer(digests(batch, columns), dtype="<u8").reshape(-1, SIZE // 8)[:, 0]


class Filter:
    """Knows every content that it was made of, and hardly any other."""

    def __init__(self, packed: NDArray[np.uint8]) -> None:
        self._packed = packed

    @classmethod
    def of(cls, pieces: Iterable[NDArray[np.uint64]]) -> Filter:
        """Of the contents in all pieces, which are gone through twice."""
        import numpy as np

        size = max(64, _BITS * sum(map(len, pieces)))
        bits = np.zeros(-(-size // 8), np.uint8)
        for piece in pieces:
            for places in _places(piece, 8 * len(bits)):
                np.bitwise_or.at(bits, places >> 3, np.uint8(1) << (places & 7).astype(np.uint8))
        return cls(bits)

    def holds(self, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether each of the contents is there (n,)."""
        import numpy as np

        found = np.ones(len(keys), np.bool_)
        for places in _places(keys, 8 * len(self._packed)):
            found &= (self._packed[places >> 3] >> (places & 7).astype(np.uint8)) & np.uint8(1) > 0
        return found

    def written(self) -> str:
        """As text, for JSON; `read` takes it back."""
        return base64.b64encode(self._packed.tobytes()).decode()

    @classmethod
    def read(cls, text: str) -> Filter:
        return cls(_packed(text))


@lru_cache(maxsize=1)
def _packed(text: str) -> NDArray[np.uint8]:
    """What `written` gave, as bytes: read once, however many segments a process takes up that need it."""
    import numpy as np

    return np.frombuffer(base64.b64decode(text), np.uint8)


def _places(keys: NDArray[np.uint64], size: int) -> Iterable[NDArray[np.int64]]:
    """The bits of each content, one of each hash at a time: two hashes make all (Kirsch and Mitzenmacher, 2006)."""
    import numpy as np

    from aiaas.near.shingles import mixed

    step = mixed(keys) | np.uint64(1)
    for number in range(_HASHES):
        yield ((keys + np.uint64(number) * step) % np.uint64(size)).astype(np.int64)
