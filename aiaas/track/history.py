"""The runs of a workspace as their folders tell them: no MLflow, milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from aiaas.errors import UsageError
from aiaas.plugins import nearest
from aiaas.track import journal, process
from aiaas.track.registry import Registry
from aiaas.track.run import RUN_LOCK, SUMMARY, SWITCHED_OFF, Place, sending, sent_state
from aiaas.track.values import finite, read_object

_SHOWN = 5
FEWEST = 4
"""Characters that name a run."""


@dataclass(frozen=True, slots=True)
class Past:
    """A run that began. `status` is FINISHED, FAILED, KILLED or RUNNING; `started` is in seconds since the epoch and
    `seconds` None while it runs; `run_id` is MLflow's and None until it is known there."""

    id: str
    folder: Path
    name: str
    verb: str
    source: str | None
    started: float
    status: str
    seconds: float | None
    run_id: str | None
    tracked: bool
    problem: str | None
    metrics: dict[str, Any] = field(default_factory=dict)
    models: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "id": self.id,
            "run_id": self.run_id,
            "recipe": self.name,
            "verb": self.verb,
            "source": self.source,
            "started": self.started,
            "status": self.status,
            "seconds": self.seconds,
            "tracked": self.tracked,
            "problem": self.problem,
            "metrics": self.metrics,
            "models": self.models,
        }


def runs(workspace: Place) -> list[Past]:
    """Every run, the newest first."""
    folders = sorted(workspace.runs.glob(f"*/{journal.NAME}"), reverse=True)
    return [past for path in folders if (past := _open(path.parent)) is not None]


def find(workspace: Place, reference: str) -> Past:
    """The run that `reference` names: its id here or in MLflow, or enough first or last characters of one."""
    there = runs(workspace)
    for exact in there:
        if reference in (exact.id, exact.run_id):
            return exact
    found = [run for run in there if _is_part(reference, run)]
    if len(found) == 1:
        return found[0]
    if found:
        shown = ", ".join(run.id for run in found[:_SHOWN]) + ("" if len(found) <= _SHOWN else ", …")
        raise UsageError(
            f"{reference!r} is ambiguous: it fits {len(found)} runs, {shown}",
            hint="give more of its characters",
        )
    if len(reference) < FEWEST:
        raise UsageError(f"{reference!r} is too short to name a run", hint=f"give {FEWEST} of its characters or more")
    close = nearest(reference, [run.id for run in there])
    raise UsageError(
        f"there is no run {reference!r} in this workspace",
        where=str(workspace.runs),
        hint=f"did you mean {close!r}?" if close else "aiaas runs list shows those there are",
    )


def details(run: Past) -> dict[str, Any]:
    """All that the journal of the run holds: params, tags, datasets, artefacts, and each metric's last value."""
    found: dict[str, Any] = {"params": {}, "metrics": {}, "tags": {}, "datasets": [], "artifacts": []}
    for event in _events(run.folder):
        match event["event"]:
            case "params":
                found["params"] = {**event["values"], **found["params"]}
            case "metrics" | "tags" as kind:
                found[kind].update(finite(event["values"]))
            case "dataset":
                found["datasets"].append({key: event[key] for key in ("name", "digest", "source", "rows", "context")})
            case "artifact" if event["name"] not in found["artifacts"]:
                found["artifacts"].append(event["name"])
    return found


def sync(workspace: Place) -> list[dict[str, Any]]:
    """Send every run that MLflow does not have, and every alias move: `{id, run_id, tracked, problem}` for each run."""
    return process.send("--sync", workspace.root)


def sync_alias(workspace: Place, name: str, alias: str) -> str | None:
    """Tell MLflow where the aliases stand; None when it knows of this one now, else why it does not."""
    if not sending():
        return SWITCHED_OFF
    answers = process.send("--aliases", workspace.root)
    if alias not in Registry(workspace.models).unsent_aliases(name):
        return None
    return next((str(answer["problem"]) for answer in answers), "the version itself is not there yet")


def _is_part(reference: str, run: Past) -> bool:
    names = [name for name in (run.id, run.run_id) if name]
    return len(reference) >= FEWEST and any(name.startswith(reference) or name.endswith(reference) for name in names)


def _events(folder: Path) -> Iterator[dict[str, Any]]:
    for events, _ in journal.read(folder):
        yield from events


def _open(folder: Path) -> Past | None:
    start = journal.first(folder)
    if start is None:  # killed before it said anything
        return None
    summary = read_object(folder / SUMMARY)
    started = start["time"] / 1000
    status, ended = summary.get("status"), summary.get("ended")
    if status is None:
        status = "RUNNING" if is_held(folder / RUN_LOCK) else "KILLED"
        ended = None if status == "RUNNING" else (folder / journal.NAME).stat().st_mtime
    sent = sent_state(folder)
    return Past(
        id=folder.name,
        folder=folder,
        name=start["name"],
        verb=start["verb"],
        source=start["source"],
        started=started,
        status=status,
        seconds=None if ended is None else round(max(0.0, ended - started), 3),
        run_id=sent.get("run_id"),
        tracked=sent.get("state") == "sent",
        problem=sent.get("problem"),
        metrics=summary.get("metrics", {}),
        models=summary.get("models", []),
    )


def is_held(lock: Path) -> bool:
    """Whether a process holds the lock, and therefore lives."""
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
