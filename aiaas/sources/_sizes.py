"""Sizes as a recipe writes them: a number of bytes, or such as 500MB or 2GiB."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?I?)B?", re.ASCII)


def _size(value: Any) -> Any:
    """`500MB` or `2 GiB` as a number of bytes."""
    if not isinstance(value, str):
        return value
    parsed = _SIZE.fullmatch(value.strip().upper())
    if parsed is None or parsed[2] not in _UNITS:
        raise ValueError(f"{value!r} is no size: a number of bytes, or such as 500MB or 2GiB")
    return int(float(parsed[1]) * _UNITS[parsed[2]])


Size = Annotated[int, BeforeValidator(_size, json_schema_input_type=int | str)]
