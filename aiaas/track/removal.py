"""Runs taken away: from the workspace, and where that is asked for from MLflow first."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from contextlib import ExitStack

from filelock import FileLock, Timeout

from aiaas.errors import RemoteError, UsageError
from aiaas.track import process
from aiaas.track.history import Past
from aiaas.track.replay import SENDER_LOCK
from aiaas.track.run import RUN_LOCK
from aiaas.workspace import Workspace


def delete(workspace: Workspace, runs: Sequence[Past], *, unsent: bool = False, mlflow: bool = False) -> None:
    """Remove the folders of these runs; with `mlflow` the runs in MLflow too, where they can be restored.

    All or none: raises UsageError where one still runs, or is not in MLflow and `unsent` does not allow that;
    RemoteError where MLflow does not take it. Registered models stay.
    """
    with ExitStack() as held:
        for run in runs:
            try:
                for name in (RUN_LOCK, SENDER_LOCK):
                    held.enter_context(FileLock(run.folder / name, timeout=0))
            except Timeout:
                raise UsageError(
                    "it still runs, or is being sent", where=run.id, hint="wait until it is over"
                ) from None
            if not run.tracked and not unsent:
                hint = "aiaas runs sync sends it; --unsent deletes it nevertheless"
                raise UsageError("it is not in MLflow, and would be gone for good", where=run.id, hint=hint)
        if mlflow and (names := [run.id for run in runs if run.run_id]):
            _delete_there(workspace, names)
        for run in runs:
            _delete_here(workspace, run)


def _delete_there(workspace: Workspace, names: Sequence[str]) -> None:
    answers = process.send("--delete", workspace.root, *names)
    if problem := next((answer["problem"] for answer in answers if answer.get("problem")), None):
        raise RemoteError(
            f"{problem}; nothing is deleted here", hint="check MLFLOW_TRACKING_URI, or leave --mlflow out"
        )


def _delete_here(workspace: Workspace, run: Past) -> None:
    """Its name goes at once; what a kill leaves of it, `cache gc` removes."""
    workspace.temporary.mkdir(parents=True, exist_ok=True)
    aside = workspace.temporary / f"run.{run.id}.{os.getpid()}.{secrets.token_hex(4)}"
    run.folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
