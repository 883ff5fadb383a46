"""What is seen of the service: metrics, the access log, the audit, traces. Each is a watcher; none sees a payload.

A worker opens its own with `open_watchers`; what all workers of a service did is then found in one folder each.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from aiaas.serve.seen.folder import metrics_folder

if TYPE_CHECKING:
    from aiaas.serve.watching import Watcher

__all__ = ["AccessLogs", "Places", "forget_worker", "metrics_folder", "open_watchers"]


class AccessLogs(StrEnum):
    """Where a line a request goes."""

    FILE = "file"
    STDERR = "stderr"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Places:
    """Where a service keeps what is seen of it. `metrics` is that of `metrics_folder`, which its workers share; `audit`
    and `logs` outlive it."""

    metrics: Path
    audit: Path
    logs: Path
    access_log: AccessLogs = AccessLogs.FILE


def forget_worker(places: Places, worker: int) -> None:
    """After a worker was killed: what it had under way, and what it took of the machine, is no more. What it counted
    stays. For whoever started it."""
    from aiaas.serve.seen.numbers import forget

    forget(places.metrics, worker)


@contextmanager
def open_watchers(places: Places, worker: int = 0) -> Iterator[list[Watcher]]:
    """The watchers of the worker with this number, from 0 on; open them in its own process, after a fork.

    They are closed at the end, which writes what is left. Raises DataError where a folder cannot be written to,
    VerificationError for an audit that cannot be gone on with, and UsageError and MissingPackageError of tracing.
    """
    from aiaas.audit import Chain
    from aiaas.serve.seen import traces
    from aiaas.serve.seen.access_log import AccessLog
    from aiaas.serve.seen.audit import Audit
    from aiaas.serve.seen.lines import Files, Stderr
    from aiaas.serve.seen.metrics import Metrics
    from aiaas.serve.seen.record import Recorder
    from aiaas.workspace import atomic

    recorder = Recorder()
    with ExitStack() as stack:
        watchers: list[Watcher] = [stack.enter_context(closing(Metrics(places.metrics, worker)))]
        with atomic.disk_errors(places.audit):
            audit = Audit(Chain(places.audit), recorder)
        watchers.append(stack.enter_context(closing(audit)))
        if places.access_log is not AccessLogs.OFF:
            to_file = places.access_log is AccessLogs.FILE
            sink = Files(places.logs, f"access-{worker}") if to_file else Stderr()
            watchers.append(stack.enter_context(closing(AccessLog(sink, recorder))))
        if traces.configured(os.environ):
            watchers.append(stack.enter_context(closing(traces.Traces(worker))))
        yield watchers
