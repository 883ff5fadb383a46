"""A page followed word for word: its files written, its commands typed, what they print held against what it says.

Three things are not as printed: the port, so that tests may run side by side; the key of a service, which is new each
time; and nothing is sent to MLflow, which has tests of its own.
"""

from __future__ import annotations

import math
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"([^\n]*)\n\n```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CALLED = re.compile(r"`([\w.-]+\.(?:yaml|py|toml))`.*[:：]$")
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
NUMBER = r"\d+\.\d+"
END = "--- end of a command ---"
SHELL = """\
aiaas() { python -m aiaas "$@"; }
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
"""
UNTRACKED = re.compile(r"warning: tracking: sending is switched off.*\n(?:  .*\n)*")
READY = "for _ in $(seq 600); do grep -q '^key:' served.txt && break; sleep 0.1; done; cat served.txt"
KEY = "$(sed -n 's/^key: *\\([^ ]*\\).*/\\1/p' served.txt)"


@dataclass(frozen=True, slots=True)
class Step:
    """A command with what the page says it prints, or a file with what is in it."""

    typed: str
    says: str
    file: str = ""


def steps(page: Path) -> Iterator[Step]:
    """What a reader does, in order. Another block is a file where the line above names one and ends in a colon."""
    for above, language, block in BLOCK.findall(page.read_text("utf-8")):
        if language == "console":
            for typed, says in COMMAND.findall(block):
                yield Step(typed, says)
        elif named := CALLED.search(above):
            yield Step(f"cat > {named[1]} <<'{END}'\n{block}{END}", "", named[1])


def follow(page: Path, folder: Path) -> list[tuple[Step, str]]:
    """Every step with what it printed on stdout and stderr, all in one shell that begins in `folder`."""
    done = list(steps(page))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = SHELL + "".join(f"{as_typed(step.typed, port)}\necho {shlex.quote(END)}\n" for step in done)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "AIAAS_TRACKING": "off",
        "PYTHONUTF8": "1",
    }
    ran = subprocess.run(
        ["bash"], input=script, cwd=folder, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=400, check=False,
    )  # fmt: skip
    printed = UNTRACKED.sub("", ran.stdout).replace(f"127.0.0.1:{port}", "127.0.0.1:8000").split(f"{END}\n")
    return list(zip(done, printed, strict=False))


def as_typed(command: str, port: int) -> str:
    """The command as it is run: a service goes on beside it, and its key is the one that it made."""
    command = command.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    if command.startswith("aiaas serve "):
        return f"python -m {command} --port {port} >served.txt 2>&1 & {READY}"
    return re.sub(r"^(export AIAAS_KEY=)aiaas_\S+$", lambda found: found[1] + KEY, command)


def differs(says: str, printed: str) -> str:
    """The first line that is not as the page says, or nothing. `…` stands for anything, alone for any lines."""
    left = [line for line in map(even, printed.splitlines()) if line]
    skip = False
    for line in filter(None, map(even, says.splitlines())):
        if line == "…":
            skip = True
            continue
        while left and not alike(line, left[0]) and skip:
            left.pop(0)
        if not left or not alike(line, left.pop(0)):
            return line
        skip = False
    return "" if skip or not says or not left else f"(it goes on: {left[0]})"


def even(line: str) -> str:
    """A line without what differs from run to run: spaces of layout, times, sizes, digests, keys."""
    line = " ".join(line.split())
    line = re.sub(r"\b\d+(\.\d+)? (s|kB|MB)\b", r"# \2", line)
    line = re.sub(r"\baiaas_\w{10}_\S*", "aiaas_#", line)
    return re.sub(r"─+", "─", re.sub(r"\b(?=\w*\d)[0-9a-f]{12,64}\b", "#", line))


def alike(says: str, printed: str) -> bool:
    """Whether a line is as said, decimal numbers within half a percent: processors add in other orders."""
    parts = re.split(f"({NUMBER}|…)", says)
    pattern = "".join(".*" if part == "…" else f"({NUMBER})" if number(part) else re.escape(part) for part in parts)
    found = re.fullmatch(pattern, printed)
    if found is None:
        return False
    pairs = zip(filter(number, parts), found.groups(), strict=True)
    return all(math.isclose(float(a), float(b), rel_tol=0.005, abs_tol=0.002) for a, b in pairs)


def number(text: str) -> bool:
    return re.fullmatch(NUMBER, text) is not None
