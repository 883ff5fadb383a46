"""Inputs as rows, and answers as bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Signature
from aiaas.errors import DataError
from aiaas.serve.errors import InputsError

if TYPE_CHECKING:
    from aiaas.bundle import Bundle

ROWS, VALUES = 32, 4096
"""Of a long list, how many lists or objects, or else how many values, are written before others have their turn."""
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")).encode


def encode(value: Any) -> bytes:
    """JSON without white space."""
    return _encode(value).encode("utf-8", "backslashreplace")


async def encode_with(head: Mapping[str, Any], name: str, values: Sequence[Any]) -> bytes:
    """JSON of `head`, which is not empty, and of the list `values` under `name`. A long list is written in pieces: ten
    thousand vectors take a second, in which nobody else would be answered."""
    return encode(head)[:-1] + b"," + encode(name) + b":" + await _encode_list(values) + b"}"


async def _encode_list(values: Sequence[Any]) -> bytes:
    step = ROWS if values and isinstance(values[0], dict | list) else VALUES
    if len(values) <= step:
        return encode(values)
    pieces = []
    for start in range(0, len(values), step):
        pieces.append(encode(values[start : start + step])[1:-1])
        await asyncio.sleep(0)
    return b"[" + b",".join(pieces) + b"]"


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
