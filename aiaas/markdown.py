"""Values in Markdown, as nothing but text: what a stranger wrote makes no link, no table and no mark-up."""

from __future__ import annotations

import re


def cell(value: object) -> str:
    """On one line, which a cell of a table may hold as well."""
    return re.sub(r"([\\|`*_<>&\[\]#~])", r"\\\1", _line(value))


def code(value: object) -> str:
    """As code on one line, between as many backticks as it needs."""
    text = _line(value).replace("|", "\\|")  # tables are divided before code is found
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}" if "`" in text else f"{fence}{text}{fence}"


def _line(value: object) -> str:
    return " ".join(str(value).split())
