"""Dotted paths: `model.params.alpha`, `collect[0].format`, `collect.0.format`, `columns["a.b"]`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

Path = tuple[str | int, ...]

_PLAIN = re.compile(r"[^\W\d][\w-]*")
_PART = re.compile(r"(?:(?:^|\.)(?P<key>[^.\[\]\s]+)|\[(?P<index>\d{1,6})\]|\[(?P<quoted>\"(?:[^\"\\]|\\.)*\")\])")


def parse(text: str) -> Path:
    """The parts of a dotted path; raises ValueError where it is none. `.0` stays text: only the data tells whether it
    is an index."""
    parts: list[str | int] = []
    end = 0
    while end < len(text):
        match = _PART.match(text, end)
        if match is None or (not parts and (match["key"] is None or text.startswith("."))):
            raise ValueError(text)
        if match["index"] is not None:
            parts.append(int(match["index"]))
        else:
            parts.append(match["key"] if match["key"] is not None else str(json.loads(match["quoted"])))
        end = match.end()
    if not parts:
        raise ValueError(text)
    return tuple(parts)


def render(path: Iterable[str | int]) -> str:
    """The path as a person writes it: `collect[0].format`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part)}]"
    return text


def render_flat(path: Iterable[str | int]) -> str:
    """The path as trackers take it, without brackets: `collect.0.format`."""
    return ".".join(str(part) for part in path)
