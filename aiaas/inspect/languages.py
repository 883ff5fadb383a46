"""What languages the texts of a sample are in, as far as their script tells."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from aiaas.inspect.sample import Sample

_SCRIPTS = {
    "Latin": ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F)),
    "Greek": ((0x370, 0x3FF),),
    "Cyrillic": ((0x400, 0x52F),),
    "Hebrew": ((0x590, 0x5FF),),
    "Arabic": ((0x600, 0x6FF), (0x750, 0x77F)),
    "Devanagari": ((0x900, 0x97F),),
    "Thai": ((0xE00, 0xE7F),),
    "Japanese": ((0x3040, 0x30FF),),
    "Chinese": ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF)),
    "Korean": ((0x1100, 0x11FF), (0xAC00, 0xD7AF)),
}
_WIDE = 3
"""A Chinese character or a Korean syllable says as much as so many letters."""
_KANA = 0.1
"""The share of kana from which on a text with Chinese characters is Japanese."""


def of(sample: Sample, names: list[str]) -> dict[str, float]:
    """The share of the texts in each, the largest first; texts without a letter are of none."""
    found = Counter(_script(sample.text(row, names)) for row in range(len(sample)))
    return {name: round(count / found.total(), 4) for name, count in found.most_common()}


def _script(text: str) -> str:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    counts = {name: _inside(codes, ranges) for name, ranges in _SCRIPTS.items()}
    kana, han = counts["Japanese"], counts["Chinese"]
    if kana and kana >= _KANA * (kana + han):
        return "Japanese"
    weighed = {name: count * (_WIDE if name in ("Chinese", "Korean") else 1) for name, count in counts.items()}
    best = max(weighed, key=weighed.__getitem__)
    return best if weighed[best] else "no letters"


def _inside(codes: NDArray[np.uint32], ranges: tuple[tuple[int, int], ...]) -> int:
    return sum(int(((codes >= low) & (codes <= high)).sum()) for low, high in ranges)
