"""Values as MLflow and JSON can hold them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

PARAM_CHARACTERS = 6000
TAG_CHARACTERS = 5000
_KEY_CHARACTERS = 250


def flatten(value: Any, path: str = "", *, lists: bool = True) -> Iterator[tuple[str, Any]]:
    """`{"a": {"b": [1, 2]}}` as `a.b.0: 1`, `a.b.1: 2`; an empty one, or without `lists` any list, stays whole."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from flatten(inner, f"{path}.{key}" if path else str(key), lists=lists)
    elif lists and isinstance(value, Sequence) and not isinstance(value, str | bytes) and value:
        for index, inner in enumerate(value):
            yield from flatten(inner, f"{path}.{index}")
    else:
        yield path, value


def text(value: Any) -> str:
    """A string as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def is_number(value: Any) -> bool:
    """Whether `float(value)` is meant: numbers of Python and numpy, one-element arrays, no text."""
    return hasattr(value, "__float__")


def finite(value: Any) -> Any:
    """The same with NaN and infinity as words: JSON has no other way to say them."""
    if isinstance(value, Mapping):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def read_object(file: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is no file, or something else in it."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def name(key: str) -> str:
    """The name of a metric, parameter or tag as MLflow allows it."""
    return re.sub(r"[^/\w.\- :]", "_", key)[:_KEY_CHARACTERS] or "_"


def cut(value: str, characters: int) -> str:
    """At most so many characters; an ellipsis says that more were there."""
    return value if len(value) <= characters else value[: characters - 1] + "…"
