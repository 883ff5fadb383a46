"""The way into MLflow: which store, is it there, and what must be set before MLflow is imported."""

from __future__ import annotations

import logging
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit, urlunsplit

from filelock import FileLock

from aiaas import offline
from aiaas.errors import RemoteError

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_CONNECT_SECONDS = 3.0
_SQLITE = "sqlite:///"
_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",  # of one read, so it does not limit the size of an upload
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # what fails is sent by the next `runs sync`
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "GIT_PYTHON_REFRESH": "quiet",
}


class Place(Protocol):
    """What of a workspace a store needs."""

    @property
    def mlflow_uri(self) -> str: ...
    @property
    def mlflow_artifacts(self) -> Path: ...


@dataclass(frozen=True, slots=True)
class Store:
    """An MLflow: addresses for runs and for models, and where artefacts of new experiments go (None: it decides)."""

    uri: str
    registry_uri: str
    artifacts: Path | None

    @property
    def remote(self) -> bool:
        """Whether it is on another machine: neither a file nor a server of this one."""
        return any(map(_remote, (self.uri, self.registry_uri)))

    @classmethod
    def of(cls, workspace: Place) -> Store:
        """MLFLOW_TRACKING_URI and MLFLOW_REGISTRY_URI where they are set, else the one in the workspace."""
        uri = os.environ.get("MLFLOW_TRACKING_URI")
        registry = os.environ.get("MLFLOW_REGISTRY_URI")
        if uri:
            return cls(uri, registry or uri, None)
        return cls(workspace.mlflow_uri, registry or workspace.mlflow_uri, workspace.mlflow_artifacts)

    def connect(self) -> MlflowClient:
        """Import MLflow and open the store; the first time in a workspace its tables are made (some seconds).

        Raises RemoteError, within a few seconds when nothing listens at the address.
        """
        _reach(self.uri)
        if self.registry_uri != self.uri:
            _reach(self.registry_uri)
        for name, value in _SETTINGS.items():
            os.environ.setdefault(name, value)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from mlflow.tracking import MlflowClient

            with remote_errors(self.uri), making_tables(self.uri):
                client = MlflowClient(tracking_uri=self.uri, registry_uri=self.registry_uri)
                client.search_experiments(max_results=1)
                return client


@contextmanager
def remote_errors(uri: str) -> Iterator[None]:
    """Turn whatever MLflow raises into a RemoteError that names the store."""
    try:
        yield
    except RemoteError:
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise RemoteError(
            f"MLflow answered with an error: {first[:500]}",
            where=without_password(uri),
            hint="aiaas runs sync sends what is kept here once it works",
        ) from error


@contextmanager
def making_tables(uri: str) -> Iterator[None]:
    """Held while a SQLite store is opened for the first time: one process makes its tables, others wait for it.

    MLflow makes them in many steps, none of which may be done twice. A kill in between leaves a store that nobody could
    open again, and that holds nothing yet: the file `.new` beside it tells of that, and it is begun anew.
    """
    if not uri.startswith(_SQLITE):
        yield
        return
    store = Path(uri.removeprefix(_SQLITE).partition("?")[0])
    unfinished = store.with_name(f"{store.name}.new")
    if store.exists() and not unfinished.exists():
        yield
        return
    with FileLock(store.with_name(f"{store.name}.lock")):
        if unfinished.exists():
            for ending in ("", "-journal", "-wal", "-shm"):
                store.with_name(store.name + ending).unlink(missing_ok=True)
        elif not store.exists():
            unfinished.touch()
        yield
        unfinished.unlink(missing_ok=True)


def _remote(uri: str) -> bool:
    parts = urlsplit(uri)
    if parts.scheme in ("file", "sqlite") or (not parts.scheme and uri != "databricks"):
        return False
    return not (parts.hostname and offline.is_here(parts.hostname))


def _reach(uri: str) -> None:
    """Find out in a moment whether a server listens, before seconds go into importing MLflow and retrying."""
    parts = urlsplit(uri)
    if parts.scheme not in {"http", "https"} or not parts.hostname or os.environ.get(f"{parts.scheme.upper()}_PROXY"):
        return
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname, port), timeout=_CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise RemoteError(
            f"the tracking server does not answer: {error}",
            where=without_password(uri),
            hint="check MLFLOW_TRACKING_URI; aiaas runs sync sends what is kept here once it answers",
        ) from None


def without_password(uri: str) -> str:
    """The address as it may be written down and shown."""
    parts = urlsplit(uri)
    if "@" not in parts.netloc:
        return uri
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
