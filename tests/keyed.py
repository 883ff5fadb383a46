"""An app with keys, in this process, for the tests of who may ask what."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from starlette.applications import Starlette
from starlette.testclient import TestClient

from aiaas.contracts import Params
from aiaas.control import Control, Quota
from aiaas.serve.app import create_app
from aiaas.serve.errors import ConflictError
from aiaas.serve.guard import Guard
from aiaas.serve.limits import Limits
from aiaas.track import parse_reference
from aiaas.workspace import Workspace
from tests.echo import Echo

if TYPE_CHECKING:
    from aiaas.serve.models import Models


@dataclass
class Keyed:
    """A service of the models `echo` and `other`, and what it knows of keys."""

    app: Starlette
    control: Control
    http: TestClient
    manager: Alone

    def key(self, tenant: str = "acme", quota: str = "", **more: Any) -> dict[str, str]:
        """The header with a new key."""
        return bearer(self.control.create(tenant, quota=Quota.parse(quota), **more).text)

    def ask(self, headers: dict[str, str], *inputs: str, model: str = "echo") -> httpx.Response:
        return self.http.post(f"/v1/models/{model}/predict", json={"inputs": inputs or ["a"]}, headers=headers)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


class Alone:
    """Loads and unloads in this process: there are no other workers. `refusing` is why it does not."""

    def __init__(self) -> None:
        self.models: Models | None = None
        self.asked: list[str] = []
        self.refusing: str | None = None

    async def load(self, reference: str) -> None:
        await self._do(f"load {reference}")
        assert self.models is not None
        self.models.put(parse_reference(reference).name, Echo())  # type: ignore[arg-type]

    async def unload(self, name: str) -> None:
        await self._do(f"unload {name}")
        assert self.models is not None
        self.models.take_away(name)

    async def _do(self, what: str) -> None:
        self.asked.append(what)
        if self.refusing == "never":
            await asyncio.sleep(60)
        if self.refusing:
            raise ConflictError(self.refusing)


@contextmanager
def keyed(root: Path, echo: Echo | None = None, refusals: float = 1e6) -> Iterator[Keyed]:
    workspace = Workspace.open(root / ".aiaas")
    models: Any = {"echo": echo or Echo(), "other": Echo()}
    with Guard.open(workspace) as guard:
        alone = Alone()
        asks = {"access": guard.access, "admission": guard.admission, "control": guard.control}
        app = create_app(models, manager=alone, limits=Limits(refusals=refusals), **asks)  # type: ignore[arg-type]
        alone.models = app.state.service.models
        with TestClient(app, raise_server_exceptions=False) as http:
            yield Keyed(app, guard.control, http, alone)


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
