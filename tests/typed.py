"""Every command of a page typed into one shell, in a folder that holds what its reader has: each ends as the page says.

Not typed as printed are: the port, so that tests may run side by side; the key of a service, which is new each time;
and what a guide names in `instead`. A service goes on until the page ends, or another one is started.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
FENCE = re.compile(r"^( *)```(console|sh|bash)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
TYPED = re.compile(r"^\$ ((?:.*\\\n)*.*)\n?((?:(?!\$ ).*\n)*)", re.MULTILINE)
END = "--- end of a command, status"
TRAP = "trap 'failed=${failed:-$?}' ERR"
START = f"set -o pipefail; {TRAP}; status=0"
KEY = "[ -f key.txt ] && export AIAAS_KEY=$(cat key.txt)"
REFUSED = re.compile(r'^(\{"error|event: error)', re.MULTILINE)  # by a service: to curl that is a success as well
SECONDS = 300

PROGRAM = """\
#!/bin/bash
# aiaas, as a copy of the template; a service goes on beside the shell, and its key is kept
if [ "$1" != serve ]; then exec {python} -SE {client} {socket} "$@"; fi
[ -f served.pid ] && kill "$(cat served.pid)" && while kill -0 "$(cat served.pid)" 2>/dev/null; do sleep 0.05; done
{python} -m aiaas "$@" --port {port} >served.txt 2>&1 </dev/null &
echo $! >served.pid
for _ in $(seq 600); do
  grep -q '^ready:' served.txt && break
  kill -0 $! 2>/dev/null || {{ wait $!; status=$?; cat served.txt; rm served.pid; exit $status; }}
  sleep 0.1
done
sleep 0.2 # the line with the key follows
cat served.txt
sed -n 's/^key: *\\([^ ]*\\).*/\\1/p' served.txt >key.new
[ -s key.new ] && mv key.new key.txt
exit 0
"""


@dataclass(frozen=True, slots=True)
class Guide:
    """A page of docs/guides, of docs or of the top, and its reader.

    `prepare` lays what he has into an empty folder, with a workspace of `home` where that is a name of `HOMES`.
    `instead` are words of the page and what is typed in their place: the address of a host, a folder of his own.
    `apart` are commands that cannot be typed here, by their beginning, and why: each needs what no test has. `ends` are
    commands that end with another status than 0, by their beginning; several statuses where a command stands there
    several times. All of these must stand on the page. `before` is what he typed on other pages: a script whose
    variables may stand in `instead`.
    """

    page: str
    prepare: Callable[[Path], None] = lambda folder: None
    before: str = ""
    instead: Mapping[str, str] = field(default_factory=dict)
    apart: Mapping[str, str] = field(default_factory=dict)
    ends: Mapping[str, int | Sequence[int]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    home: str | None = None
    slow: bool = False
    """Whether it takes longer than a test may: then `tests/benchmarks/guides.py` types it."""

    @property
    def path(self) -> Path:
        places = (ROOT / "docs" / "guides", ROOT / "docs", ROOT)
        return next(path for place in places if (path := place / f"{self.page}.md").exists())


@dataclass(frozen=True, slots=True)
class Command:
    """What is typed, and what the page says it prints."""

    typed: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    command: Command
    status: int
    printed: str


def commands(page: Path) -> Iterator[Command]:
    """What a page tells to type, in order: what follows `$ `, and scripts as a whole."""
    for indent, language, block in FENCE.findall(page.read_text("utf-8")):
        text = re.sub(f"^{indent}", "", block, flags=re.MULTILINE)
        found = TYPED.findall(text)
        if found:
            yield from (whole(typed, says) for typed, says in found)
        elif language != "console":
            yield Command(text.rstrip("\n"))


def whole(typed: str, says: str) -> Command:
    """A command with the lines that a quotation mark of it goes on to."""
    while says and not closed(typed):
        line, _, says = says.partition("\n")
        typed = f"{typed}\n{line}"
    return Command(typed, says)


def closed(text: str) -> bool:
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return False
    return True


def left_out(guide: Guide, command: Command) -> bool:
    return command.typed.startswith(tuple(guide.apart))


def status_of(guide: Guide, command: Command, before: int) -> int:
    """The status that it should end with, when as many of its kind were typed before."""
    status = next((status for start, status in guide.ends.items() if command.typed.startswith(start)), 0)
    return status if isinstance(status, int) else status[before]


def typed(guide: Guide, folder: Path, copies: Path, home: Path | None = None) -> list[Done]:
    """Every command that is not left out, with its status and what it printed. Of a script, a line that fails without
    being asked for its status gives the status, as the last one does. `copies` is the socket of a template, `home` a
    folder whose files are there before."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    here = folder / "here"
    shutil.copytree(home, here, symlinks=True) if home else here.mkdir()
    for name in ("recipes", "data"):
        if not (here / name).exists():
            (here / name).symlink_to(ROOT / name)
    guide.prepare(here)
    programs = folder / "programs"
    programs.mkdir()
    words = {"python": sys.executable, "client": ROOT / "tests" / "copied.py", "socket": copies, "port": port}
    (programs / "aiaas").write_text(PROGRAM.format(**words))
    (programs / "aiaas").chmod(0o755)
    wanted = [each for each in commands(guide.path) if not left_out(guide, each)]
    lines = [START, guide.before, f"echo {shlex.quote(END)} ${{failed:-0}}"]
    for command in wanted:
        text = changed(guide, command, port)
        # The first failure of several commands counts, but where the text itself asks after a status.
        trap = "trap - ERR" if "$?" in text else TRAP
        lines += [f"failed=; {KEY}; {trap}; (exit $status) && :", text]
        lines.append(f"status=$?; echo {shlex.quote(END)} ${{failed:-$status}}")
    lines.append("[ -f served.pid ] && kill $(cat served.pid)")
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "AIAAS_TRACKING": "off",
        "PYTHONUTF8": "1",
        **guide.environment,
    }
    ran = subprocess.run(
        ["bash"], input="\n".join(lines) + "\n", cwd=here, env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=SECONDS if not guide.slow else None, check=False,
    )  # fmt: skip
    printed, prepared, *statuses = re.split(rf"{re.escape(END)} (\d+)\n", ran.stdout)
    if prepared != "0":
        raise RuntimeError(f"what is typed before the page ended with {prepared}:\n{printed}")
    texts, statuses = statuses[::2], statuses[1::2]
    return [Done(each, int(status), text) for each, status, text in zip(wanted, statuses, texts, strict=False)]


def changed(guide: Guide, command: Command, port: int) -> str:
    """The command as it is typed here."""
    text = command.typed
    for theirs, ours in guide.instead.items():
        text = text.replace(theirs, ours)
    text = re.sub(r"(127\.0\.0\.1|localhost):8000", f"127.0.0.1:{port}", text)
    return re.sub(r"^export AIAAS_KEY=aiaas_\S+$", "true", text, flags=re.MULTILINE)


def faults(guide: Guide, done: list[Done]) -> list[str]:
    """What ended otherwise than it should, and what the guide names that is not on the page."""
    wanted = [each for each in commands(guide.path) if not left_out(guide, each)]
    found = []
    for place, each in enumerate(done):
        status = status_of(
            guide, each.command, [other.command.typed for other in done[:place]].count(each.command.typed)
        )
        if each.status != status or "Traceback (most recent" in each.printed:
            found.append(f"$ {each.command.typed}\nended with {each.status}, not {status}:\n{each.printed}")
    found += [
        f"$ {each.command.typed}\nis refused, which the page does not say:\n{each.printed}"
        for each in done
        if REFUSED.search(each.printed) and not REFUSED.search(each.command.says)
    ]
    if len(done) < len(wanted):
        found.append(f"$ {wanted[len(done)].typed}\nended the shell")
    text = [each.typed for each in commands(guide.path)]
    starts = (*guide.apart, *guide.ends)
    found += [
        f"no command begins with {start!r}" for start in starts if not any(each.startswith(start) for each in text)
    ]
    found += [f"{word!r} stands in no command" for word in guide.instead if not any(word in each for each in text)]
    return found
