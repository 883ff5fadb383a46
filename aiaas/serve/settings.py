"""How a service is run: what every worker is told, as it stands on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aiaas.serve.guard import Tls
from aiaas.serve.limits import Limits
from aiaas.serve.seen import AccessLogs


@dataclass(frozen=True, slots=True)
class Settings:
    """`workers` are processes that share the port. A model that nobody asked for in `idle` seconds is unloaded until
    somebody does; `memory` is what all models of all workers may take, in bytes. None sets no bound. For `probation`
    seconds a new version goes back by itself when it errs; `poll` is the time between two looks at the aliases.
    `database` is where keys are, by default in the workspace; `access_log` says where a line a request
    goes, `limits` what a request may ask for."""

    workspace: Path
    workers: int = 1
    idle: float | None = None
    memory: int | None = None
    probation: float = 60.0
    poll: float = 1.0
    tls: Tls | None = None
    database: str | None = None
    access_log: AccessLogs = AccessLogs.FILE
    limits: Limits = Limits()  # noqa: RUF009 - frozen

    @property
    def share(self) -> int | None:
        """What the models of one worker may take."""
        return None if self.memory is None else self.memory // self.workers
