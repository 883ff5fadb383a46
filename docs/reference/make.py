"""Write the reference pages from the code: `python docs/reference/make.py`, or `--check` whether they are current."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from of_api import api
from of_commands import commands
from of_python import python
from of_recipe import rooms, sections, settings, tasks

HERE = Path(__file__).parent


def pages() -> dict[Path, str]:
    from aiaas.inspect.report import schema
    from aiaas.recipe.gate import OF_BUNDLE, OF_ROWS

    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ")
    gates = {**OF_ROWS, **OF_BUNDLE}
    recipe = {"sections": sections(), "gates": gates, "rooms": rooms(), "tasks": tasks(), "settings": settings()}
    return {
        HERE / "api.md": environment.get_template("api.md.j2").render(api()).rstrip("\n") + "\n",
        HERE / "commands.md": environment.get_template("commands.md.j2").render(commands()),
        HERE / "python.md": environment.get_template("python.md.j2").render(python()),
        HERE / "recipe.md": environment.get_template("recipe.md.j2").render(recipe),
        HERE / "inspect.schema.json": json.dumps(schema(), indent=1, ensure_ascii=False) + "\n",
    }


def main(words: Sequence[str]) -> int:
    stale = []
    for path, text in pages().items():
        if "--check" in words:
            if not path.exists() or path.read_text("utf-8") != text:
                stale.append(path.name)
        else:
            path.write_text(text, "utf-8")
    if stale:
        print(f"not current: {', '.join(stale)}; run: python docs/reference/make.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
