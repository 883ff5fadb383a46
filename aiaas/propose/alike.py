"""How many of some texts are nearly equal to another one: they would stand in train and test."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

_SIMILARITY = 0.8
"""The share of their runs of characters that nearly equal texts have in common, as `inspect` has it."""
_MOST, _CUT = 8_000, 1_000
"""Texts that are compared, and characters of each: a matter of two seconds."""
_BATCH = 1_000
_FEWEST = 5
"""Texts that are no accident, were they nearly equal."""
ENOUGH = 0.02
"""The share from which on they are left out: where it is twice that, `inspect` may find so much of test in train that a
run stops."""


def share(texts: Sequence[str], rows: int) -> float:
    """The share of nearly equal texts among `rows`, of which these are some; equal ones count once, as one goes."""
    import numpy as np

    from aiaas.near import Sketcher, pairs

    texts = texts[:: len(texts) // _MOST + 1]
    different = list({" ".join(text.split())[:_CUT]: None for text in texts})
    if not different:
        return 0.0
    sketcher = Sketcher(_SIMILARITY)
    sketches = (sketcher.sketch(different[at : at + _BATCH]) for at in range(0, len(different), _BATCH))
    with tempfile.TemporaryDirectory(prefix="aiaas-") as scratch:
        later = [found["second"] for found in pairs(sketches, _SIMILARITY, Path(scratch))]
    found = len(np.unique(np.concatenate(later))) if later else 0
    if found < _FEWEST:
        return 0.0
    return min(1.0, found / len(different) * max(1.0, rows / len(texts)))
