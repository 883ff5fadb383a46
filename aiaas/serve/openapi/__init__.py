"""The OpenAPI document: each model's own paths in every protocol, with what it takes, what it gives, and a request that
works.

A part is a module with `paths(service, seen)`, which gives the path items of the models `seen`; one file a protocol.
"""

from __future__ import annotations

from importlib.metadata import version

from aiaas.serve.access import OPEN
from aiaas.serve.calls import Caller
from aiaas.serve.openapi import about, health, mlflow, native, openai, openinference, tensorflow_serving
from aiaas.serve.openapi.schema import COMPONENTS, KEYS, Schema, guarded
from aiaas.serve.service import Service

PARTS = (health, about, native, mlflow, openinference, tensorflow_serving, openai)


def describe(service: Service, caller: Caller) -> Schema:
    """The document of the service as it is for the caller."""
    seen = service.models.of(caller)
    paths: Schema = {}
    for part in PARTS:
        for path, item in part.paths(service, seen).items():
            problem = getattr(part, "PROBLEM", "Problem")
            paths[path] = item if path in OPEN else {method: guarded(each, problem) for method, each in item.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "aiaas", "version": version("aiaas")},
        "paths": paths,
        "components": {"schemas": COMPONENTS, "securitySchemes": KEYS},
    }
