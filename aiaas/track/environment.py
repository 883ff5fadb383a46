"""What a run was made with: interpreter, machine, packages, commit."""

from __future__ import annotations

import getpass
import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

from aiaas.cores import cores
from aiaas.track.values import read_object

_GIT_SECONDS = 3.0
_HEADER = re.compile(r"^(Name|Version):[ \t]*(\S+)", re.MULTILINE)


def describe(source: Path | None) -> dict[str, Any]:
    """Interpreter, platform, installed packages, and the commit of the repository that `source` (or the working
    directory) lies in."""
    installed = packages()
    return {
        "aiaas": installed.get("aiaas", "unknown"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": cores(),
        "user": _user(),
        "packages": installed,
        "git": git(source.parent if source else Path.cwd()),
    }


def packages() -> dict[str, str]:
    """Every installed distribution with its version, sorted by name."""
    found: dict[str, str] = {}
    for each in importlib.metadata.distributions():
        # Two lines are wanted; to have all of it parsed as a mail takes milliseconds a package.
        head = (each.read_text("METADATA") or each.read_text("PKG-INFO") or "").partition("\n\n")[0]
        said = dict(reversed(_HEADER.findall(head)))
        if len(said) == 2:
            found.setdefault(said["Name"], said["Version"])  # what is found first is what is imported
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def git(folder: Path) -> dict[str, Any] | None:
    """`{"commit": …, "dirty": …}` of the repository around `folder`; None without one, without git, or when it is slow.

    Dirty means that a tracked file differs from the commit.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return None
    status = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": None if status is None else bool(status)}


def diff(folder: Path) -> str | None:
    """What the tracked files of the repository around `folder` have besides the commit, as a patch; bytes that are not
    UTF-8 are surrogates. None when it is slow, or there is no repository."""
    # No program that a repository names for showing files is to be run either.
    return _git(folder, "diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD", "--", ":/", strip=False)


def top(folder: Path) -> Path | None:
    """The folder of the repository around `folder`; None without one."""
    found = _git(folder, "rev-parse", "--show-toplevel")
    return Path(found) if found else None


def _git(folder: Path, *arguments: str, strip: bool = True) -> str | None:
    try:
        done = subprocess.run(
            # A repository may name a program of its own as file system monitor: it is not to be run.
            ["git", "-c", "core.fsmonitor=false", *arguments],
            cwd=folder,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    told = done.stdout.decode("utf-8", "surrogateescape")
    return told.strip() if strip else told


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without an entry for its user
        return str(os.getuid())


def tags(described: dict[str, Any]) -> dict[str, str]:
    """The part that MLflow shows and searches as tags."""
    found = {
        "mlflow.user": described["user"],
        "aiaas.version": described["aiaas"],
        "aiaas.python": described["python"],
        "aiaas.platform": described["platform"],
        "aiaas.processors": str(described["processors"]),
    }
    if described["git"]:
        found["mlflow.source.git.commit"] = described["git"]["commit"]
        if described["git"]["dirty"] is not None:
            found["aiaas.git.dirty"] = str(described["git"]["dirty"]).lower()
    return found


def requirements(described: dict[str, Any]) -> str:
    """The packages as pip reads them."""
    return "".join(f"{name}=={version}\n" for name, version in described["packages"].items())


def load(path: Path) -> dict[str, Any] | None:
    """What was described when the run began; None when nobody did."""
    return read_object(path) or None
