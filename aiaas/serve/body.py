"""What a request sends: JSON with inputs, or files as they are, where the model's task takes files."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from aiaas import strictjson
from aiaas.errors import DataError, OptionError
from aiaas.serve.errors import DeadlineError, MediaTypeError, RequestError, TooLargeError

if TYPE_CHECKING:
    from python_multipart.multipart import File

# What the reader of forms finds wrong is told to whoever sent it; nothing of what was sent belongs into the log.
logging.getLogger("python_multipart").setLevel(logging.ERROR)

JSON = "application/json"
FORM = "multipart/form-data"
CONTAINERS = 1_000_000
"""Lists and objects in a body of JSON: of empty ones a few bytes each become a hundred in memory."""


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a request and the media type of them; `header` is the whole Content-Type."""

    data: bytes
    kind: str = JSON
    header: str = JSON


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks: `options` of a model that writes, and whether its text is wanted as it is written."""

    inputs: list[Any]
    options: Mapping[str, Any] | None = None
    stream: bool = False


async def read_body(request: Request, limit: int, media_types: Sequence[str] = ()) -> Body:
    """The body, refused as soon as it is known to be longer than `limit` bytes or of a kind that is not taken.

    JSON is taken always; files of `media_types`, bare or in a form, where there are any.
    """
    header = request.headers.get("content-type", "")
    kind = header.partition(";")[0].strip().lower()
    if kind != JSON and not (media_types and kind in (*media_types, FORM)):
        raise _other_kind(media_types)
    return Body(await read_bytes(request, limit), kind, header)


async def read_bytes(request: Request, limit: int) -> bytes:
    """The body of whatever kind, refused as soon as it is known to be longer than `limit` bytes. Raises DeadlineError
    where it takes longer to come than the request may."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise MediaTypeError("a compressed body is not taken", hint="send it as it is")
    length = request.headers.get("content-length", "")
    too_large = TooLargeError(f"the body is longer than {limit:,} bytes", hint="send fewer inputs a request")
    if length.isdecimal() and int(length) > limit:
        raise too_large
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout_at(request.state.call.deadline):
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    raise too_large
                parts.append(part)
    except TimeoutError:
        raise DeadlineError from None
    return b"".join(parts)


def read(body: Body, max_rows: int, *, writes: bool = False) -> Asked:
    """What a request asks: its inputs are values of JSON, or files as bytes. Raises RequestError, OptionError."""
    if body.kind == JSON:
        asked = _of_json(body.data, writes)
    else:
        asked = Asked(_of_form(body, max_rows) if body.kind == FORM else [body.data])
    if len(asked.inputs) > max_rows:
        raise too_many(max_rows)
    return asked


def too_many(max_rows: int) -> TooLargeError:
    return TooLargeError(f"more than {max_rows:,} inputs", where="inputs", hint="send fewer inputs a request")


def no_options() -> OptionError:
    return OptionError("the model takes no options", where="options", hint="options are for models that write")


def _other_kind(media_types: Sequence[str]) -> MediaTypeError:
    if not media_types:
        return MediaTypeError("the body must be JSON", hint="send the header Content-Type: application/json")
    allowed = ", ".join((JSON, *media_types, FORM))
    return MediaTypeError(f"the body must be one of {allowed}", hint="say which with the header Content-Type")


def parse(data: bytes, hint: str, *, nan_is_null: bool = False) -> Any:
    """The JSON that a body holds. Raises RequestError with the hint, which says what a right one looks like."""
    if data.count(b"[") + data.count(b"{") > CONTAINERS:
        message = f"the body holds more than {CONTAINERS:,} lists and objects"
        raise TooLargeError(message, where="body", hint="send fewer inputs a request")
    try:
        return strictjson.loads(data.decode("utf-8"), nan_is_null=nan_is_null)
    except UnicodeDecodeError as error:
        raise RequestError(f"the body is not UTF-8 (byte {error.start + 1})", where="body", hint=hint) from None
    except DataError as error:
        raise RequestError(error.message, where="body", hint=hint) from None


def _of_json(data: bytes, writes: bool) -> Asked:
    hint = 'send {"inputs": [...]}'
    value = parse(data, hint)
    given = value.get("inputs") if isinstance(value, dict) else None
    if not isinstance(given, list):
        raise RequestError("the body is no object with a list of inputs", where="body", hint=hint)
    if value.get("options") and not writes:
        raise no_options()
    if value.get("stream") and not writes:
        raise RequestError("the model does not write: it answers as a whole", where="stream", hint="leave stream out")
    allowed = ("inputs", "options", "stream") if writes else ("inputs",)
    if value.keys() - set(allowed):
        raise RequestError(f"the body holds more than {', '.join(allowed)}", where="body", hint=hint)
    options, stream = value.get("options"), value.get("stream", False)
    if options is not None and not isinstance(options, dict):
        raise RequestError("the options are no object", where="options", hint='such as {"options": {"seed": 7}}')
    if not isinstance(stream, bool):
        raise RequestError("stream must be true or false", where="stream")
    if stream and len(given) != 1:
        raise RequestError("one input a request is streamed", where="stream", hint="send each in a request of its own")
    return Asked(given, options, stream)


def _of_form(body: Body, max_rows: int) -> list[bytes]:
    """The files of a form, in their order, whatever its fields are called. It is left at the first part too many: what
    is kept of an empty one is a hundred times what it takes to send."""
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import FormParser

    files: list[File] = []
    ended: list[bool] = []
    hint = "send each file as a part that has a filename, as curl -F file=@NAME does"
    only_files = RequestError("the form must hold files, and nothing else", where="body", hint=hint)

    def on_field(field: Any) -> None:
        raise only_files

    def on_file(file: File) -> None:
        if len(files) == max_rows:
            raise too_many(max_rows)
        files.append(file)

    try:
        parser = FormParser(
            FORM,
            on_field,
            on_file,
            lambda: ended.append(True),
            boundary=_boundary(body.header),
            config={"MAX_MEMORY_FILE_SIZE": len(body.data) + 1},  # never into a temporary file
        )
        parser.write(body.data)
        parser.finalize()
    except FormParserError:
        raise RequestError("the form cannot be read", where="body", hint=hint) from None
    if not ended:
        raise RequestError("the form is cut short", where="body", hint=hint)
    if not files:
        raise only_files
    held = []
    for file in files:
        file.file_object.seek(0)
        held.append(file.file_object.read())
        file.close()
    return held


def _boundary(header: str) -> str | None:
    """What parts the files of a form; the reader of the email library knows the quoting."""
    message = Message()
    message["content-type"] = header
    given = message.get_param("boundary")
    return given if isinstance(given, str) and given else None
