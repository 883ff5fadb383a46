"""Mails of an mbox file: the columns `subject`, `body` and every header that begins with `X-`, in small letters.

{source: "mbox:feedback.mbox", columns: {text: body, target: x-stars}}
"""

from __future__ import annotations

import hashlib
import mailbox
from collections.abc import Iterator, Mapping, Sequence
from email import message_from_bytes
from email.message import Message
from email.policy import default
from pathlib import Path
from typing import Any

from pydantic import field_validator

from aiaas.contracts import Batch, Origin, SourceContext, SourceParams
from aiaas.errors import DataError

SCHEMES = ("mbox",)
_BATCH = 500


class Params(SourceParams):
    """A file of mails."""

    @field_validator("source")
    @classmethod
    def _names_a_file(cls, value: str) -> str:
        if not value.removeprefix("mbox:"):
            raise ValueError("it must read mbox:FILE")
        return value


def fingerprint(params: Params, context: SourceContext) -> Mapping[str, Any]:
    """The digest of the file."""
    return {"file": params.source, "sha256": _digest(_path(params, context))}


def read(params: Params, context: SourceContext) -> Iterator[Batch]:
    """The mails in their order, some hundreds at once. A mail without text fails, or is left out with its place."""
    rows: list[dict[str, Any]] = []
    for number, mail in enumerate(_mails(_path(params, context)), 1):
        place = f"{params.source}, mail {number}"
        row = _row(mail)
        if row["body"] is None:
            reason = "it holds no text"
            if params.on_error == "fail":
                raise DataError(reason, where=place, hint="on_error: skip leaves such mails out")
            context.drop(place, reason, row)
            continue
        rows.append(row)
        if len(rows) == _BATCH:
            yield _columns(rows)
            rows = []
    if rows:
        yield _columns(rows)


def origins(params: Params, context: SourceContext) -> Sequence[Origin]:
    """The file."""
    path = _path(params, context)
    return [Origin(params.source, path.stat().st_size, _digest(path), params.licence)]


def _path(params: Params, context: SourceContext) -> Path:
    path = context.base / Path(params.source.removeprefix("mbox:")).expanduser()
    if not path.is_file():
        raise DataError("there is no such file", where=params.source, hint=f"looked for {path}")
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _mails(path: Path) -> Iterator[Message]:
    box = mailbox.mbox(path, create=False)
    try:
        for key in box.iterkeys():
            yield message_from_bytes(box.get_bytes(key), policy=default)
    finally:
        box.close()


def _row(mail: Any) -> dict[str, Any]:
    text = mail.get_body(("plain",))
    headers = {name.lower(): _value(str(value)) for name, value in mail.items() if name.lower().startswith("x-")}
    subject = mail["subject"]
    return {**headers, "subject": subject and str(subject), "body": text and text.get_content()}


def _value(text: str) -> str | int:
    return int(text) if text.strip().isdecimal() else text


def _columns(rows: Sequence[Mapping[str, Any]]) -> Batch:
    """Every column that one of the rows has."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}
