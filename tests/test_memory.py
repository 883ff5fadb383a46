"""memory: what a process may still take, on machines and in containers that a test lays out."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiaas.backends import memory
from aiaas.errors import TrainingError

GB = 1024**3


def lay(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


MACHINE = {"proc/meminfo": f"MemTotal: {32 * GB // 1024} kB\nMemAvailable: {8 * GB // 1024} kB\nHugePages_Total: 0\n"}
V2 = {"proc/self/cgroup": "0::/user/work\n", "sys/fs/cgroup/user/work/memory.max": "max\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({}, None, id="a system that does not tell"),
        pytest.param(MACHINE, 8 * GB, id="no control groups"),
        pytest.param(MACHINE | V2, 8 * GB, id="a group without a limit"),
        pytest.param(
            MACHINE
            | V2
            | {
                "sys/fs/cgroup/user/memory.max": f"{2 * GB}\n",
                "sys/fs/cgroup/user/memory.current": f"{GB}\n",
                "sys/fs/cgroup/user/memory.stat": f"anon 5\ninactive_file {GB // 2}\n",
            },
            3 * GB // 2,
            id="the group above has one, and half of what is used is cache",
        ),
        pytest.param(
            MACHINE
            | {
                "proc/self/cgroup": "0::/host/docker/abc\n",
                "sys/fs/cgroup/memory.max": f"{3 * GB}\n",
                "sys/fs/cgroup/memory.current": f"{GB}\n",
            },
            2 * GB,
            id="a container that sees the path of the host",
        ),
        pytest.param(
            MACHINE
            | {
                "proc/self/cgroup": "5:cpu,memory:/docker\n1:pids:/docker\n",
                "sys/fs/cgroup/memory/docker/memory.limit_in_bytes": f"{GB}\n",
                "sys/fs/cgroup/memory/docker/memory.usage_in_bytes": f"{GB}\n",
                "sys/fs/cgroup/memory/docker/memory.stat": f"total_inactive_file {GB // 4}\n",
            },
            GB // 4,
            id="version 1",
        ),
        pytest.param(
            MACHINE
            | V2
            | {"sys/fs/cgroup/user/work/memory.max": "5\n", "sys/fs/cgroup/user/work/memory.current": "9\n"},
            0,
            id="more used than allowed",
        ),
    ],
)
def test_available(files: dict[str, str], expected: int | None, tmp_path: Path) -> None:
    assert memory.available(lay(tmp_path, files)) == expected


def test_this_machine_tells() -> None:
    free = memory.available()
    assert free is not None
    assert 1 << 20 < free < 1 << 60


def test_what_fits_is_let_through_and_what_does_not_is_said_with_both_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 2_000_000_000)
    memory.check(2_000_000_000, "training this network", "lower train.batch_size")
    with pytest.raises(TrainingError) as refused:
        memory.check(64_250_000_000, "training this network", "lower train.batch_size")
    assert refused.value.message == "training this network needs about 64.2 GB of memory, and 2.0 GB are free"
    assert refused.value.hint == "lower train.batch_size"


def test_where_the_system_does_not_tell_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: None)
    memory.check(1 << 62, "training this network", "lower train.batch_size")


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 KB"), (10**15, "1000.0 TB")]
)
def test_readable(size: int, text: str) -> None:
    assert memory.readable(size) == text
