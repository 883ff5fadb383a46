"""A run as the work sees it: everything is a line in a journal, and a process beside sends it to MLflow."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from filelock import FileLock

from aiaas.track import journal
from aiaas.track.process import Sender
from aiaas.track.registry import Registry, Version
from aiaas.track.store import without_password
from aiaas.track.values import finite, flatten, is_number, read_object, text
from aiaas.workspace import atomic

Status = Literal["FINISHED", "FAILED", "KILLED"]
ARTIFACTS = "artifacts"
SUMMARY = "summary.json"
SENT = "sent.json"
RUN_LOCK = "run.lock"
SWITCHED_OFF = "sending is switched off"


class Place(Protocol):
    """What of a workspace tracking needs."""

    @property
    def root(self) -> Path: ...
    @property
    def runs(self) -> Path: ...
    @property
    def models(self) -> Path: ...


@dataclass(frozen=True, slots=True)
class Sent:
    """What the sender said. `run_id` is MLflow's, or the local one where it is not known (yet); `problem` says why the
    run is kept here only; `versions` are the registered versions with the numbers they have now."""

    run_id: str
    tracked: bool
    problem: str | None = None
    versions: tuple[Version, ...] = ()


class Run:
    """One run: `start`, say things, `end`, `finish`. As a context manager it ends with the status of the block."""

    def __init__(self, workspace: Place, folder: Path) -> None:
        self.id = folder.name
        self.folder = folder
        self._workspace = workspace
        self._lock = FileLock(folder / RUN_LOCK)
        self._lock.acquire()
        self._journal = journal.Journal(folder)
        self._sender: Sender | None = None
        self._summary: dict[str, Any] = {"metrics": {}, "models": []}
        self._registered: list[tuple[str, str]] = []
        self._ended = False

    @classmethod
    def start(
        cls,
        workspace: Place,
        name: str,
        *,
        source: Path | None = None,
        verb: str = "run",
        send: bool | None = None,
        parent: str | None = None,
    ) -> Run:
        """Begin a run of the recipe `name` (its MLflow experiment) read from `source`, and the process that sends it.

        With `send=False`, or AIAAS_TRACKING=off in the environment, it stays here until `aiaas runs sync`. A run that
        is a part of another one, its `parent`, has no such process: that of its parent sends it, see `child`.
        """
        now = time.time()
        # Ids sort by time, to the millisecond.
        run_id = (
            f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{int(now * 1000) % 1000:03d}{secrets.token_hex(2)}"
        )
        folder = workspace.runs / run_id
        with atomic.disk_errors(folder):
            (folder / ARTIFACTS).mkdir(parents=True)
            run = cls(workspace, folder)
            uri = os.environ.get("MLFLOW_TRACKING_URI")
            start = {
                "name": name,
                "verb": verb,
                "source": str(source.absolute()) if source else None,
                "uri": without_password(uri) if uri else None,
                **({"parent": parent} if parent else {}),
            }
            run._summary |= {"id": run_id, **start, "started": now}
            run._journal.write("start", **start)
            run._journal.flush()
        if (send if send is not None else sending()) and parent is None:
            run._sender = Sender(folder)
        return run

    # --- what a run holds -----------------------------------------------------------------------------------------

    def params(self, values: Mapping[str, Any]) -> None:
        """Settings; a mapping or list inside becomes dotted paths. The first value of a path stays."""
        self._write("params", values={path: text(value) for path, value in flatten(values)})

    def metrics(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Numbers at a step, or without one the final ones; what is no number (a matrix, a word) is left out."""
        numbers = {key: float(value) for key, value in flatten(values, lists=False) if is_number(value)}
        if step is None:
            self._summary["metrics"] |= numbers
        if numbers:
            self._write("metrics", values=numbers, step=step)

    def tags(self, values: Mapping[str, Any]) -> None:
        self._write("tags", values={key: text(value) for key, value in values.items()})

    def dataset(
        self,
        name: str,
        digest: str,
        *,
        source: str,
        schema: Mapping[str, str] | None = None,
        rows: int | None = None,
        context: str = "training",
    ) -> None:
        """An input: `digest` of its content, the address it came from, `{column: type}`, and what it was used for."""
        schema = dict(schema) if schema else None
        self._write("dataset", name=name, digest=digest, source=source, schema=schema, rows=rows, context=context)

    def artifact(self, path: Path, name: str | None = None) -> None:
        """A file or folder to keep, under `name` (may hold slashes); taken now, so the original may change or go."""
        name = name or path.name
        target = self._place(name)
        # What lies in the workspace never changes, so a link is as good as a copy and costs nothing.
        copy = _link if path.absolute().is_relative_to(self._workspace.root.absolute()) else shutil.copy2
        with atomic.disk_errors(target):
            if path.is_dir():
                shutil.copytree(path, target, copy_function=copy, dirs_exist_ok=True)
            else:
                copy(str(path), str(target))
        self._write("artifact", name=name)

    def text(self, name: str, content: str) -> None:
        """A text file to keep, such as the recipe."""
        target = self._place(name)
        with atomic.disk_errors(target):
            target.write_text(content, "utf-8")
        self._write("artifact", name=name)

    def register(
        self,
        name: str,
        *,
        bundle: Path,
        digest: str,
        alias: str | None = None,
        metrics: Mapping[str, Any] | None = None,
        signature: Mapping[str, Any] | None = None,
        answer: Mapping[str, Any] | None = None,
    ) -> Version:
        """Register the bundle here at once, and in MLflow when the journal gets there.

        `signature` is `Signature.as_dict()` and `answer` an example answer: MLflow's model signature is made of them.
        The number is MLflow's after `finish`: see `Sent.versions`.
        """
        registry = Registry(self._workspace.models)
        version = registry.register(name, bundle=bundle, digest=digest, alias=alias, metrics=metrics, run=self.id)
        self._registered.append((name, digest))
        self._summary["models"] = [*self._summary["models"], {"name": name, "digest": digest}]
        self._write("register", name=name, digest=digest, signature=signature, answer=answer)
        self.flush()
        return version

    def child(self, run: Run) -> None:
        """A run that was begun as a part of this one has ended, and may be sent with it."""
        self._write("child", id=run.id)
        self.flush()

    # --- its end --------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Bring what was said to the disk and to the sender's notice; called where a stage ends."""
        self._journal.flush()
        self._poke()

    def end(self, status: Status) -> None:
        """Nothing more will be said. The second call does nothing."""
        if self._ended:
            return
        self._ended = True
        self._journal.write("end", status=status)
        self._journal.close()
        self._summary |= {"ended": time.time(), "status": status}
        atomic.write_json(self.folder / SUMMARY, finite(self._summary))
        self._lock.release()
        self._poke()

    def finish(self, status: Status = "FINISHED", *, timeout: float = 60.0) -> Sent:
        """End, and wait until everything is sent, at most `timeout` seconds; a sender that needs longer goes on alone.

        Never raises because of tracking: the run is then kept here, and `Sent.problem` says why.
        """
        self.end(status)
        answer = self._sender.answer(timeout) if self._sender else {"problem": SWITCHED_OFF}
        run_id = answer.get("run_id") or sent_state(self.folder).get("run_id") or self.id
        registry = Registry(self._workspace.models)
        versions = tuple(
            version
            for name, digest in self._registered
            for version in registry.versions(name)
            if version.digest == digest
        )
        return Sent(str(run_id), bool(answer.get("tracked")), answer.get("problem"), versions)

    # --- the sender -----------------------------------------------------------------------------------------------

    def _write(self, event: str, **fields: Any) -> None:
        if self._journal.write(event, **fields):
            self._poke()

    def _poke(self) -> None:
        if self._sender:
            self._sender.poke()

    def _place(self, name: str) -> Path:
        target = self.folder / ARTIFACTS / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


def sending() -> bool:
    """Whether MLflow may be told of anything: AIAAS_TRACKING=off keeps it here until `aiaas runs sync`."""
    return os.environ.get("AIAAS_TRACKING", "on").lower() != "off"


def sent_state(folder: Path) -> dict[str, Any]:
    """How far the run in `folder` was sent: `uri`, `run_id`, `offset`, `state` (open or sent), `problem`."""
    return read_object(folder / SENT)


def _link(source: str, target: str) -> str:
    Path(target).unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another disk, or one that has no links
        shutil.copy2(source, target)
    return target
