"""JSON from strangers: what the standard reader lets through and no other reader would accept is refused.

NaN and Infinity, also as 1e999; half a surrogate pair, which no UTF-8 can hold; numbers of thousands of digits; nesting
that would exhaust the stack; a key that stands twice in an object, of which readers take the first or the last. No
message repeats what was read.
"""

from __future__ import annotations

import json
from typing import Any

from aiaas.errors import DataError

MAX_DEPTH = 32
_MAX_DIGITS = 300  # an integer that float() can still take
_CONTAINERS: frozenset[type[Any]] = frozenset({dict, list})


def _number(digits: str) -> float:
    value = float(digits)
    if value - value != 0.0:
        raise ValueError("a number is too large")
    return value


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError("a number is too large")
    return int(digits)


def _constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _missing(name: str) -> None:
    if name != "NaN":
        _constant(name)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("an object has a key twice")
    return value


_strict = json.JSONDecoder(parse_float=_number, parse_int=_integer, parse_constant=_constant, object_pairs_hook=_object)
_lenient = json.JSONDecoder(parse_float=_number, parse_int=_integer, parse_constant=_missing, object_pairs_hook=_object)


def loads(text: str, *, max_depth: int = MAX_DEPTH, nan_is_null: bool = False) -> Any:
    """The value that `text` holds; DataError says why it is none, at which line and column. Where `nan_is_null`, NaN
    stands for null, as in what Python's own `json` writes of a table with missing values."""
    try:
        value = _value(text, _lenient if nan_is_null else _strict)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
        raise DataError(f"not JSON: {error.msg[:1].lower()}{error.msg[1:]} ({place})") from None
    except RecursionError:
        raise DataError(f"nested deeper than {max_depth} levels") from None
    except ValueError as error:
        raise DataError(str(error)) from None
    if value.__class__ in _CONTAINERS and not _shallow(value, max_depth):
        raise DataError(f"nested deeper than {max_depth} levels")
    # Only an escape can bring half a surrogate pair in: the text itself came out of a strict decoder.
    if ("\\ud" in text or "\\uD" in text) and not _encodable(value):
        raise DataError("half of a surrogate pair (\\ud800 to \\udfff) stands alone")
    return value


def _value(text: str, decoder: json.JSONDecoder) -> Any:
    """The decoder's own way in spends more on white space than on a short line."""
    if text[:1].isspace():
        return decoder.decode(text)
    value, end = decoder.raw_decode(text)
    return value if end == len(text) else decoder.decode(text)


def _shallow(value: Any, levels: int) -> bool:
    if levels == 0:
        return False
    for child in value.values() if value.__class__ is dict else value:
        if child.__class__ in _CONTAINERS and not _shallow(child, levels - 1):
            return False
    return True


def _encodable(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
