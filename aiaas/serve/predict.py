"""One request → inputs → answers. Everything but the moving of bytes runs off the event loop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Signature
from aiaas.errors import DataError, ExampleError
from aiaas.serve.body import Body, read
from aiaas.serve.errors import InputsError

if TYPE_CHECKING:
    from aiaas.bundle import Bundle

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")).encode


def predict(bundle: Bundle, head: bytes, body: Body, max_rows: int) -> bytes:
    """The body of the response to `body`; `head` is all of it up to the answers."""
    rows = decode(bundle, read(body, max_rows).inputs)
    try:
        answers = bundle.answer(rows)
    except ExampleError as error:  # what only the whole of an input shows, as a picture that is cut short
        raise InputsError([(error.index, error.message)], hint=error.hint) from None
    return head + encode(answers) + b"}"


def encode(value: Any) -> bytes:
    """JSON without white space."""
    return _encode(value).encode("utf-8", "backslashreplace")


def head(bundle: Bundle) -> bytes:
    """The part of a response that is the same for every request: model, version, digest."""
    about = _encode({"model": bundle.name, "version": bundle.version, "digest": bundle.digest})
    return about[:-1].encode() + b',"outputs":'


def decode(bundle: Bundle, values: list[Any]) -> list[dict[str, Any]]:
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
