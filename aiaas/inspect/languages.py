"""What languages the texts of a sample are in."""

from __future__ import annotations

from collections import Counter

from aiaas import languages
from aiaas.inspect.sample import Sample

ROWS = 2_000
"""Texts that are asked; the share of a language is then known to two points."""
UNSURE = "unsure"
_SURE = 0.5


def of(sample: Sample, names: list[str]) -> tuple[dict[str, float], int]:
    """The share of each language, as ISO 639 codes, the largest first, and of how many texts. Raises
    MissingPackageError where a text needs the model of languages and it is not installed."""
    rows = range(0, len(sample), -(-len(sample) // ROWS) or 1)
    found = languages.detect([sample.text(row, names) for row in rows])
    counts = Counter(UNSURE if code == languages.UNKNOWN or sure < _SURE else code for code, sure in found)
    return {code: round(count / len(rows), 4) for code, count in counts.most_common()}, len(rows)
