"""Lengths of time as people write them."""

from __future__ import annotations

import re

from aiaas.errors import UsageError

_SPAN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LONGEST = 100 * 366 * 86_400


def seconds(text: str, where: str) -> float:
    """`90d`, `12h`, `30m` or `45s` in seconds. Raises UsageError."""
    found = _SPAN.fullmatch(text.strip())
    length = float(found[1]) * _SECONDS[found[2]] if found else -1.0
    if not 0 <= length <= LONGEST:
        raise UsageError("this is no length of time", where=where, hint="a number and s, m, h or d: 90d, 12h, 30m")
    return length
