"""The JSON Schema of recipes, from which editors complete and check: the frame, and every plug-in's own parameters."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel

from aiaas import perturb, plugins
from aiaas.contracts import Params, settings_of
from aiaas.recipe.gates import names
from aiaas.recipe.models import Recipe

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def schema() -> Schema:
    """The schema as plain JSON. Imports every plug-in, and no framework; one that cannot be imported is left out."""
    definitions: Schema = {}
    frame = Recipe.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
    definitions.update(frame.pop("$defs"))
    for unused in ("Params", "SourceParams", "StepSpec"):
        definitions.pop(unused, None)
    properties = frame["properties"]
    properties["task"]["enum"] = list(plugins.usable("tasks"))
    properties["collect"]["items"] = _sources(definitions)
    definitions["Preprocess"]["properties"]["steps"]["items"] = _steps(definitions)
    definitions["Evaluate"]["properties"]["robustness"]["anyOf"] += _robustness(definitions["Robustness"])
    _short_forms(definitions)
    definitions["ModelSection"] = _model(definitions["ModelSection"], definitions)
    properties["train"] = {"description": properties["train"]["description"]}
    for name in ("preprocess", "inspect", "evaluate", "deploy"):
        section = properties[name]
        section["anyOf"] = [{"$ref": section.pop("$ref")}, {"type": "null"}]
    return {
        "$schema": DIALECT,
        "title": "aiaas recipe",
        "description": "One model's way from raw data to an API.",
        **{key: value for key, value in frame.items() if key not in ("title", "description")},
        "allOf": [*_tasks(), *_settings(definitions)],
        "$defs": dict(sorted(definitions.items())),
    }


def _define(name: str, model: type[BaseModel], definitions: Schema) -> Schema:
    """Put a plug-in's model among the definitions, what it refers to under its own prefix; returns the reference."""
    made = model.model_json_schema(by_alias=True, ref_template=f"#/$defs/{name}.{{model}}")
    definitions.update({f"{name}.{inner}": value for inner, value in made.pop("$defs", {}).items()})
    definitions[name] = {**made, "title": name}
    return {"$ref": f"#/$defs/{name}"}


def _sources(definitions: Schema) -> Schema:
    """An entry of `collect`: the scheme of `source` decides which model holds."""
    choices: list[Schema] = []
    schemes: list[str] = []
    plain: Schema = {}
    for name, module in plugins.usable("sources").items():
        reference = _define(f"source.{name}", module.Params, definitions)
        own = [scheme for scheme in module.SCHEMES if scheme]
        schemes += own
        if "" in module.SCHEMES:
            plain = reference
        if own:
            choices.append(_when({"source": {"pattern": _begins(own)}}, reference))
    if plain:
        choices.append(_when({"source": {"not": {"pattern": _begins(schemes)}}}, plain))
    return {
        "type": "object",
        "required": ["source"],
        "properties": {"source": {"type": "string", "description": "Where the rows are.", "minLength": 1}},
        "allOf": choices,
    }


def _begins(schemes: list[str]) -> str:
    return f"^({'|'.join(re.escape(scheme) for scheme in sorted(schemes))}):"


def _when(properties: Schema, then: Schema) -> Schema:
    return {"if": {"properties": properties, "required": list(properties)}, "then": then}


def _steps(definitions: Schema) -> Schema:
    """A step: its name, or its name with parameters."""
    parameters = {
        name: {"anyOf": [_define(f"step.{name}", module.Params, definitions), {"type": "null"}]}
        for name, module in plugins.usable("steps").items()
    }
    return {
        "anyOf": [
            {"enum": list(parameters)},
            {
                "type": "object",
                "properties": parameters,
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ]
    }


def _robustness(section: Schema) -> list[Schema]:
    """What may stand in the place of the mapping: whether, or which perturbations."""
    names = section["properties"]["perturbations"]["anyOf"][0]
    names["items"] = {"enum": perturb.fitting(perturb.KINDS)}
    return [{"type": "boolean"}, names]


def _short_forms(definitions: Schema) -> None:
    """What of a search may be written shorter: a list of values, one metric."""
    definitions["Dimension"] = {"anyOf": [{"type": "array", "minItems": 2}, definitions["Dimension"]]}
    metric = definitions["Tune"]["properties"]["metric"]
    described = {name: metric.pop(name) for name in ("title", "description", "default") if name in metric}
    definitions["Tune"]["properties"]["metric"] = {**described, "anyOf": [{"type": "string"}, metric]}


def _model(section: Schema, definitions: Schema) -> Schema:
    """`model`: the backend decides which architectures there are, both together which parameters."""
    known = _architectures()
    backends = sorted({backend for backend, _ in known})
    choices = [
        _when(
            {"backend": {"const": backend}},
            {"properties": {"architecture": {"enum": [name for other, name in known if other == backend]}}},
        )
        for backend in backends
    ]
    for (backend, name), module in known.items():
        reference = _define(f"model.{backend}.{name}", module.Params, definitions)
        params = {"anyOf": [reference, {"type": "null"}]}
        when = {"backend": {"const": backend}, "architecture": {"const": name}}
        choices.append(_when(when, {"properties": {"params": params}}))
    properties = section["properties"]
    properties["backend"]["enum"] = backends
    properties["architecture"]["enum"] = sorted({name for _, name in known})
    properties["params"] = {"description": properties["params"].get("description", "")}
    return {**section, "allOf": choices}


def _architectures() -> dict[tuple[str, str], Any]:
    """Every architecture by its backend and its name."""
    found = ((full.partition("/"), module) for full, module in plugins.usable("architectures").items())
    return {(backend, name): module for (backend, _, name), module in found}


def _tasks() -> list[Schema]:
    """The task decides which architectures can learn it and what a gate may name."""
    known = _architectures()
    choices = []
    for task, module in plugins.usable("tasks").items():
        fitting = sorted({name for (_, name), architecture in known.items() if task in architecture.TASKS})
        gates = {"propertyNames": {"enum": names(module)}}
        then = {
            "properties": {
                "model": {"properties": {"architecture": {"enum": fitting}}},
                "evaluate": {"properties": {"gates": gates}},
            }
        }
        choices.append(_when({"task": {"const": task}}, then))
    return choices


def _settings(definitions: Schema) -> list[Schema]:
    """Backend and architecture decide what may stand under `train`."""
    choices = []
    for (backend, name), module in _architectures().items():
        model = settings_of(module)
        shared = model.__name__ if model is Params else f"train.{backend}.{name}"
        section = {"anyOf": [_define(shared, model, definitions), {"type": "null"}]}
        chosen = {"properties": {"backend": {"const": backend}, "architecture": {"const": name}}}
        when = {"model": {**chosen, "required": ["backend", "architecture"]}}
        choices.append(_when(when, {"properties": {"train": section}}))
    return choices
