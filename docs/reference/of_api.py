"""The HTTP API, as the OpenAPI document of a small service has it: a model each that sorts texts, estimates from rows,
gives vectors and writes."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiaas import plugins
from aiaas.bundle import Bundle
from aiaas.contracts import Signature

TITLES = {
    "health": "Health",
    "about": "Models",
    "native": "Our own protocol",
    "mlflow": "MLflow",
    "openinference": "Open Inference Protocol",
    "tensorflow_serving": "TensorFlow Serving",
    "openai": "OpenAI",
}
LIMITS = {
    "body": "bytes of a body",
    "rows": "inputs of a request",
    "prompts": "inputs of a request to a model that writes",
    "seconds": "seconds that a request may take, its body included",
    "waiting": "inputs that wait for a model, in a worker",
    "batch_rows": "inputs of a batch",
    "batch_tokens": "tokens of a batch",
    "refusals": "requests without a valid key that are answered in a second, by a worker",
}
DIGEST = "9f2c" * 16
LINE = 120
ROW = {"rooms": 3, "size": 71.5, "street": "Nanjing Road"}
SHOWN: dict[str, tuple[str, Signature, dict[str, Any], dict[str, Any]]] = {
    "reviews": (
        "text-classification",
        Signature({"text": "string"}, "label", ("neg", "pos")),
        {"text": "The room was clean"},
        {"label": "pos", "score": 0.97, "scores": {"neg": 0.03, "pos": 0.97}},
    ),
    "rents": (
        "tabular-regression",
        Signature({"rooms": "int64", "size": "float64", "street": "string"}, "target"),
        ROW,
        {"value": 6120.5},
    ),
    "faq": (
        "text-embedding",
        Signature({"text": "string"}, None),
        {"text": "How do I return it?"},
        {"embedding": [0.0311, -0.0482, 0.1207, 0.0049]},
    ),
    "poems": ("text-generation", Signature({"text": "string"}, None), {"text": "The moon"}, {"text": " is late,"}),
}
PREFERRED = ("reviews", "rents")
"""Whose examples stand on the page, where every model has a path of its own."""


class Shown(Bundle):
    """A bundle of which only what it takes and gives is known."""

    def examples(self) -> Iterator[dict[str, Any]]:
        _, _, value, answer = SHOWN[self.name]
        yield {"input": value, "answer": answer}


def api() -> dict[str, Any]:
    from aiaas.serve.app import create_app
    from aiaas.serve.body import CONTAINERS
    from aiaas.serve.calls import LOCAL
    from aiaas.serve.limits import Limits
    from aiaas.serve.openapi import PARTS
    from aiaas.strictjson import MAX_DEPTH

    service = create_app({name: _bundle(name) for name in SHOWN}).state.service
    seen = service.models.of(LOCAL)
    parts = [_part(part, part.paths(service, seen)) for part in PARTS]
    limits = [(LIMITS[field.name], getattr(Limits(), field.name)) for field in dataclasses.fields(Limits)]
    limits += [("lists and objects in JSON", CONTAINERS), ("levels of JSON", MAX_DEPTH)]
    return {"parts": parts, "errors": list(_errors()), "limits": limits}


def _bundle(name: str) -> Any:
    task, signature, *_ = SHOWN[name]
    manifest = {"name": name, "task": task, "digest": DIGEST, "runtime": "onnx"}
    return Shown(Path(name), manifest, plugins.task(task), signature, signature, (), object(), "3")


def _part(module: Any, paths: dict[str, Any]) -> dict[str, Any]:
    name = module.__name__.rpartition(".")[2]
    operations: dict[tuple[str, str], str] = {}
    examples = []
    fields: dict[str, Any] = {}
    for path, item in paths.items():
        for method, operation in item.items():
            general, summary = _general(path), _general(operation["summary"])
            operations.setdefault((method.upper(), general), summary)
            if method == "post":
                examples += _examples(path, operation)
                fields |= _fields(general, operation) if general == path else {}
    return {
        "title": TITLES.get(name, name),
        "told": _told(name),
        "operations": [
            {"method": method, "path": path, "summary": text} for (method, path), text in operations.items()
        ],
        "examples": examples,
        "fields": fields,
    }


def _general(text: str) -> str:
    """A path or a sentence with NAME in the place of a model's name, VERSION in that of its version."""
    for name in SHOWN:
        text = text.replace(f"/{name}", "/NAME").replace(f" {name}", " NAME")
    return text.replace("/versions/3", "/versions/VERSION")


def _told(name: str) -> str:
    """What the protocol's own module says of it."""
    from aiaas.serve import protocols

    try:
        module = __import__(f"{protocols.__name__}.{name}", fromlist=[name])
    except ModuleNotFoundError:
        return ""
    return inspect.cleandoc(module.__doc__ or "")


def _examples(path: str, operation: dict[str, Any]) -> Iterator[dict[str, str]]:
    """A request and, where it is always the same, its answer."""
    own = any(f"/{name}" in path for name in SHOWN)
    if "/versions/" in path or (own and not any(f"/{name}" in path for name in PREFERRED)):
        return
    taken = operation["requestBody"]["content"]["application/json"].get("example")
    given = operation["responses"]["200"]["content"]["application/json"].get("example")
    if taken:
        yield {"path": path, "request": _json(taken), "answer": _json(given) if given else ""}


def _json(value: Any) -> str:
    """On one line where it fits."""
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) <= LINE else json.dumps(value, ensure_ascii=False, indent=1)


def _fields(path: str, operation: dict[str, Any]) -> dict[str, Any]:
    """What a body may hold, where it is the same for every model."""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    described = {name: each.get("description", "") for name, each in schema.get("properties", {}).items()}
    return {path: described} if described else {}


def _errors() -> Iterator[tuple[int, str, str]]:
    """Status, code and meaning of whatever a request may be refused with."""
    from aiaas.errors import OptionError
    from aiaas.serve.errors import HTTP_CODES, InputsError, LaterError, RequestError

    found: list[Any] = [RequestError, InputsError]
    for kind in found:
        found += kind.__subclasses__()
    rows = [(kind.http, kind.code, _first(kind)) for kind in found if kind is not LaterError]
    rows += [(InputsError.http, OptionError.code, _first(OptionError))]
    rows += [(405, HTTP_CODES[405], "The path has other methods, which the header Allow names.")]
    yield from sorted(rows)


def _first(kind: type[Any]) -> str:
    """The first clause of what a class says of itself."""
    return inspect.cleandoc(kind.__doc__ or "").replace("\n", " ").partition(". ")[0].partition("; ")[0]
