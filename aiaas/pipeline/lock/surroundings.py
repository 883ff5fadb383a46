"""What a run was made on and with, told without importing a framework."""

from __future__ import annotations

import hashlib
import platform
import re
from pathlib import Path

import aiaas
from aiaas.cores import cores
from aiaas.environment import mask
from aiaas.pipeline.lock.form import Environment, Git
from aiaas.track import environment

KEPT_DIFF = 1 << 20
"""Characters of a diff that a lock holds at most."""
_GPUS = Path("/proc/driver/nvidia/gpus")
_CPUS = Path("/proc/cpuinfo")


def surroundings() -> Environment:
    """Interpreter, machine, packages: some milliseconds."""
    packages = environment.packages()
    packages.pop("aiaas", None)  # what is installed for development has the version that it was installed with
    return Environment(
        aiaas=aiaas.__version__,
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        system=platform.system(),
        release=platform.release(),
        machine=platform.machine(),
        processor=_processor(),
        processors=cores(),
        gpus=_gpus(),
        packages=packages,
    )


def git(folder: Path) -> Git | None:
    """The commit of the repository around `folder` and what its tracked files have besides; None without one."""
    known = environment.git(folder)
    if known is None:
        return None
    diff = environment.diff(folder) if known["dirty"] else ""
    if diff is None:
        return Git(commit=known["commit"], dirty=known["dirty"], diff=None, diff_sha256=None)
    digest = hashlib.sha256(diff.encode("utf-8", "surrogateescape")).hexdigest() if diff else None
    told = mask(diff.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    return Git(
        commit=known["commit"],
        dirty=known["dirty"],
        diff=told if 0 < len(told) <= KEPT_DIFF else None,
        diff_sha256=digest,
    )


def _processor() -> str | None:
    """The name that the maker gave it."""
    try:
        named = re.search(r"^model name\s*:\s*(.+)$", _CPUS.read_text("utf-8", "replace"), re.MULTILINE)
    except OSError:  # no Linux
        named = None
    return named[1].strip() if named else platform.processor() or None


def _gpus() -> list[str]:
    """The names of NVIDIA's GPUs, as their driver tells them; empty where it is not loaded."""
    found = []
    for file in sorted(_GPUS.glob("*/information")):
        try:
            model = re.search(r"^Model:\s*(.+)$", file.read_text("utf-8", "replace"), re.MULTILINE)
        except OSError:
            continue
        found.append(model[1].strip() if model else "NVIDIA")
    return found
