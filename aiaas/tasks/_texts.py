"""A text as an example, as the tasks over texts share it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiaas.contracts import Signature
from aiaas.errors import DataError
from aiaas.tasks._bare import unwrapped

_ALLOWED = 'a string or {"text": "…"}'


def example(row: Mapping[str, Any], signature: Signature) -> str:
    """The text of a row."""
    return str(row["text"])


def request(row: Mapping[str, Any], signature: Signature) -> dict[str, Any]:
    """`{"text": …}`."""
    return {"text": row["text"]}


def decode(value: Any, signature: Signature) -> dict[str, Any]:
    """A string or `{"text": string}` as a row.

    Every string that UTF-8 can hold is a text, the empty one too: a model then answers from what it knows of texts in
    general. Raises DataError for anything else; no message repeats what was sent.
    """
    value = unwrapped(value, "text", _ALLOWED)
    if not isinstance(value, str):
        raise DataError(f"a text is needed: {_ALLOWED}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise DataError(
            "the text holds half of a surrogate pair, which is no character",
            hint="send the text as UTF-8, or both halves of the escape",
        ) from None
    return {"text": value}
