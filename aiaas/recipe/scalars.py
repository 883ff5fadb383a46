"""Plain YAML scalars by the core schema of YAML 1.2: `yes` is text, `1e-3` a number, `0123` is 123, `1:30` text."""

from __future__ import annotations

import math
import re

Scalar = str | int | float | bool | None

NULL = re.compile(r"(?:~|null|Null|NULL)?")
BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST_NUMBER = 64


def resolve(text: str) -> Scalar:
    """The value a plain scalar stands for; raises ValueError for a number that no computer should be asked to hold."""
    if NULL.fullmatch(text):
        return None
    if BOOL.fullmatch(text):
        return text.lower() == "true"
    if SPECIAL.fullmatch(text):
        raise ValueError("must be a finite number")
    number = INT.fullmatch(text) or FLOAT.fullmatch(text)
    if number is None:
        return text
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"is a number of {len(text)} characters; at most {_LONGEST_NUMBER} are allowed")
    if INT.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with an explicit core tag (`!!str 5`); raises ValueError where they do not go together."""
    if tag == "str":
        return text
    value = resolve(text)
    kind: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)}
    if tag not in kind or not isinstance(value, kind[tag]) or (isinstance(value, bool) and tag != "bool"):
        raise ValueError(f"does not go with its tag !!{tag}")
    return float(value) if tag == "float" and isinstance(value, int) else value
