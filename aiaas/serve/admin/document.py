"""The part of the OpenAPI document that administrators see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from aiaas.serve.admin.asked import Alias, Model, NewKey, Rollback, Rotation, Tenant

Schema = dict[str, Any]
_NULLABLE: Schema = {"type": ["string", "null"]}
_TIME: Schema = {"type": ["number", "null"], "description": "Seconds since the epoch."}
_PROBLEM: Schema = {"$ref": "#/components/schemas/Problem"}
_NAMES: Schema = {"type": "array", "items": {"type": "string"}}
_KEY: Schema = {
    "key_id": {"type": "string"},
    "tenant": {"type": "string"},
    "scopes": _NAMES,
    "models": {"type": ["array", "null"], "items": {"type": "string"}},
    "quota": {"type": "string"},
    "state": {"enum": ["valid", "replaced", "expired", "revoked"]},
    "created": _TIME,
    "expires": _TIME,
    "revoked": _TIME,
    "replaced_by": _NULLABLE,
}
_TENANT: Schema = {"tenant": {"type": "string"}, "quota": {"type": "string"}}
_MOVED: Schema = {"name": {"type": "string"}, "alias": {"type": "string"}, "version": {"type": "integer"}}
_LOADED: Schema = {
    "type": "object",
    "description": "As GET /v1/models/NAME describes it.",
    "properties": {"name": {"type": "string"}, "version": _NULLABLE, "digest": {"type": "string"}},
    "required": ["name"],
}
_REFUSALS = {
    "400": "The request cannot be done.",
    "403": "The key has no scope admin.",
    "404": "There is nothing of that name.",
    "409": "The state of the service does not allow it.",
    "413": "The body is too long.",
    "415": "The body is not JSON.",
    "503": "The database does not answer.",
}


def paths() -> Schema:
    """By path and method."""
    made = _object({"key": {"type": "string", "description": "Shown only here."}, **_KEY})
    keys = _object({"keys": {"type": "array", "items": _object(_KEY)}})
    revoked = _object({"revoked": _NAMES})
    tenants = _object({"tenants": {"type": "array", "items": _object(_TENANT)}})
    objects = {"type": "array", "items": {"type": "object"}}
    models = _object({"answering": objects, "registered": objects})
    unloaded = _object({"unloaded": {"type": "string"}})
    filtered = [{"name": "tenant", "in": "query", "schema": {"type": "string"}}]
    return {
        "/v1/admin/keys": {
            "get": _operation("list_keys", "Every key, without what opens anything.", keys, parameters=filtered),
            "post": _operation("create_key", "Make a key.", made, NewKey, status="201"),
        },
        "/v1/admin/keys/{key}": {"delete": _operation("revoke_key", "Let a key open nothing.", revoked, of=("key",))},
        "/v1/admin/keys/{key}/rotate": {
            "post": _operation("rotate_key", "Replace a key.", made, Rotation, status="201", of=("key",))
        },
        "/v1/admin/tenants": {"get": _operation("list_tenants", "Every tenant and its quota.", tenants)},
        "/v1/admin/tenants/{tenant}": {
            "put": _operation("limit_tenant", "Limit a tenant.", _object(_TENANT), Tenant, of=("tenant",))
        },
        "/v1/admin/tenants/{tenant}/keys": {
            "delete": _operation("revoke_keys", "Revoke all keys of a tenant.", revoked, of=("tenant",))
        },
        "/v1/admin/models": {
            "get": _operation("list_versions", "What answers, and what is registered.", models),
            "post": _operation("load_model", "Answer with a further model too.", _LOADED, Model, status="201"),
        },
        "/v1/admin/models/{name}": {
            "delete": _operation("unload_model", "Answer with a model no more.", unloaded, of=("name",))
        },
        "/v1/admin/models/{name}/aliases/{alias}": {
            "put": _operation(
                "set_alias", "Let an alias stand on a version.", _object(_MOVED), Alias, of=("name", "alias")
            )
        },
        "/v1/admin/models/{name}/rollback": {
            "post": _operation("roll_back", "Put an alias back.", _object(_MOVED), Rollback, of=("name",))
        },
    }


def _object(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(properties), "required": list(properties)}


def _operation(
    name: str,
    summary: str,
    given: Schema,
    body: type[BaseModel] | None = None,
    *,
    status: str = "200",
    of: tuple[str, ...] = (),
    parameters: list[Schema] | None = None,
) -> Schema:
    named = [{"name": each, "in": "path", "required": True, "schema": {"type": "string"}} for each in of]
    answers = {status: _answer("Done.", given)} | {code: _answer(text, _PROBLEM) for code, text in _REFUSALS.items()}
    operation: Schema = {"operationId": name, "summary": summary, "tags": ["admin"], "responses": answers}
    if named or parameters:
        operation["parameters"] = [*named, *(parameters or ())]
    if body is not None:
        schema = body.model_json_schema()
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _answer(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
