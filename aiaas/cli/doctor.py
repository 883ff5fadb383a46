"""`aiaas doctor`: whether this machine has what aiaas needs, and the command for what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiaas.cli import output
from aiaas.cli.options import JsonOption, OfflineOption, WorkspaceOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiaas.doctor import Check


def doctor_command(json: JsonOption = False, workspace: WorkspaceOption = None, offline: OfflineOption = False) -> None:
    """Look at Python, packages, extras, plug-ins, devices, memory, disk, tracking server and hub."""
    from aiaas.doctor import examine
    from aiaas.workspace import Workspace

    checks = examine(Workspace.look(workspace), offline=offline)
    told = {"checks": [check.as_dict() for check in checks]}
    if not json:
        for line in lines(checks):
            output.out(line)
    if failed := next((check for check in checks if check.level == "failed"), None):
        error = failed.error(failed.message, where=failed.name, hint=failed.hint)
        error.reached = told
        raise error
    if json:
        output.emit_json("doctor", **told)


def lines(checks: Sequence[Check]) -> list[str]:
    """Level, name and what was found, in columns; below it what to do."""
    width = max(len(check.name) for check in checks)
    told = []
    for check in checks:
        head = f"{check.level:<7}  {check.name:<{width}}  "
        told += output.wrapped(f"{head}{check.message}", indent=len(head)).splitlines()
        if check.hint and check.level != "ok":
            told += output.wrapped(f"{'':<{len(head)}}{check.hint}", indent=len(head)).splitlines()
    return told
