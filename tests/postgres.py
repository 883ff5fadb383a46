"""A PostgreSQL of the tests' own: a cluster in a temporary folder that listens on a socket there and nowhere else."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_USERS = ("postgres", "nobody")


def programs() -> Path | None:
    """The folder of the server's programs, None where none are installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].split(".")[0]))
    if found:
        return found[-1].parent
    named = shutil.which("initdb")
    return Path(named).resolve().parent if named else None


def _user() -> dict[str, Any]:
    """Root may not run the server: another user does."""
    if os.getuid() != 0:
        return {}
    user = next(pwd.getpwnam(name) for name in _USERS if _exists(name))
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def ready() -> str | None:
    """Why no server can be started here, None where one can."""
    folder = programs()
    if folder is None or not (folder / "postgres").is_file():
        return "no PostgreSQL is installed"
    if os.getuid() == 0 and not any(map(_exists, _USERS)):
        return "root may not run PostgreSQL, and there is no other user"
    return None


@contextmanager
def cluster(root: Path) -> Iterator[str]:
    """The address of a fresh database, as SQLAlchemy writes it; the server ends with the block."""
    folder, who = programs(), _user()
    assert folder
    data = root / "cluster"
    data.mkdir(mode=0o700)
    if who:
        os.chown(data, who["user"], who["group"])
        os.chown(root, who["user"], who["group"])
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    initialise = [folder / "initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(initialise, check=True, capture_output=True, env=environment, cwd=data, **who)
    serve = [folder / "postgres", "-D", data, "-k", data, "-c", "listen_addresses=", "-c", "fsync=off"]
    with (root / "log").open("wb") as log:
        server = subprocess.Popen(serve, stdout=log, stderr=log, env=environment, cwd=data, **who)
        try:
            _wait(data, server, root / "log")
            yield f"postgresql+psycopg://tester@/postgres?host={data}"
        finally:
            server.terminate()
            server.wait(30)


def _wait(data: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    ready = f"{data / 'postmaster.pid'}"
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        if Path(ready).is_file() and Path(ready).read_text().rstrip().endswith("ready"):
            return
        time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL does not start:\n{log.read_text(errors='replace')}")
