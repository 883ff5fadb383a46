"""An input that has one feature, whose value may also come bare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiaas.errors import DataError


def unwrapped(value: Any, name: str, allowed: str) -> Any:
    """The value itself, or what an object holds under `name` and nothing else beside it. Raises DataError otherwise;
    `allowed` says in words what may be sent."""
    if not isinstance(value, Mapping):
        return value
    unknown = [str(key) for key in value if key != name]
    if unknown or name not in value:
        fault = f"has the unknown key {unknown[0][:40]!r}" if unknown else f"has no key {name!r}"
        raise DataError(f"the object {fault}; allowed is {allowed}")
    return value[name]
