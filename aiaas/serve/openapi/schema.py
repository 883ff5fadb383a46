"""Pieces that the parts of the document are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]
NULLABLE: Schema = {"type": ["string", "null"]}
LATER = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds."}}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def record(properties: Mapping[str, str | Schema], **optional: str | Schema) -> Schema:
    """An object that has all of `properties`, and may have those of `optional`; a string stands for a type."""
    required = list(properties)
    full = {
        name: {"type": each} if isinstance(each, str) else each for name, each in {**properties, **optional}.items()
    }
    return {"type": "object", "properties": full, **({"required": required} if required else {})}


def only(schema: Schema) -> Schema:
    """An object that has nothing else."""
    return {**schema, "additionalProperties": False}


def array(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def body_of(kind: type[BaseModel]) -> Schema:
    """The schema of a body that pydantic checks, with what it refers to in place."""
    schema = kind.model_json_schema()
    parts = schema.pop("$defs", {})
    return dict(_in_place(schema, parts))


def _in_place(value: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_in_place(each, parts) for each in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _in_place(parts[value["$ref"].rpartition("/")[2]], parts)
    return {name: _in_place(each, parts) for name, each in value.items()}


def content(schema: Schema, example: Any = None, kind: str = "application/json") -> Schema:
    return {kind: {"schema": schema} if example is None else {"schema": schema, "example": example}}


def response(description: str, held: Schema, headers: Mapping[str, Any] | None = None) -> Schema:
    return {
        "description": description,
        "headers": {"X-Request-ID": {"schema": {"type": "string"}}, **(headers or {})},
        "content": held,
    }


def get(operation: str, summary: str, schema: Schema, *, problem: str = "Problem", **refusals: str) -> Schema:
    """An operation that answers `schema`, or one of `refusals`: `of_404="There is none."`."""
    told = {name.removeprefix("of_"): text for name, text in refusals.items()}
    return {
        "operationId": operation,
        "summary": summary,
        "responses": {"200": response("Done.", content(schema)), **_refused(told, problem)},
    }


def post(operation: str, summary: str, taken: Schema, given: Schema, refusals: Mapping[str, str], problem: str) -> Any:
    """An operation that takes and gives bodies, each a media type's schema by its name."""
    return {
        "operationId": operation,
        "summary": summary,
        "parameters": [_TIMEOUT],
        "requestBody": {"required": True, "content": taken},
        "responses": {"200": response("The answers.", given), **_refused({**refusals, **_BUSY}, problem)},
    }


KEYS: Schema = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
"""The two ways to send a key."""


def guarded(operation: Mapping[str, Any], problem: str) -> Schema:
    """An operation for which a key is needed."""
    refused = _refused({"401": "There is no valid key.", "403": "The key is not for this."}, problem)
    return {**operation, "security": [{name: []} for name in KEYS], "responses": {**operation["responses"], **refused}}


def _refused(refusals: Mapping[str, str], problem: str) -> Schema:
    return {
        status: response(text, content(ref(problem)), LATER if status in {"429", "503"} else None)
        for status, text in refusals.items()
    }


_BUSY = {
    "429": "The caller's share is used up.",
    "503": "Too much waits already.",
    "504": "The time given for the request was over.",
}
_TIMEOUT = {
    "name": "X-Request-Timeout",
    "in": "header",
    "required": False,
    "description": "Seconds that the request may take; less than the service allows.",
    "schema": {"type": "number", "exclusiveMinimum": 0},
    "example": 2.5,
}


def _problem() -> Schema:
    faults = array(record({"where": "string", "message": "string"}))
    error = record({"code": "string", "message": "string", "where": NULLABLE, "hint": NULLABLE}, faults=faults)
    return record({"error": error, "request_id": "string"})


def _model() -> Schema:
    """Our own words for a model, and below them those of the other protocols."""
    status = record({"error_code": "string", "error_message": "string"})
    return record(
        {
            "name": "string",
            "version": NULLABLE,
            "digest": "string",
            "runtime": "string",
            "task": "string",
            "signature": {"type": "object"},
            "id": "string",
            "object": {"const": "model"},
            "created": "integer",
            "owned_by": "string",
            "model_version_status": array(record({"version": "string", "state": "string", "status": status})),
            "ready": "boolean",
        }
    )


COMPONENTS: Schema = {
    "Problem": _problem(),
    "TensorProblem": record({"error": "string", "code": "string", "request_id": "string"}),
    "MlflowProblem": record({"error_code": "string", "message": "string", "request_id": "string"}),
    "Model": _model(),
}
