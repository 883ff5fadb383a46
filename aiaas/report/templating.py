"""The templates of this room, with the words that page and card share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from aiaas import charts
from aiaas.report import words

if TYPE_CHECKING:
    from jinja2 import Environment

CHARACTERS = 600
"""Of a text that is shown."""
_WORDS = (words.figure, words.ends, words.signed, words.chance, words.took, words.size, words.value, words.named)


@cache
def environment() -> Environment:
    """Compiled once in a process."""
    made = charts.environment("aiaas.report")
    made.filters |= {each.__name__: each for each in _WORDS} | {"short": charts.short, "cut": _cut, "cell": _cell}
    return made


def _cut(text: str) -> str:
    """A text as long as there is room for one."""
    return text if len(text) <= CHARACTERS else f"{text[: CHARACTERS - 1]}…"


def _cell(value: object) -> str:
    """A text in a table of Markdown: on one line, and without what would end the cell."""
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")
