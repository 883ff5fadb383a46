"""The process beside the work: imports MLflow, which takes seconds, and sends what the journals say.

    python -m aiaas.track.sender --follow RUN      one run, while it is written; started by `Run.start`
    python -m aiaas.track.sender --sync ROOT       all runs of a workspace that are not sent yet, then aliases
    python -m aiaas.track.sender --aliases ROOT    aliases only
    python -m aiaas.track.sender --delete ROOT ID… take runs out of MLflow

Standard input says that there is more (a byte) or that the writer is gone (end of file); standard output gets one line
of JSON a run.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from aiaas.errors import AiaasError, RemoteError
from aiaas.track import environment, journal
from aiaas.track.publish import send_aliases
from aiaas.track.registry import Registry
from aiaas.track.replay import ENVIRONMENT, SENDER_LOCK, Replay
from aiaas.track.run import RUN_LOCK, sent_state
from aiaas.track.store import Store, remote_errors, without_password
from aiaas.workspace import Workspace, atomic

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_NICE = 2  # the work goes first, but at its end it waits for the sender
_LOOK_SECONDS = 1.0
_RETRY_SECONDS = 20.0


def main(arguments: list[str]) -> None:
    mode, place = arguments[0], Path(arguments[1])
    # A person's Ctrl-C or closed terminal is for the work: what it did until then is still to be sent.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if mode == "--follow":
        os.nice(_NICE)
        _follow(place)
    elif mode == "--delete":
        _delete(Workspace(place), arguments[2:])
    else:
        _sync(Workspace(place), runs=mode == "--sync")


# --- one run, while it is written -----------------------------------------------------------------------------------


def _follow(folder: Path) -> None:
    with FileLock(folder / SENDER_LOCK):
        atomic.write_json(folder / ENVIRONMENT, environment.describe(_source_of(folder)))
        workspace = Workspace(folder.parent.parent)
        replay = Replay(folder, workspace, _store_of(workspace))
        sender = _Sender(replay)
        while not replay.ended:
            sender.attempt()
            if replay.ended or not _more(os.getppid()):
                break
        # The writer is gone, or has said the end while the server was away: once more, now with nothing to come.
        if not replay.ended:
            sender.attempt(last=True)
        _answer(replay, sender.problem)


def _store_of(workspace: Workspace) -> Store:
    """The store, named in the environment too: parts of MLflow take the address from there, not from the client."""
    store = Store.of(workspace)
    os.environ["MLFLOW_TRACKING_URI"] = store.uri
    os.environ["MLFLOW_REGISTRY_URI"] = store.registry_uri
    return store


class _Sender:
    """Keeps one connection, and after a failure leaves the server in peace for a while."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.client: MlflowClient | None = None
        self.problem: str | None = None
        self._again = 0.0

    def attempt(self, last: bool = False) -> None:
        if time.monotonic() < self._again and not last:
            return
        try:
            self.client = self.client or self.replay.store.connect()
            if last:
                self.replay.close(self.client, "KILLED")
            else:
                self.replay.catch_up(self.client)
            self.problem = None
        except Exception as error:
            traceback.print_exc()
            self.problem = _in_words(error)
            self._again = time.monotonic() + _RETRY_SECONDS
            self.replay.failed(self.problem)


def _more(parent: int) -> bool:
    """Wait for a poke or a second; false when no more will come."""
    ready, _, _ = select.select([0], [], [], _LOOK_SECONDS)
    if ready:
        return bool(os.read(0, 1 << 16))
    return os.getppid() == parent


def _source_of(folder: Path) -> Path | None:
    start = journal.first(folder) or {}
    return Path(start["source"]) if start.get("source") else None


# --- afterwards -----------------------------------------------------------------------------------------------------


def _sync(workspace: Workspace, *, runs: bool) -> None:
    given = os.environ.get("MLFLOW_TRACKING_URI")
    store = _store_of(workspace)
    folders = [
        folder
        for folder in sorted(workspace.runs.glob("*/"))
        if sent_state(folder).get("state") != "sent" and journal.first(folder)
    ]
    client: MlflowClient | None = None
    problem: str | None = None
    for folder in folders if runs else []:
        with contextlib.ExitStack() as held:
            try:
                for name in (RUN_LOCK, SENDER_LOCK):
                    held.enter_context(FileLock(folder / name, timeout=0))
            except Timeout:
                _say({"id": folder.name, "tracked": False, "problem": "it is still running"})
                continue
            replay = Replay(folder, workspace, store)
            if replay.ended:  # with its parent
                _answer(replay, None)
                continue
            meant = None if given else (journal.first(folder) or {}).get("uri")
            if meant:  # it must not end up in the workspace's own store for good
                _answer(replay, f"it is meant for {meant}: set MLFLOW_TRACKING_URI to send it there, or elsewhere")
                continue
            try:
                if problem is None:
                    client = client or store.connect()
                    replay.close(client, "KILLED")
                reason = problem
            except Exception as error:
                traceback.print_exc()
                reason = _in_words(error)
                replay.failed(reason)
                problem = reason if client is None else None  # not there for this run: not there for the others
            _answer(replay, reason)
    if problem is None:
        _sync_aliases(workspace, store, client)


def _sync_aliases(workspace: Workspace, store: Store, client: MlflowClient | None) -> None:
    registry = Registry(workspace.models)
    uri = without_password(store.registry_uri)
    unsent = [
        name
        for name in registry.names()
        for number in registry.unsent_aliases(name).values()
        if (registry.resolve(name, version=number).remote or {}).get("uri") == uri
    ]
    try:
        for name in unsent:
            client = client or store.connect()
            with remote_errors(store.registry_uri):
                send_aliases(client, registry, name, uri)
    except AiaasError as error:
        _say({"aliases": unsent, "tracked": False, "problem": _in_words(error)})


def _delete(workspace: Workspace, names: Sequence[str]) -> None:
    """Move the runs to MLflow's bin, all of them or, where the first fails, none; one that is gone there is gone."""
    store = _store_of(workspace)
    uri = without_password(store.uri)
    try:
        states = {name: sent_state(workspace.runs / name) for name in names}
        for name, state in states.items():
            if state["uri"] != uri:
                told = f"{name} is in another MLflow, {state['uri']}"
                raise RemoteError(told, where=uri, hint="set MLFLOW_TRACKING_URI")
        client = store.connect()
        with remote_errors(store.uri):
            for name, state in states.items():
                if _is_there(client, state["run_id"]):
                    client.delete_run(state["run_id"])
                _say({"id": name, "problem": None})
    except AiaasError as error:
        _say({"problem": _in_words(error)})


def _is_there(client: MlflowClient, run_id: str) -> bool:
    try:
        return bool(client.get_run(run_id).info.lifecycle_stage == "active")
    except Exception as error:
        if getattr(error, "error_code", None) == "RESOURCE_DOES_NOT_EXIST":
            return False
        raise


# --- answers --------------------------------------------------------------------------------------------------------


def _in_words(error: Exception) -> str:
    if isinstance(error, AiaasError):
        return f"{error.message} ({error.where})" if error.where else error.message
    return f"{type(error).__name__}: {error}"


def _answer(replay: Replay, problem: str | None) -> None:
    tracked = replay.ended and problem is None
    _say({"id": replay.folder.name, "run_id": replay.run_id, "tracked": tracked, "problem": problem})


def _say(answer: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody waits any more
        os.write(1, (json.dumps(answer, ensure_ascii=False) + "\n").encode())


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(0)  # everything is written: MLflow's threads need not be waited for
