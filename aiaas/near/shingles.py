"""What two texts are compared by: the runs of a few characters or words in them, as 32-bit hashes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Unit = Literal["character", "word"]
SIZES: dict[Unit, tuple[int, int]] = {"character": (3, 5), "word": (3, 2)}
"""How many units make a shingle: of a text mostly in Chinese, Japanese or Korean, and of any other."""

_PRIME = np.uint64(0x9E3779B97F4A7C15)
_SPACE, _SIGN, _LETTER, _ALONE = range(4)


def shingles(texts: Sequence[str], unit: Unit, size: int | None) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The distinct shingles of each text (n), ascending, one text after the other, and how many each has (n,).

    Case and white space do not count; with `word`, signs do not either, and a Chinese character is a word. A text of
    fewer units than a shingle has is one shingle. `size` None: see `SIZES`.
    """
    lowered = [text.lower() for text in texts]
    codes = np.frombuffer("".join(lowered).encode("utf-32-le", "surrogatepass"), "<u4")
    ends = np.cumsum(np.fromiter(map(len, lowered), np.int64, len(lowered)))
    kinds = _kinds()[np.minimum(codes, 0xFFFF)]
    units, ends, sizes = _units(codes, kinds, ends, unit, size)
    hashes, owners = _runs(units, ends, sizes)
    both = np.sort(owners << np.uint64(32) | hashes)
    distinct = both[np.diff(both, prepend=np.uint64(2**64 - 1)) != 0]
    counts = np.bincount((distinct >> np.uint64(32)).astype(np.int64), minlength=len(texts))
    return distinct.astype(np.uint32), counts


@cache
def _kinds() -> NDArray[np.uint8]:
    """What each character of Unicode's first plane is; those of the others count as the last of it: a word alone."""
    kinds = np.array([_LETTER if chr(code).isalnum() else _SIGN for code in range(0x10000)], np.uint8)
    kinds[[code for code in range(0x10000) if chr(code).isspace()]] = _SPACE
    for low, high in ((0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF)):
        kinds[low : high + 1] = _ALONE
    kinds[0xFFFF] = _ALONE
    return kinds


def _units(
    codes: NDArray[np.uint32], kinds: NDArray[np.uint8], ends: NDArray[np.int64], unit: Unit, size: int | None
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """The hash of each unit of all texts, where those of each text end, and how many make a shingle of it."""
    alone = _upto(kinds == _ALONE, ends)
    counted = _upto(kinds >= _LETTER, ends)
    asian, other = SIZES[unit]
    sizes = np.where(2 * alone >= counted, asian, other) if size is None else np.full(len(ends), size)
    if unit == "character":
        written = kinds != _SPACE
        return codes[written].astype(np.uint64), np.cumsum(_upto(written, ends)), sizes
    before = np.concatenate(([_SPACE], kinds[:-1])) if len(kinds) else kinds
    before[ends[ends < len(kinds)]] = _SPACE  # no word goes on in the next text
    begins = (kinds == _ALONE) | ((kinds == _LETTER) & (before != _LETTER))
    return _words(np.where(kinds >= _LETTER, codes, 0), begins), np.cumsum(_upto(begins, ends)), sizes


def _words(codes: NDArray[np.uint32], begins: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """The hash of each word: the sum of its characters, each times a power that says where in the word it stands.
    What stands between words is 0."""
    starts = np.flatnonzero(begins)
    if not len(starts):
        return np.empty(0, np.uint64)
    place = np.arange(len(codes)) - starts[np.maximum(np.cumsum(begins) - 1, 0)]
    powers = np.full(int(place.max()) + 1, _PRIME, np.uint64).cumprod(dtype=np.uint64)
    return np.asarray(np.add.reduceat(codes * powers[np.maximum(place, 0)], starts), np.uint64)


def _upto(mask: NDArray[np.bool_], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often `mask` is true in each text."""
    running = np.concatenate(([0], np.cumsum(mask)))
    return np.diff(running[ends], prepend=0)


def _runs(
    units: NDArray[np.uint64], ends: NDArray[np.int64], sizes: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The 32-bit hash of every shingle, and the number of the text that it stands in."""
    counts = np.diff(ends, prepend=0)
    owners = np.repeat(np.arange(len(ends)), counts)
    size = np.minimum(sizes, counts)[owners]
    whole = np.arange(len(units)) + size <= ends[owners]
    rolling = np.zeros(len(units), np.uint64)
    found = np.zeros(len(units), np.uint64)
    for length in range(1, int(size.max(initial=0)) + 1):
        rolling *= _PRIME
        rolling[: len(units) - length + 1] += units[length - 1 :]
        found = np.where(size == length, rolling, found)
    return mixed(found[whole]) >> np.uint64(32), owners[whole].astype(np.uint64)


def mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele, Lea and Flood, 2014): every bit depends on every bit."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)), np.uint64)
