"""One request → inputs → answers. Everything but the moving of bytes runs off the event loop."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from aiaas import strictjson
from aiaas.contracts import Signature
from aiaas.errors import DataError
from aiaas.serve.errors import InputsError, MediaTypeError, RequestError, TooLargeError

if TYPE_CHECKING:
    from aiaas.bundle import Bundle

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for."""

    body: int = 16 << 20
    """Bytes."""
    rows: int = 10_000


async def read_body(request: Request, limit: int) -> bytes:
    """The body, refused as soon as it is known to be longer than `limit` bytes or to be no JSON."""
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise MediaTypeError("the body must be JSON", hint="send the header Content-Type: application/json")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise MediaTypeError("a compressed body is not taken", hint="send it as it is")
    length = request.headers.get("content-length", "")
    too_large = TooLargeError(f"the body is longer than {limit:,} bytes", hint="send fewer inputs a request")
    if length.isdecimal() and int(length) > limit:
        raise too_large
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise too_large
        parts.append(part)
    return b"".join(parts)


def predict(bundle: Bundle, head: bytes, body: bytes, max_rows: int) -> bytes:
    """The body of the response to `body`; `head` is all of it up to the answers."""
    rows = decode(bundle, inputs(body, max_rows))
    return head + _encode(bundle.answer(rows)).encode("utf-8", "backslashreplace") + b"}"


def head(bundle: Bundle) -> bytes:
    """The part of a response that is the same for every request: model, version, digest."""
    about = _encode({"model": bundle.name, "version": bundle.version, "digest": bundle.digest})
    return about[:-1].encode() + b',"outputs":'


def inputs(body: bytes, max_rows: int) -> list[Any]:
    """The inputs that a request holds; RequestError when it is not of the form `{"inputs": [...]}`."""
    hint = 'send {"inputs": [...]}'
    try:
        value = strictjson.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RequestError(f"the body is not UTF-8 (byte {error.start + 1})", where="body", hint=hint) from None
    except DataError as error:
        raise RequestError(error.message, where="body", hint=hint) from None
    given = value.get("inputs") if isinstance(value, dict) else None
    if not isinstance(given, list):
        raise RequestError("the body is no object with a list of inputs", where="body", hint=hint)
    if len(value) > 1:
        raise RequestError("the body holds more than inputs", where="body", hint=hint)
    if len(given) > max_rows:
        raise TooLargeError(f"more than {max_rows:,} inputs", where="inputs", hint="send fewer inputs a request")
    return given


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
