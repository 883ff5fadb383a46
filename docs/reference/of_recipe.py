"""What a recipe may say: its parts, the tasks, and the plug-ins with their parameters."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def sections() -> list[dict[str, Any]]:
    """The parts that every recipe has."""
    from aiaas.contracts import SourceParams
    from aiaas.recipe import evaluate, gate, models, tune

    titles = {
        "The whole": models.Recipe,
        "An entry of `collect`": SourceParams,
        "`preprocess`": models.Preprocess,
        "`preprocess.split`": models.Split,
        "`inspect`": models.Inspect,
        "`model`": models.ModelSection,
        "`evaluate`": evaluate.Evaluate,
        "`evaluate.intervals`": evaluate.Intervals,
        "`evaluate.gates.against`": gate.Against,
        "`evaluate.robustness`": evaluate.Robustness,
        "`evaluate.samples`": evaluate.Samples,
        "`deploy`": models.Deploy,
        "`tune`": tune.Tune,
        "A parameter of `tune.space`": tune.Dimension,
    }
    links = {model.__name__: f"[mapping](#{anchor(title)})" for title, model in titles.items()}
    links |= {"StepSpec": "[step](#steps)", "Params": "[mapping](#architectures)", "JsonValue": "value"}
    return [
        {"title": title, "help": first(model.__doc__).partition(" Made by")[0], "fields": fields(model, links)}
        for title, model in titles.items()
    ]


def fields(model: Any, links: dict[str, str], only: Collection[str] | None = None) -> list[dict[str, Any]]:
    """The fields of a pydantic model as rows of a table: name, type, default, description."""
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    rows = []
    for key, field in model.model_fields.items():
        name = field.alias or key
        entry = schema["properties"][name]
        if only is not None and name not in only:
            continue
        nested = _nested(field.annotation, links)
        known = links | ({nested.__name__: "mapping"} if nested else {})
        described = entry.get("description") or _referred(entry, definitions).get("description", "")
        row = {"name": name, "type": type_of(entry, known), "default": default_of(field), "description": described}
        rows += (
            [row, *({**inner, "name": f"{name}.{inner['name']}"} for inner in fields(nested, links))]
            if nested
            else [row]
        )
    return rows


def _nested(annotation: Any, links: dict[str, str]) -> Any:
    """The model that a field holds, where it has no place of its own in the reference."""
    choices = (annotation, *get_args(annotation))
    return next(
        (
            each
            for each in choices
            if isinstance(each, type) and issubclass(each, BaseModel) and each.__name__ not in links
        ),
        None,
    )


def _referred(entry: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    return dict(definitions.get(entry.get("$ref", "").rpartition("/")[2], {}))


def default_of(field: FieldInfo) -> str:
    """The default as a recipe would write it."""
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    return "its defaults" if isinstance(value, BaseModel) else f"`{json.dumps(value, ensure_ascii=False)}`"


def type_of(entry: dict[str, Any], links: dict[str, str]) -> str:
    """A JSON Schema type in a few words, with its range."""
    if "$ref" in entry:
        return links[entry["$ref"].rpartition("/")[2]]
    if "const" in entry:
        return f"`{entry['const']}`"
    if "enum" in entry:
        return ", ".join(f"`{value}`" for value in entry["enum"])
    if "anyOf" in entry:
        return " or ".join(dict.fromkeys(type_of(each, links) for each in entry["anyOf"]))
    kind = entry.get("type", "value")
    if kind == "array":
        inner = entry.get("items") or next(iter(entry.get("prefixItems", ())), {})
        size = (
            f"{entry['minItems']}: " if entry.get("minItems") == entry.get("maxItems") and "minItems" in entry else ""
        )
        return f"list of {size}{type_of(inner, links)}"
    if kind == "object" and isinstance(entry.get("additionalProperties"), dict):
        return f"mapping of names to {type_of(entry['additionalProperties'], links)}"
    limits = [
        f"{sign} {int(entry[key]) if entry[key] == int(entry[key]) else entry[key]:,}"
        for key, sign in (("exclusiveMinimum", ">"), ("minimum", "≥"), ("exclusiveMaximum", "<"), ("maximum", "≤"))
        if key in entry
    ]
    plain = {"object": "mapping", "string": "text", "boolean": "true or false", "null": "`null`"}.get(kind, kind)
    return " ".join([plain, ", ".join(limits)]).strip()


def rooms() -> list[dict[str, Any]]:
    """Sources, steps and architectures with their parameters; what several share stands once, before them."""
    from aiaas.contracts import Params, SourceParams

    return [
        {"title": title, "help": words, **_room(room, base)}
        for room, title, words, base in (
            ("sources", "Sources", "What an entry of `collect` may say besides, by what it reads from.", SourceParams),
            (
                "steps",
                "Steps",
                "In `preprocess.steps`, in the order in which they run: `name` or `{name: {…}}`.",
                Params,
            ),
            ("architectures", "Architectures", "`model.params`, by `backend/architecture`.", Params),
        )
    ]


def _room(room: Any, base: type) -> dict[str, Any]:
    modules = ours(room)
    parts = {
        name: [part for part in module.Params.__mro__ if issubclass(part, base) and part is not base and _own(part)]
        for name, module in modules.items()
    }
    count = Counter(part for each in parts.values() for part in each)
    shared = {part: first(part.__doc__).partition(":")[0].rstrip(".") for part in count if count[part] > 1}
    return {
        "shared": [
            {"title": title, "help": first(part.__doc__), "fields": fields(part, {}, _own(part))}
            for part, title in shared.items()
        ],
        "plugins": [
            {
                "name": name,
                "help": first(module.__doc__),
                "facts": _facts(room, module),
                "settings": _settings(room, module),
                "takes": [(shared[part], anchor(shared[part])) for part in parts[name] if part in shared],
                "fields": [
                    row for part in parts[name] if part not in shared for row in fields(module.Params, {}, _own(part))
                ],
            }
            for name, module in modules.items()
        ],
    }


def _settings(room: Any, module: Any) -> tuple[str, str] | None:
    """Where the reference says what may stand under `train` with this architecture."""
    from aiaas.contracts import Settled

    if room != "architectures" or not isinstance(module, Settled):
        return None
    title = first(module.Settings.__doc__).partition(":")[0]
    return title, anchor(title)


def settings() -> list[dict[str, Any]]:
    """What may stand under `train`, once for all architectures that share it."""
    from aiaas.contracts import Settled

    kinds = {module.Settings for module in ours("architectures").values() if isinstance(module, Settled)}
    return [
        {"title": first(kind.__doc__).partition(":")[0], "help": first(kind.__doc__), "fields": fields(kind, {})}
        for kind in sorted(kinds, key=lambda kind: kind.__name__)
    ]


def _own(part: Any) -> set[str]:
    """The fields that a model adds to those it inherits."""
    return set(part.__annotations__) & set(getattr(part, "model_fields", ()))


def _facts(room: str, module: Any) -> str:
    match room:
        case "sources":
            prefixes = [f"`{scheme}:…`" for scheme in module.SCHEMES if scheme]
            return f"`source` is {' or '.join(['a path', *prefixes] if '' in module.SCHEMES else prefixes)}."
        case "steps":
            return "Requests go through it as well." if module.Step.ON_REQUEST else "For data only, not for requests."
    return f"Learns {', '.join(f'[{task}](#{task})' for task in module.TASKS)}."


def tasks() -> list[dict[str, Any]]:
    from aiaas.contracts import Generative, metrics_of

    return [
        {
            "name": name,
            "help": first(module.__doc__),
            "columns": [f"`{each.name}` ({each.kind})" for each in module.COLUMNS if not each.optional],
            "optional": [f"`{each.name}` ({each.kind})" for each in module.COLUMNS if each.optional],
            "open": module.OPEN,
            "metrics": [
                f"`{metric}`" + (" (lower is better)" if way == "lower" else "")
                for metric, way in metrics_of(module).items()
            ],
            "options": fields(module.Options, {}) if isinstance(module, Generative) else [],
        }
        for name, module in ours("tasks").items()
    ]


def ours(room: Any) -> dict[str, Any]:
    """The plug-ins of a room that this repository holds, whatever else is installed here."""
    from aiaas import plugins

    modules = {name: plugins.find(room, name) for name in plugins.names(room)}
    return {name: module for name, module in modules.items() if module.__name__.startswith("aiaas.")}


def first(docstring: str | None) -> str:
    """The first paragraph of a docstring on one line."""
    return " ".join((docstring or "").strip().partition("\n\n")[0].split())


def anchor(title: str) -> str:
    """What a link to a heading says after #."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
