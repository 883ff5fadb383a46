"""What MLflow holds beside numbers and files: dataset inputs, logged models, versions and their aliases."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas.errors import RemoteError
from aiaas.track import model
from aiaas.track.registry import Registry

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

RUN_TAG = "aiaas.run"
_DIGEST_CHARACTERS = 36
_TYPES = {"int64": "long", "float64": "double", "bool": "boolean"}


@dataclass(frozen=True, slots=True)
class Made:
    """The run a model comes from: its folder here, its id and experiment in MLflow."""

    folder: Path
    run_id: str
    experiment_id: str


def dataset_input(event: Mapping[str, Any]) -> Any:
    """The event `dataset` as MLflow keeps it; its digest field is short, so the whole digest is a tag."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = event["source"]
    web = source.startswith(("http://", "https://"))
    columns = [{"type": _TYPES.get(kind, "string"), "name": name} for name, kind in (event["schema"] or {}).items()]
    dataset = Dataset(
        name=event["name"],
        digest=event["digest"][:_DIGEST_CHARACTERS],
        source_type="http" if web else "local",
        source=json.dumps({"url" if web else "uri": source}, ensure_ascii=False),
        schema=json.dumps({"mlflow_colspec": columns}, ensure_ascii=False) if columns else None,
        profile=json.dumps({"num_rows": event["rows"]}) if event["rows"] is not None else None,
    )
    tags = [InputTag("mlflow.data.context", event["context"]), InputTag(model.DIGEST_TAG, event["digest"])]
    return DatasetInput(dataset, tags)


def register(client: MlflowClient, registry: Registry, event: Mapping[str, Any], made: Made, uri: str) -> None:
    """Make sure that MLflow at `uri` holds the version that the event `register` names, and its aliases."""
    name, digest = event["name"], event["digest"]
    known = registry.versions(name) if registry.has(name) else []
    version = next((each for each in known if each.digest == digest), None)
    if version is None:  # taken out of the registry since
        return
    if version.remote is None or version.remote["uri"] != uri:
        number = _found(client, name, digest, made) or _create(client, event, version.path, made)
        registry.confirm(name, digest, uri=uri, number=number, run_id=made.run_id)
    send_aliases(client, registry, name, uri)


def send_aliases(client: MlflowClient, registry: Registry, name: str, uri: str) -> None:
    """Move the aliases in MLflow to where they stand here, as far as the versions are there."""
    for alias, number in registry.unsent_aliases(name).items():
        version = registry.resolve(name, version=number)
        if version.remote and version.remote["uri"] == uri:
            client.set_registered_model_alias(name, alias, str(version.remote["version"]))
            registry.alias_sent(name, alias, number)


def _found(client: MlflowClient, name: str, digest: str, made: Made) -> int | None:
    """The number it got before a kill came between registering and remembering."""
    found = client.search_model_versions(f"name = '{name}' and run_id = '{made.run_id}'")
    return next((int(each.version) for each in found if each.tags.get(model.DIGEST_TAG) == digest), None)


def _create(client: MlflowClient, event: Mapping[str, Any], bundle: Path, made: Made) -> int:
    from mlflow.exceptions import MlflowException

    name, digest = event["name"], event["digest"]
    if not bundle.is_dir():
        raise RemoteError("the bundle to register is gone", where=str(bundle), hint="run the recipe again")
    model_id = _log_model(client, event, bundle, made)
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    version = client.create_model_version(
        name,
        source=f"models:/{model_id}",
        run_id=made.run_id,
        model_id=model_id,
        tags={model.DIGEST_TAG: digest, RUN_TAG: made.folder.name},
    )
    return int(version.version)


def _log_model(client: MlflowClient, event: Mapping[str, Any], bundle: Path, made: Made) -> str:
    """Upload the MLflow model, the bundle straight from where it lies, and link it to its run."""
    from mlflow.entities import LoggedModelOutput

    digest = event["digest"]
    logged = client.create_logged_model(
        made.experiment_id, name=event["name"], source_run_id=made.run_id, tags={model.DIGEST_TAG: digest}
    )
    model_id = str(logged.model_id)
    with tempfile.TemporaryDirectory(dir=made.folder) as scratch:
        model.describe(
            Path(scratch),
            bundle=bundle,
            digest=digest,
            model_id=model_id,
            run_id=made.run_id,
            signature=event["signature"],
            answer=event["answer"],
        )
        client.log_model_artifacts(model_id, scratch)
    client.log_model_artifacts(model_id, str(bundle), model.FOLDER)
    client.finalize_logged_model(model_id, "READY")
    client.log_outputs(made.run_id, [LoggedModelOutput(model_id, 0)])
    return model_id
