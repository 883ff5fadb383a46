"""Says to MLflow what the journal of a run says, from where it stopped last time.

How far it came is kept in `sent.json`, so that a kill at any point neither loses nor doubles anything: the run is found
again by its tag, metrics and parameters said twice are one to MLflow, and a bundle is registered once per digest.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from filelock import FileLock

from aiaas.errors import RemoteError
from aiaas.track import environment, journal, publish, values
from aiaas.track.registry import Registry
from aiaas.track.run import ARTIFACTS, SENT, sent_state
from aiaas.track.store import Store, remote_errors, without_password
from aiaas.workspace import Workspace, atomic

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

ENVIRONMENT = "environment.json"
SENDER_LOCK = "sender.lock"
# What MLflow takes in one request and in one value.
_METRICS, _PARAMS, _TAGS = 1000, 100, 100

T = TypeVar("T")


class Replay:
    """The sending of one run. `ended` is true once its end was sent."""

    def __init__(self, folder: Path, workspace: Workspace, store: Store) -> None:
        self.folder = folder
        self.workspace = workspace
        self.store = store
        self.state = sent_state(folder)
        self.ended = self.state.get("state") == "sent"
        self._opened = False
        self._params: dict[str, str] = {}
        self._last = 0

    @property
    def run_id(self) -> str | None:
        return self.state.get("run_id")

    def catch_up(self, client: MlflowClient) -> None:
        """Send what the journal holds by now; RemoteError when MLflow does not take it."""
        with remote_errors(self.store.uri):
            if not self._opened:
                self._open(client)
            for events, offset in journal.read(self.folder, self.state["offset"]):
                self._send(client, events)
                self._save(offset=offset, state="sent" if self.ended else "open", problem=None)

    def close(self, client: MlflowClient, status: str) -> None:
        """End the run although its journal does not: whoever wrote it is gone."""
        self.catch_up(client)
        if not self.ended and self.run_id:
            with remote_errors(self.store.uri):
                client.set_terminated(self.run_id, status, self._last or None)
            self.ended = True
            self._save(state="sent")

    def failed(self, problem: str) -> None:
        """Remember why it is not sent."""
        self._save(state="open", problem=problem)

    def _save(self, **fields: Any) -> None:
        self.state |= fields
        atomic.write_json(self.folder / SENT, self.state)

    # --- the run --------------------------------------------------------------------------------------------------

    def _open(self, client: MlflowClient) -> None:
        start = journal.first(self.folder)
        if start is None:
            raise RemoteError("the journal has no beginning", where=str(self.folder))
        uri = without_password(self.store.uri)
        experiment = self._experiment(client, start["name"])
        found = client.search_runs([experiment], f"tags.`{publish.RUN_TAG}` = '{self.folder.name}'", max_results=1)
        if found:
            run = found[0]
            self._params = dict(run.data.params)
        else:
            run = client.create_run(
                experiment,
                start_time=start["time"],
                run_name=self.folder.name,
                tags={**self._tags(start), publish.RUN_TAG: self.folder.name},
            )
        if run.info.run_id != self.run_id or uri != self.state.get("uri"):
            self.state = {"uri": uri, "run_id": run.info.run_id, "experiment_id": experiment, "offset": 0}
            self._save(state="open", problem=None)
        self._opened = True

    def _experiment(self, client: MlflowClient, name: str) -> str:
        from mlflow.exceptions import MlflowException

        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or name
        there = client.get_experiment_by_name(name)
        if there is None:
            place = self.store.artifacts
            location = (place.absolute() / name).as_uri() if place else None
            try:
                return str(client.create_experiment(name, artifact_location=location))
            except MlflowException:  # another process was faster
                there = client.get_experiment_by_name(name)
                if there is None:
                    raise
        if there.lifecycle_stage != "active":
            raise RemoteError(
                f"the experiment {name!r} was deleted in MLflow",
                where=without_password(self.store.uri),
                hint=f"restore it (mlflow experiments restore -x {there.experiment_id}), then aiaas runs sync",
            )
        return str(there.experiment_id)

    def _tags(self, start: Mapping[str, Any]) -> dict[str, str]:
        tags = {
            "mlflow.source.type": "LOCAL",
            "mlflow.source.name": start["source"] or "aiaas",
            "aiaas.verb": start["verb"],
            "aiaas.recipe": start["name"],
        }
        if start.get("parent"):
            above = sent_state(self.folder.parent / start["parent"]).get("run_id")
            tags |= {"aiaas.parent": start["parent"], **({"mlflow.parentRunId": above} if above else {})}
        described = environment.load(self.folder / ENVIRONMENT)
        return {**tags, **environment.tags(described)} if described else tags

    # --- its events -----------------------------------------------------------------------------------------------

    def _send(self, client: MlflowClient, events: Sequence[Mapping[str, Any]]) -> None:
        """Numbers and words of all events together in few large requests, then the rest in order."""
        from mlflow.entities import Metric, Param, RunTag

        assert self.run_id
        metrics = (
            Metric(values.name(key), float(value), event["time"], event["step"] or 0)
            for event in events
            if event["event"] == "metrics"
            for key, value in event["values"].items()
        )
        for batch in _batches(metrics, _METRICS):
            client.log_batch(self.run_id, metrics=batch)
        for params in _batches(iter(self._new_params(events).items()), _PARAMS):
            client.log_batch(self.run_id, params=[Param(key, value) for key, value in params])
        tags = {
            values.name(key): values.cut(value, values.TAG_CHARACTERS)
            for event in events
            if event["event"] == "tags"
            for key, value in event["values"].items()
        }
        for words in _batches(iter(tags.items()), _TAGS):
            client.log_batch(self.run_id, tags=[RunTag(key, value) for key, value in words])
        for event in events:
            self._last = event["time"]
            if event["event"] in {"start", "dataset", "artifact", "register", "child", "end"}:
                getattr(self, f"_{event['event']}")(client, event)

    def _new_params(self, events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """MLflow refuses a second value of a parameter: the first stays."""
        new: dict[str, str] = {}
        for event in events:
            if event["event"] == "params":
                for key, value in event["values"].items():
                    if values.name(key) not in self._params:
                        new.setdefault(values.name(key), values.cut(value, values.PARAM_CHARACTERS))
        self._params |= new
        return new

    def _start(self, client: MlflowClient, event: Mapping[str, Any]) -> None:
        described = environment.load(self.folder / ENVIRONMENT)
        if described:
            assert self.run_id
            client.log_text(self.run_id, environment.requirements(described), "environment/requirements.txt")
            client.log_artifact(self.run_id, str(self.folder / ENVIRONMENT), "environment")

    def _dataset(self, client: MlflowClient, event: Mapping[str, Any]) -> None:
        client.log_inputs(self.run_id, [publish.dataset_input(event)])

    def _artifact(self, client: MlflowClient, event: Mapping[str, Any]) -> None:
        path = self.folder / ARTIFACTS / event["name"]
        parent = str(Path(event["name"]).parent)
        if path.is_dir():
            client.log_artifacts(self.run_id, str(path), event["name"])
        elif path.is_file():
            client.log_artifact(self.run_id, str(path), None if parent == "." else parent)

    def _register(self, client: MlflowClient, event: Mapping[str, Any]) -> None:
        assert self.run_id
        uri = without_password(self.store.registry_uri)
        made = publish.Made(self.folder, self.run_id, self.state["experiment_id"])
        publish.register(client, Registry(self.workspace.models), event, made, uri)

    def _child(self, client: MlflowClient, event: Mapping[str, Any]) -> None:
        folder = self.folder.parent / event["id"]
        with FileLock(folder / SENDER_LOCK):
            child = Replay(folder, self.workspace, self.store)
            if not child.ended:
                child.close(client, "KILLED")

    def _end(self, client: MlflowClient, event: Mapping[str, Any]) -> None:
        client.set_terminated(self.run_id, event["status"], event["time"])
        self.ended = True


def _batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(items, size)):
        yield batch
