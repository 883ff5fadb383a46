"""What a run was made with: interpreter, machine, packages, commit."""

from __future__ import annotations

import getpass
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

_GIT_SECONDS = 3.0


def describe(source: Path | None) -> dict[str, Any]:
    """Interpreter, platform, installed packages, and the commit of the repository that `source` (or the working
    directory) lies in."""
    installed = packages()
    return {
        "aiaas": installed.get("aiaas", "unknown"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "user": _user(),
        "packages": installed,
        "git": git(source.parent if source else Path.cwd()),
    }


def packages() -> dict[str, str]:
    """Every installed distribution with its version, sorted by name."""
    found = {
        str(each.metadata["Name"]): str(each.version)
        for each in importlib.metadata.distributions()
        if each.metadata["Name"]
    }
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


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            # A repository may name a program of its own as file system monitor: it is not to be run.
            ["git", "-c", "core.fsmonitor=false", *arguments],
            cwd=folder,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


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
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except (FileNotFoundError, ValueError):
        return None
