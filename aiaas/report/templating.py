"""The templates of this room, with the words that page and card share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from aiaas import charts, markdown

if TYPE_CHECKING:
    from jinja2 import Environment

CHARACTERS = 600
"""Of a text that is shown."""


@cache
def environment() -> Environment:
    """Compiled once in a process."""
    made = charts.environment("aiaas.report")
    made.filters |= {"short": charts.short, "cut": _cut, "cell": markdown.cell, "code": markdown.code}
    return made


def _cut(text: str) -> str:
    """A text as long as there is room for one."""
    return text if len(text) <= CHARACTERS else f"{text[: CHARACTERS - 1]}…"
