"""An app with keys, in this process, for the tests of who may ask what."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.testclient import TestClient

from aiaas.contracts import Params
from aiaas.control import Control, Quota
from aiaas.serve.app import create_app
from aiaas.serve.guard import Guard
from aiaas.workspace import Workspace
from tests.echo import Echo


@dataclass
class Keyed:
    """A service of the models `echo` and `other`, and what it knows of keys."""

    app: Starlette
    control: Control
    http: TestClient

    def key(self, tenant: str = "acme", quota: str = "", **more: Any) -> dict[str, str]:
        """The header with a new key."""
        return bearer(self.control.create(tenant, quota=Quota.parse(quota), **more).text)

    def ask(self, headers: dict[str, str], *inputs: str, model: str = "echo") -> httpx.Response:
        return self.http.post(f"/v1/models/{model}/predict", json={"inputs": inputs or ["a"]}, headers=headers)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@contextmanager
def keyed(root: Path, echo: Echo | None = None) -> Iterator[Keyed]:
    workspace = Workspace.open(root / ".aiaas")
    models: Any = {"echo": echo or Echo(), "other": Echo()}
    with Guard.open(workspace) as guard:
        asks = {"access": guard.access, "admission": guard.admission, "control": guard.control}
        app = create_app(models, **asks)  # type: ignore[arg-type]
        with TestClient(app, raise_server_exceptions=False) as http:
            yield Keyed(app, guard.control, http)


class Writing(Echo):
    """A model that writes three pieces, each of which takes a while."""

    class Options(Params):
        pass

    options: Any = Options

    def answer(self, rows: Any, options: Any = None) -> list[dict[str, Any]]:
        return []

    def write(self, row: Any, options: Any = None) -> Iterator[str]:
        for piece in "abc":
            time.sleep(0.02)
            yield piece

    def written(self, text: str) -> dict[str, Any]:
        return {"text": text}


def writing(root: Path) -> AbstractContextManager[Keyed]:
    return keyed(root, Writing())
