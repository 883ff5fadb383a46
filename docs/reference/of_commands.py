"""The commands of the CLI, as its parser knows them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, get_args

SHARED_BY = 4
"""An option that so many commands have stands once, in a table of its own."""


def commands() -> dict[str, Any]:
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
        parameters = [_parameter(one) for one in command.params if one.name != "help"]
        found.append(
            {
                "name": " ".join(words),
                "help": (command.help or "").strip(),
                "arguments": [one for one in parameters if not one["words"].startswith("-")],
                "options": [one for one in parameters if one["words"].startswith("-")],
            }
        )

    visit(typer.main.get_command(app), ["aiaas"])
    count = Counter(one["words"] for command in found for one in command["options"])
    shared = {one["words"]: one for command in found for one in command["options"] if count[one["words"]] >= SHARED_BY}
    for command in found:
        command["shared"] = [one["name"] for one in command["options"] if one["words"] in shared]
        command["options"] = [one for one in command["options"] if one["words"] not in shared]
    return {"commands": found, "shared": list(shared.values())}


def _parameter(one: Any) -> dict[str, Any]:
    """Words, help and default of an argument or option. A default that is not a value stands in its help."""
    told, _, default = (one.help or "").rstrip("]").partition("[default: ")
    if not default and isinstance(one.default, str | int | float | Path) and not isinstance(one.default, bool):
        default = str(one.default)
    kind = one.type_descriptor.annotation
    value = one.metavar or {str: "TEXT", int: "NUMBER", float: "NUMBER", Path: "PATH"}.get(
        kind, "|".join(get_args(kind))
    )
    if one.param_type_name == "argument":
        words = one.metavar or one.name.upper()
        words += "..." if one.type_descriptor.is_list and not words.endswith("...") else ""
    else:
        words = ", ".join(one.opts) + ("" if one.is_flag else f" {value}")
    return {"name": one.opts[0], "words": words, "help": told.strip(), "default": default, "required": one.required}
