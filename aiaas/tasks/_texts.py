"""A text, or a pair of texts, as an example, as the tasks over texts share it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiaas.contracts import Signature
from aiaas.errors import DataError
from aiaas.tasks._bare import unwrapped

PAIR = "text_pair"
"""The column of the second text, where a model takes two."""
_ALLOWED = 'a string or {"text": "…"}'
_ALLOWED_PAIR = 'an object of two strings, {"text": "…", "text_pair": "…"}'


def example(row: Mapping[str, Any], signature: Signature) -> str | tuple[str, str]:
    """The text of a row, or its two texts."""
    return (str(row["text"]), str(row[PAIR])) if PAIR in signature.features else str(row["text"])


def request(row: Mapping[str, Any], signature: Signature) -> dict[str, Any]:
    """`{"text": …}`, with a `text_pair` where there are two."""
    return {name: row[name] for name in signature.features}


def decode(value: Any, signature: Signature) -> dict[str, Any]:
    """A string or `{"text": string}` as a row; where the model takes pairs, `{"text": string, "text_pair": string}`.

    Every string that UTF-8 can hold is a text, the empty one too: a model then answers from what it knows of texts in
    general. Raises DataError for anything else; no message repeats what was sent.
    """
    if PAIR not in signature.features:
        return {"text": _text(unwrapped(value, "text", _ALLOWED), "text", _ALLOWED)}
    if not isinstance(value, Mapping):
        raise DataError(f"a pair of texts is needed: {_ALLOWED_PAIR}")
    unknown = [str(key) for key in value if key not in signature.features]
    if unknown:
        raise DataError(f"the object has the unknown key {unknown[0][:40]!r}; allowed is {_ALLOWED_PAIR}")
    for name in signature.features:
        if value.get(name) is None:
            raise DataError(f"the object has no {name!r}; allowed is {_ALLOWED_PAIR}")
    return {name: _text(value[name], name, _ALLOWED_PAIR) for name in signature.features}


def _text(value: Any, name: str, allowed: str) -> str:
    if not isinstance(value, str):
        raise DataError(f"a text is needed: {allowed}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise DataError(
            f"the {name} holds half of a surrogate pair, which is no character",
            hint="send the text as UTF-8, or both halves of the escape",
        ) from None
    return value
