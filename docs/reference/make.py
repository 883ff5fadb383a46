"""Write the reference pages from the code: `python docs/reference/make.py`, or `--check` whether they are current."""

from __future__ import annotations

import sys
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
    metavar = one.metavar or ("" if getattr(one, "is_flag", False) else str(one.type.name).upper())
    words = ", ".join(one.opts) if one.param_type_name == "option" else one.human_readable_name
    return {"words": words, "metavar": metavar, "help": one.help or "", "default": default, "required": one.required}


def pages() -> dict[Path, str]:
    from aiaas import plugins, recipe
    from aiaas.recipe import reference

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
        HERE / "recipe.md": environment.get_template("recipe.md.j2").render(
            schema=recipe.schema(), plugins=plugins, describe=reference.describe
        ),
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
