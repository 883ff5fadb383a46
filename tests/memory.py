"""What processes take of the machine."""

from __future__ import annotations

import re
from pathlib import Path

_PSS = re.compile(r"^Pss: +(\d+) kB$", re.MULTILINE)


def pss(pid: int) -> float:
    """MB of the process, of what it shares with others its part; 0 where it is gone."""
    try:
        found = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8"))
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0
