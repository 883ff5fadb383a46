"""Inputs as rows, and answers as bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Signature
from aiaas.errors import DataError
from aiaas.serve.errors import InputsError

if TYPE_CHECKING:
    from aiaas.bundle import Bundle

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")).encode


def encode(value: Any) -> bytes:
    """JSON without white space."""
    return _encode(value).encode("utf-8", "backslashreplace")


def decode(bundle: Bundle, values: Sequence[Any]) -> list[dict[str, Any]]:
    """The inputs as rows; InputsError names each that does not fit."""
    rows: list[dict[str, Any]] = []
    faults: list[tuple[int, str]] = []
    hint = None
    for place, value in enumerate(values):
        try:
            rows.append(bundle.decode(value))
        except DataError as error:
            faults.append((place, _masked(error.message, value, bundle.signature)))
            hint = hint or error.hint
    if faults:
        raise InputsError(faults, hint=hint)
    return rows


def _masked(message: str, value: Any, signature: Signature) -> str:
    """The message without the unknown keys that it names: a caller's words are not repeated."""
    if isinstance(value, dict):
        for key in value:
            if key not in signature.features:
                message = message.replace(repr(key[:40]), "'…'")
    return message
