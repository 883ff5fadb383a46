"""A text as an example, as the tasks over texts share it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiaas.contracts import Signature
from aiaas.errors import DataError

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
    if isinstance(value, Mapping):
        unknown = [str(key) for key in value if key != "text"]
        if unknown or "text" not in value:
            fault = f"has the unknown key {unknown[0][:40]!r}" if unknown else "has no key 'text'"
            raise DataError(f"the object {fault}; allowed is {_ALLOWED}")
        value = value["text"]
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
