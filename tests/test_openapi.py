"""serve: what the OpenAPI document says is so: its examples work, its schemas hold, and no request that schemathesis
makes of it is answered otherwise than it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from tests.every_task import KINDS, served

CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
    checks.allow_header_conformance,
]
EXAMPLES = settings(
    max_examples=5, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch, served(tmp_path_factory.mktemp("served")) as address:
        for name in ("no_proxy", "NO_PROXY"):
            patch.setenv(name, "127.0.0.1")
        yield address


@pytest.fixture(scope="module")
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def document(http: httpx.Client) -> dict[str, Any]:
    return dict(http.get("/openapi.json").json())


@pytest.fixture(scope="module")
def described(url: str) -> Any:
    return schemathesis.openapi.from_url(f"{url}/openapi.json")


def holds(document: dict[str, Any], part: Any, value: Any) -> None:
    """Whether `value` is as the schema `part` of the document says."""
    whole = {**part, "components": document["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def test_every_example_works_and_gives_what_stands_beside_it(http: httpx.Client, document: dict[str, Any]) -> None:
    shown = 0
    for path, item in document["paths"].items():
        if "post" not in item:
            continue
        body = item["post"]["requestBody"]["content"]["application/json"]
        if "example" not in body:
            assert path == "/invocations"  # there are several models
            continue
        holds(document, body["schema"], body["example"])
        response = http.post(path, json=body["example"])
        assert response.status_code == 200, (path, response.text)
        given = item["post"]["responses"]["200"]["content"]["application/json"]
        holds(document, given["schema"], response.json())
        if "example" in given:
            assert response.json() == given["example"]
            shown += 1
    assert shown >= len(KINDS) * 4


def test_everything_that_can_be_looked_at_is_as_described(http: httpx.Client, document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        if "get" in item:
            response = http.get(path)
            assert response.status_code == 200, path
            ((kind, given),) = item["get"]["responses"]["200"]["content"].items()
            assert response.headers["content-type"].startswith(kind), path
            if kind == "application/json" and response.content.strip():
                holds(document, given["schema"], response.json())


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [each["operationId"] for item in document["paths"].values() for each in item.values()]
    assert len(names) == len(set(names))


def test_the_document_is_valid(described: Any) -> None:
    described.validate()


@pytest.mark.parametrize("mode", GenerationMode)
def test_no_request_is_answered_otherwise_than_described(described: Any, mode: GenerationMode) -> None:
    """Requests that fit the document and requests that do not, to every operation."""
    asked = 0

    def ask(case: schemathesis.Case) -> None:
        nonlocal asked
        asked += 1
        response = case.call_and_validate(checks=CHECKS, headers={"X-Request-Timeout": "0.5"})
        assert response.status_code < 500 or response.status_code in {503, 504}
        assert "Traceback" not in response.text

    operations = [found.ok() for found in described.get_all_operations()]
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not operation.body.items:
            continue
        EXAMPLES(given(case=operation.as_strategy(generation_mode=mode))(ask))()
    assert asked > len(operations)
