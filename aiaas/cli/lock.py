"""`--lock` and `--locked` of `aiaas run`: the lock beside a recipe, written and kept to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aiaas.cli import output
from aiaas.errors import LockError, UsageError

if TYPE_CHECKING:
    from aiaas.pipeline import Result
    from aiaas.pipeline.lock import Guard
    from aiaas.pipeline.stages import Work

LockOption = Annotated[
    bool, typer.Option("--lock", help="Write beside RECIPE what the run was made of, as NAME.lock, for --locked.")
]
LockedOption = Annotated[
    bool, typer.Option("--locked", help="Refuse whatever differs from the lock beside RECIPE; for CI.")
]


@dataclass(frozen=True, slots=True)
class Kept:
    """What of a lock was asked for: a file to write, or one to keep to."""

    path: Path | None = None
    guard: Guard | None = None

    def held(self, work: Work) -> Work:
        return replace(work, guard=self.guard)

    def keep(self, work: Work, result: Result) -> None:
        """Write the lock of what the run made or found."""
        if self.path is None:
            return
        from aiaas.pipeline import lock
        from aiaas.workspace import atomic

        if result.lock:  # of the run that made it; where everything was there already, there was none
            atomic.write_bytes(self.path, result.lock.read_bytes())
        else:
            lock.of_keys(work, {stage.name: stage.key for stage in result.stages}).write(self.path)
        result.lock = self.path
        output.say(f"locked in {self.path}")


def kept_to(recipe: Path, *, lock: bool, locked: bool) -> Kept:
    """Raises UsageError where both are asked for, LockError where there is no lock to keep to, or where one is to be
    written something else stands."""
    if lock and locked:
        raise UsageError("--lock takes a new lock, --locked keeps to the one there is: choose one")
    if not lock and not locked:
        return Kept()
    from aiaas.pipeline import lock as locks

    path = locks.beside(recipe)
    if lock:
        locks.refuse_other(path)
        return Kept(path)
    if not path.exists():
        raise LockError("there is no lock to keep to", where=str(path), hint=f"take one: aiaas run {recipe} --lock")
    return Kept(guard=locks.Guard(locks.read(path), path))
