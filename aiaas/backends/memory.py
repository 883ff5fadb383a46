"""How much memory there is, asked before anything large is begun."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aiaas.errors import TrainingError

_UNITS = ("bytes", "KB", "MB", "GB", "TB")


def check(estimate: int, what: str, hint: str, free: int | None = None) -> None:
    """Raise TrainingError when `what` needs about `estimate` bytes and there are not so many.

    `what` is the subject of the sentence, such as "training this network"; `hint` says what would need less; `free` is
    what there is where it is not this machine's memory but that of a GPU.
    """
    free = available() if free is None else free
    if free is not None and estimate > free:
        raise TrainingError(
            f"{what} needs about {readable(estimate)} of memory, and {readable(free)} are free", hint=hint
        )


def available(root: Path = Path("/")) -> int | None:
    """Bytes that this process may still take without swapping: what the machine has free, or less where a control group
    (a container, a systemd unit) has a limit. None where the system does not tell. `root` is for tests."""
    known = [free for free in (_machine(root), *_groups(root)) if free is not None]
    return max(0, min(known)) if known else None


def readable(size: int) -> str:
    """A number of bytes as a person reads it: 1500000000 is 1.5 GB."""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{size} bytes"


def _machine(root: Path) -> int | None:
    """MemAvailable: free, or held by caches that give way."""
    return _fields(root / "proc/meminfo").get("MemAvailable:")


def _groups(root: Path) -> Iterator[int | None]:
    """What is left in each control group with a limit that this process is in, from its own up to the topmost."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, place = line.split(":", 2)
        if controllers == "":  # version 2
            top, limit, usage, idle = root / "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):  # version 1
            top = root / "sys/fs/cgroup/memory"
            limit, usage, idle = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
        else:
            continue
        # Within a container the path may be that of the host; then the container's own group is mounted at the top.
        parts = Path(place.lstrip("/")).parts
        for depth in range(len(parts), -1, -1):
            group = top.joinpath(*parts[:depth])
            allowed, used = _number(group / limit), _number(group / usage)
            if allowed is not None and used is not None:
                yield allowed - used + _fields(group / "memory.stat").get(idle, 0)


def _fields(path: Path) -> dict[str, int]:
    """Lines of a name, a number, and perhaps kB."""
    words = (line.split() for line in _text(path).splitlines())
    return {each[0]: int(each[1]) * (1024 if each[2:] == ["kB"] else 1) for each in words if len(each) > 1}


def _number(path: Path) -> int | None:
    """The number in the file; None where there is no file or it says that there is no limit."""
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""
