"""A model that is not registered here, from the MLflow that MLFLOW_TRACKING_URI names, or as it was fetched before."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas.errors import UsageError
from aiaas.track import model
from aiaas.track.reference import CHAMPION, Version
from aiaas.track.store import Store, remote_errors, without_password
from aiaas.workspace import Workspace, atomic

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


class NotRegistered(UsageError):
    """MLflow was asked, and has no such version."""


def fetch(root: Path, name: str, *, alias: str | None = None, version: int | None = None) -> Version:
    """The version as MLflow knows it, its bundle downloaded into the workspace `root` once per digest.

    The bundle is not verified here: whoever loads it does that against the digest. Raises UsageError when MLflow has no
    such model, or one that aiaas did not make, and RemoteError.
    """
    uri = os.environ["MLFLOW_TRACKING_URI"]
    store = Store(uri, os.environ.get("MLFLOW_REGISTRY_URI", uri), None)
    client = store.connect()
    found = _look_up(client, store, name, alias, version)
    digest = found.tags.get(model.DIGEST_TAG)
    if not digest:
        raise UsageError(
            f"{name}/{found.version} is not a bundle of aiaas",
            where=without_password(store.registry_uri),
            hint="aiaas serves what aiaas deploy registered; mlflow models serve serves the rest",
        )
    target = root / "downloads" / "models" / digest
    if not target.is_dir():
        Workspace.open(root)  # who only asks has made none
        with remote_errors(store.registry_uri):
            _download(client.get_model_version_download_uri(name, found.version), target)
    brought = Version(
        name=name,
        number=int(found.version),
        path=target,
        digest=digest,
        created=found.creation_timestamp / 1000,
        metrics={},
        aliases=tuple(sorted(found.aliases)),
        run_id=found.run_id,
        remote={"uri": without_password(store.registry_uri), "version": int(found.version)},
    )
    note(root, brought, None if version is not None else alias or CHAMPION)
    return brought


def note(root: Path, brought: Version, alias: str | None) -> None:
    """Remember what was brought, by its number, and by the alias that was asked for where one was."""
    content = {**asdict(brought), "path": str(brought.path.relative_to(root))}
    for asked in {alias, None}:
        atomic.write_json(_note(root, brought.name, asked, brought.number), content)


def fetched(root: Path, name: str, *, alias: str | None = None, version: int | None = None) -> Version | None:
    """What `fetch` brought when it was last asked the same, without asking; None where it was not, or is gone."""
    try:
        asked = None if version is not None else alias or CHAMPION
        known = json.loads(_note(root, name, asked, version).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    found = Version(**{**known, "path": root / known["path"], "aliases": tuple(known["aliases"])})
    return found if found.path.is_dir() else None


def _note(root: Path, name: str, alias: str | None, version: int | None) -> Path:
    """Where that is kept. No alias is called like a `v` and a number."""
    return root / "downloads" / "models" / f"{name}@{alias or f'v{version}'}.json"


def _look_up(client: MlflowClient, store: Store, name: str, alias: str | None, version: int | None) -> Any:
    from mlflow.exceptions import MlflowException

    with remote_errors(store.registry_uri):
        try:
            if version is not None:
                return client.get_model_version(name, str(version))
            return client.get_model_version_by_alias(name, alias or CHAMPION)
        except MlflowException as error:
            if error.error_code not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                raise
    wanted = f"{name}/{version}" if version is not None else f"{name}@{alias or CHAMPION}"
    raise NotRegistered(
        f"{wanted} is registered neither in this workspace nor in MLflow",
        where=without_password(store.registry_uri),
        hint="aiaas models list shows what is registered here",
    )


def _download(uri: str, target: Path) -> None:
    from mlflow.artifacts import download_artifacts

    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=".part-"))
    try:
        download_artifacts(artifact_uri=f"{uri.rstrip('/')}/{model.FOLDER}", dst_path=str(scratch))
        bundle = scratch / model.FOLDER
        if not target.is_dir():
            (bundle if bundle.is_dir() else scratch).rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
