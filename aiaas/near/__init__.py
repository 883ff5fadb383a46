"""Texts that are nearly equal, found among millions without comparing each with each: MinHash and locality-sensitive
hashing (Broder, 1997; Indyk and Motwani, 1998), then the exact similarity of what was found.

    sketches = [sketcher.sketch(texts) for texts in batches]   # in any process
    for found in pairs(sketches, sketcher.threshold, scratch):
        found["first"], found["second"], found["similarity"]
"""

from aiaas.near.search import pairs
from aiaas.near.sketches import Sketcher

__all__ = ["Sketcher", "pairs"]
