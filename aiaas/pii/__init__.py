"""Personal data in texts: found, validated by their checksums, told by their places.

    Finder().find(["打 138 0013 8000"])  ->  [Found(text=0, start=2, end=15, kind="mobile")]

A batch is searched as one text. A few passes over it find the places where anything can be (`seek`); only there are the
exact patterns tried (`numbers`, `network`, …). What stands beside a number decides where the number alone cannot tell
(`contexts`). Every pattern is linear in the length of a text: a request may be hostile.
"""

from aiaas.pii.finder import KINDS, REGIONS, Finder, Found

__all__ = ["KINDS", "REGIONS", "Finder", "Found"]
