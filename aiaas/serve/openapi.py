"""The OpenAPI document: each model's own path, with what it takes, what it gives, and a request that works."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from itertools import islice
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Signature

if TYPE_CHECKING:
    from aiaas.bundle import Bundle
    from aiaas.serve.body import Limits
    from aiaas.serve.calls import Caller
    from aiaas.serve.service import Service

EXAMPLES = 2
LONGEST = 16_384
"""Characters of an example that is shown: nobody reads a photograph as base64."""
_TYPES = {"int": "integer", "uint": "integer", "float": "number", "double": "number", "decimal": "number"}
Schema = dict[str, Any]
_NULLABLE: Schema = {"type": ["string", "null"]}


def describe(service: Service, caller: Caller) -> Schema:
    """The document of the service as it is for the caller."""
    paths: dict[str, Any] = {
        "/health/live": {"get": _get("live", "Whether the process answers.", _object({"status": "string"}))},
        "/health/ready": {"get": _ready()},
        "/v1/models": {"get": _get("list_models", "The models of this service.", _list_schema())},
    }
    for live in service.models.of(caller):
        name = live.name
        paths[f"/v1/models/{name}"] = {"get": _get(f"get_{name}", f"About {name}.", _ref("Model"))}
        paths[f"/v1/models/{name}/predict"] = {"post": _predict(name, live.bundle, live.media_types, service.limits)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "aiaas", "version": version("aiaas")},
        "paths": paths,
        "components": {"schemas": {"Problem": _problem_schema(), "Model": _model_schema()}},
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Mapping[str, str | Schema]) -> Schema:
    """An object that has all of `properties`; a string stands for a type."""
    full = {name: {"type": each} if isinstance(each, str) else each for name, each in properties.items()}
    return {"type": "object", "properties": full, "required": list(full)}


def _content(schema: Schema, example: Any = None) -> Schema:
    body = {"schema": schema} if example is None else {"schema": schema, "example": example}
    return {"application/json": body}


def _response(description: str, schema: Schema, example: Any = None) -> Schema:
    return {
        "description": description,
        "headers": {"X-Request-ID": {"schema": {"type": "string"}}},
        "content": _content(schema, example),
    }


def _get(operation: str, summary: str, schema: Schema) -> Schema:
    return {"operationId": operation, "summary": summary, "responses": {"200": _response("Done.", schema)}}


def _ready() -> Schema:
    operation = _get("ready", "Whether requests should be sent here.", _object({"status": "string"}))
    operation["responses"]["503"] = _response("On its way out.", _object({"status": "string"}))
    return operation


def _predict(name: str, bundle: Bundle, media_types: Sequence[str], limits: Limits) -> Schema:
    examples = list(islice(filter(_is_short, bundle.examples()), EXAMPLES))
    request = {"inputs": [each["input"] for each in examples]}
    about = {"model": bundle.name, "version": bundle.version, "digest": bundle.digest}
    answers = [each["answer"] for each in examples]
    response = {**about, "outputs": answers}
    outputs = {"type": "array", "items": _output(bundle.signature, answers)}
    given = _object({"model": "string", "version": _NULLABLE, "digest": "string", "outputs": outputs})
    most = limits.prompts if bundle.options else limits.rows
    inputs = {"type": "array", "items": _input(bundle), "maxItems": most}
    taken = {**_object({"inputs": inputs}), "additionalProperties": False}
    taken["properties"] |= _asked(bundle)
    refusals = {
        "400": "The body is not of this form.",
        "413": f"More than {limits.body:,} bytes or {most:,} inputs.",
        "415": "The body is not declared as one of these.",
        "422": "Inputs do not fit the model; `faults` names each.",
    }
    return {
        "operationId": f"predict_{name}",
        "summary": f"Answers of {name}, one for each input, in order.",
        "requestBody": {
            "required": True,
            "content": _content(taken, request if examples else None) | _files(media_types, limits),
        },
        "responses": {
            "200": _answers(bundle, given, response if examples else None),
            **{status: _response(text, _ref("Problem")) for status, text in refusals.items()},
        },
    }


def _is_short(example: Mapping[str, Any]) -> bool:
    return len(json.dumps(example)) <= LONGEST


def _asked(bundle: Bundle) -> Schema:
    """What else may be asked of a model that writes."""
    if bundle.options is None:
        return {}
    stream = {"type": "boolean", "default": False, "description": "Send one input's answer as it is written."}
    return {"options": {**bundle.options.model_json_schema(), "title": "Options"}, "stream": stream}


def _answers(bundle: Bundle, given: Schema, example: Any) -> Schema:
    """The answers as a whole; of a model that writes also as events."""
    response = _response("The answers.", given, example)
    if bundle.options:
        response["content"]["text/event-stream"] = {
            "schema": {
                "type": "string",
                "description": 'Events: `token` with {"text": …} for each piece; then `answer` with what the response '
                "would be as a whole, or `error` with a Problem.",
            }
        }
    return response


def _files(media_types: Sequence[str], limits: Limits) -> Schema:
    """A file as the body itself, or some of them in a form."""
    if not media_types:
        return {}
    part = {"type": "string", "contentMediaType": ", ".join(media_types)}
    files = {"type": "array", "items": part, "minItems": 1, "maxItems": limits.rows}
    bare: Schema = {kind: {} for kind in media_types}
    return bare | {"multipart/form-data": {"schema": _object({"file": files})}}


def _input(bundle: Bundle) -> Schema:
    """One input, as `decode` takes it: a text or file, which may come bare; or an object of columns, in which those
    that the task names must be there, and any other may be missing."""
    signature = bundle.signature
    if signature.bare is not None:
        value = {"type": "string"} | ({"contentEncoding": "base64"} if signature.file else {})
        return {"oneOf": [value, {**_object({signature.bare: value}), "additionalProperties": False}]}
    named = {column.name for column in bundle.task.COLUMNS}
    columns = {
        name: {"type": _type(dtype) if name in named else [_type(dtype), "null"]}
        for name, dtype in signature.features.items()
    }
    needed = {"required": required} if (required := [name for name in columns if name in named]) else {}
    return {"type": "object", "properties": columns, **needed, "additionalProperties": False}


def _type(dtype: str) -> str:
    """The JSON type of an Arrow type: `int64`, `large_string`, …"""
    if dtype == "bool":
        return "boolean"
    return next((name for start, name in _TYPES.items() if dtype.startswith(start)), "string")


def _output(signature: Signature, examples: Sequence[Any]) -> Schema:
    """One answer: a classifier's is known by its labels, any other's is of the kind that the example is."""
    if not signature.labels:
        return _kind(examples[0]) if examples else {"type": "object"}
    scores = _object(dict.fromkeys(signature.labels, "number"))
    return _object({"label": {"enum": list(signature.labels)}, "score": "number", "scores": scores})


def _kind(value: Any) -> Schema:
    """What kind of JSON a value is; what a list holds is as its first element."""
    match value:
        case dict():
            return _object({name: _kind(each) for name, each in value.items()})
        case [first, *_]:
            return {"type": "array", "items": _kind(first)}
        case str():
            return {"type": "string"}
        case bool():
            return {"type": "boolean"}
        case float() | int():
            return {"type": "number"}
    return {}


def _list_schema() -> Schema:
    return _object({"models": {"type": "array", "items": _ref("Model")}})


def _model_schema() -> Schema:
    return _object(
        {
            "name": "string",
            "version": _NULLABLE,
            "digest": "string",
            "runtime": "string",
            "task": "string",
            "signature": {"type": "object"},
        }
    )


def _problem_schema() -> Schema:
    faults = {"type": "array", "items": _object({"where": "string", "message": "string"})}
    error = _object({"code": "string", "message": "string", "where": _NULLABLE, "hint": _NULLABLE})
    error["properties"]["faults"] = faults
    return _object({"error": error, "request_id": "string"})
