"""Python, processor, GPUs, memory and disk."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from aiaas import plugins
from aiaas.backends.memory import available, readable
from aiaas.cores import cores, instructions
from aiaas.doctor.check import Check
from aiaas.errors import DataError

LITTLE_MEMORY = 1_000_000_000
LITTLE_DISK = 2_000_000_000
_TELLING = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")
"""Instructions that decide how fast a model learns and answers."""
_GPU_SECONDS = 0.6


def python() -> Check:
    ours = plugins.installed(["aiaas"])["aiaas"]
    told = f"{platform.python_version()}, {platform.system()} {platform.machine()}; aiaas {ours or 'not installed'}"
    details = {"python": platform.python_version(), "executable": sys.executable, "platform": platform.platform()}
    return Check("python", "ok", told, details={**details, "aiaas": ours})


def processor() -> Check:
    able = [name for name in _TELLING if name in instructions()]
    count = cores()
    told = f"{count} core{'' if count == 1 else 's'}" + (f", {', '.join(able)}" if able else "")
    return Check("processor", "ok", told, details={"cores": count, "instructions": able})


def gpus() -> Check:
    """Those that a driver tells of; what a framework makes of them is not asked, for that takes seconds."""
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return Check("gpu", "note", "Apple's, which training does not use", details={"gpus": []})
    found = _of_nvidia()
    if isinstance(found, str):
        return Check("gpu", "warning", found, "nvidia-smi tells more", {"gpus": []})
    if not found:
        return Check("gpu", "note", "none: models learn on the processor", details={"gpus": []})
    return Check("gpu", "ok", "; ".join(found), details={"gpus": found})


def _of_nvidia() -> list[str] | str:
    """Name, memory and driver of each; words where there is a driver that does not answer."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    asked = [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=_GPU_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the driver of NVIDIA does not answer: {type(error).__name__}"
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return lines if done.returncode == 0 else f"the driver of NVIDIA fails: {(lines or ['it says nothing'])[0]}"


def memory() -> Check:
    free = available()
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else None
    details = {"free": free, "total": total}
    if free is None:
        return Check("memory", "note", "the system does not tell", details=details)
    told = f"{readable(free)} free" + (f" of {readable(total)}" if total else "")
    if free < LITTLE_MEMORY:
        return Check("memory", "warning", told, "end other programs, or give the container more", details)
    return Check("memory", "ok", told, details=details)


def disk(workspace: Path) -> Iterator[Check]:
    """The room there is for a workspace, and whether it may be written to."""
    there = next(folder for folder in (workspace, *workspace.parents) if folder.exists())
    usage = shutil.disk_usage(there)
    details = {"free": usage.free, "total": usage.total}
    told = f"{readable(usage.free)} free of {readable(usage.total)}"
    if usage.free < LITTLE_DISK:
        yield Check("disk", "warning", told, "make room: aiaas cache gc", details)
    else:
        yield Check("disk", "ok", told, details=details)
    place = {"workspace": str(workspace), "exists": workspace.exists()}
    if not os.access(there, os.W_OK | os.X_OK):
        hint = "choose another with --workspace"
        yield Check("workspace", "failed", f"{there} cannot be written to", hint, place, DataError)
    else:
        made = "" if workspace.exists() else ", made by the first run"
        yield Check("workspace", "ok", f"{workspace}{made}", details=place)
