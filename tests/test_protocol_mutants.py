"""serve: requests that were right and then damaged, by every protocol: none is answered by a fault of ours, and nothing
of what was sent comes back with an error."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from aiaas.serve.app import create_app
from aiaas.serve.calls import LOCAL
from aiaas.serve.openapi import describe
from tests.damage import MARK, bent, damaged
from tests.every_task import bundles

REQUESTS = 800


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return create_app(bundles(tmp_path_factory.mktemp("models")))


def examples(app: Any) -> Iterator[tuple[str, Any]]:
    """Every path of the document with the request that it shows."""
    for path, item in describe(app.state.service, LOCAL)["paths"].items():
        body = item.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json", {})
        if "example" in body:
            yield path, body["example"]


def test_no_damaged_request_is_a_fault_of_ours(app: Any) -> None:
    chance = random.Random(11)
    shown = list(examples(app))
    statuses = set()
    with TestClient(app, raise_server_exceptions=False) as client:
        for _ in range(REQUESTS):
            path, example = chance.choice(shown)
            body = json.dumps(damaged(example, chance)).encode()
            headers = {"content-type": "application/json", "x-request-timeout": "1"}
            if path.startswith("/v2") and chance.random() < 0.3:
                headers["Inference-Header-Content-Length"] = str(chance.choice([len(body), len(body) - 1, 0, 10**9]))
            if path.endswith("invocations") and chance.random() < 0.2:
                headers["content-type"] = "text/csv"
            sent = bent(body, chance) if chance.random() < 0.2 else body
            response = client.post(path, content=sent, headers=headers)
            statuses.add(response.status_code)
            if response.status_code >= 400:
                assert response.status_code < 500 or response.status_code in {503, 504}, (path, sent)
                assert MARK not in response.text, (path, sent)
                assert "Traceback" not in response.text
    assert {200, 400, 422} <= statuses
