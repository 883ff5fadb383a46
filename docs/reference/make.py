"""Write the reference pages from the code: `python docs/reference/make.py`, or `--check` whether they are current."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent


def commands() -> list[dict[str, Any]]:
    """Every command of the CLI with its arguments and options, as the parser knows them."""
    import typer.main

    from aiaas.cli import app

    found: list[dict[str, Any]] = []

    def visit(command: Any, words: list[str]) -> None:
        children = getattr(command, "commands", None)
        if children is not None:
            for name, child in children.items():
                visit(child, [*words, name])
            return
        parameters = [one for one in command.params if one.name != "help"]
        found.append(
            {
                "name": " ".join(words),
                "help": (command.help or "").strip(),
                "arguments": [_parameter(one) for one in parameters if one.param_type_name == "argument"],
                "options": [_parameter(one) for one in parameters if one.param_type_name == "option"],
            }
        )

    visit(typer.main.get_command(app), ["aiaas"])
    return found


def _parameter(one: Any) -> dict[str, Any]:
    default = one.default if isinstance(one.default, str | int | float | Path) and one.default is not False else None
    metavar = one.metavar or ("" if getattr(one, "is_flag", False) else getattr(one.type_descriptor.annotation, "__name__", "value").upper())
    words = ", ".join(one.opts) if one.param_type_name == "option" else one.metavar or one.name.upper()
    return {"words": words, "metavar": metavar, "help": one.help or "", "default": default, "required": one.required}


def fields(model: Any, leave_out: Iterable[str] = ()) -> list[dict[str, Any]]:
    """The fields of a pydantic model as rows of a table: name, type, default, description."""
    schema = model.model_json_schema(by_alias=True)
    required = set(schema.get("required", ()))
    return [
        {
            "name": name,
            "type": type_of(entry, schema.get("$defs", {})),
            "default": json.dumps(entry["default"], ensure_ascii=False) if entry.get("default") is not None else None,
            "required": name in required,
            "description": entry.get("description", ""),
        }
        for name, entry in schema["properties"].items()
        if name not in leave_out
    ]


def type_of(entry: dict[str, Any], definitions: dict[str, Any]) -> str:
    """A JSON Schema type in a few words, with its range."""
    if "$ref" in entry:
        name = entry["$ref"].rpartition("/")[2]
        referred = definitions.get(name, {})
        return type_of(referred, definitions) if "enum" in referred else f"see {name}"
    if "const" in entry:
        return json.dumps(entry["const"])
    if "enum" in entry:
        return ", ".join(f"`{value}`" for value in entry["enum"])
    if "anyOf" in entry:
        words = (type_of(each, definitions) for each in entry["anyOf"] if each.get("type") != "null")
        return " or ".join(dict.fromkeys(words))
    kind = entry.get("type", "value")
    if kind == "array":
        inner = entry.get("items") or next(iter(entry.get("prefixItems", ())), {})
        return f"list of {type_of(inner, definitions)}"
    limits = [
        f"{sign} {entry[key]:g}"
        for key, sign in (("exclusiveMinimum", ">"), ("minimum", "≥"), ("exclusiveMaximum", "<"), ("maximum", "≤"))
        if key in entry
    ]
    plain = {"object": "mapping", "string": "text", "boolean": "true or false"}.get(kind, kind)
    return " ".join([plain, ", ".join(limits)]).strip()


def sections() -> list[dict[str, Any]]:
    from aiaas.contracts import SourceParams
    from aiaas.recipe import models

    titles = {
        "The recipe": models.Recipe,
        "An entry of `collect`": SourceParams,
        "`preprocess`": models.Preprocess,
        "`preprocess.split`": models.Split,
        "`model`": models.ModelSection,
        "`evaluate`": models.Evaluate,
        "`deploy`": models.Deploy,
    }
    return [{"title": title, "help": first(model.__doc__), "fields": fields(model)} for title, model in titles.items()]


def rooms() -> list[dict[str, Any]]:
    from aiaas import plugins
    from aiaas.contracts import SourceParams

    shared = set(SourceParams.model_fields)
    found = []
    for room, title, words in (
        ("sources", "Sources", "What an entry of `collect` may say besides, by what it reads from."),
        ("steps", "Steps", "`preprocess.steps` lists them in the order in which they run: `name`, or `{name: {…}}`."),
        ("architectures", "Architectures", "`model.params`, by `backend/architecture`."),
    ):
        modules = {name: plugins.find(room, name) for name in plugins.names(room)}
        found.append(
            {
                "title": title,
                "help": words,
                "plugins": [
                    {"name": name, "help": first(module.__doc__), "fields": fields(module.Params, shared)}
                    for name, module in modules.items()
                ],
            }
        )
    return found


def first(docstring: str | None) -> str:
    """The first paragraph of a docstring on one line."""
    return " ".join((docstring or "").strip().partition("\n\n")[0].split())


def pages() -> dict[Path, str]:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ")
    return {
        HERE / "commands.md": environment.get_template("commands.md.j2").render(commands=commands()),
        HERE / "recipe.md": environment.get_template("recipe.md.j2").render(sections=sections(), rooms=rooms()),
    }


def main() -> int:
    stale = []
    for path, text in pages().items():
        if "--check" in sys.argv:
            if not path.exists() or path.read_text("utf-8") != text:
                stale.append(path.name)
        else:
            path.write_text(text, "utf-8")
    if stale:
        print(f"not current: {', '.join(stale)}; run: python docs/reference/make.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
