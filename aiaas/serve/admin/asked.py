"""What administrators send, and what of it cannot be done, as every other request is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, TypeVar

from pydantic import Field, ValidationError
from starlette.requests import Request

from aiaas.control import UnknownError
from aiaas.errors import DataError, RemoteError, UsageError
from aiaas.serve.body import parse, read_body
from aiaas.serve.errors import NotFoundError, RequestError, UnavailableError, logger
from aiaas.serve.protocols.asking import Form, Sent

MOST = 64 << 10
"""Bytes of a body."""
Value = TypeVar("Value")
Span = Annotated[str, Field(max_length=20, examples=["90d"], description="A number and s, m, h or d.")]
Limits = Annotated[
    str,
    Field(
        max_length=400,
        examples=["requests=20/s,tokens=5000000/day"],
        description="NAME=NUMBER/s or NAME=NUMBER/day of requests, rows, tokens, compute (seconds); commas between.",
    ),
]


class NewKey(Sent):
    """A key to make."""

    tenant: str = Field(max_length=64, examples=["acme"], description="Whose it is.")
    scopes: list[str] = Field(["infer"], max_length=2, description="infer asks models, admin manages.")
    models: list[str] | None = Field(None, max_length=1000, description="Models that exist for it; null for all.")
    expires: Span | None = Field(None, description="After how long it expires; null for never.")
    quota: Limits = Field("", description="What it may use.")


class Rotation(Sent):
    """How a key is replaced."""

    overlap: Span = Field("24h", description="How long the old key is valid beside the new one.")
    expires: Span | None = Field(None, description="After how long the new one expires; null for as long as the old.")


class Tenant(Sent):
    """What all keys of a tenant may use together."""

    quota: Limits = Field(description="An empty text limits nothing.")


class Model(Sent):
    """A model to answer with as well."""

    model: str = Field(max_length=400, examples=["reviews-zh-nb"], description="NAME, NAME@ALIAS or NAME/VERSION.")


class Alias(Sent):
    """Which version an alias stands on."""

    version: int = Field(ge=1, examples=[1])


class Rollback(Sent):
    """An alias to put back on the version it stood on before."""

    alias: str = Field("champion", max_length=255)


async def read(request: Request, kind: type[Form]) -> Form:
    """The body of a request. Raises RequestError that names the fields at fault, without what they hold."""
    body = await read_body(request, MOST)
    allowed = ", ".join(kind.model_fields)
    try:
        return kind.model_validate(parse(body.data, f"allowed: {allowed}"))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"] if isinstance(part, int) or part in kind.model_fields)
        said = "there are fields that are not known" if first["type"] == "extra_forbidden" else first["msg"].lower()
        raise RequestError(said, where=where or "body", hint=f"allowed: {allowed}") from None


async def done(work: Callable[[], Value], listed: str) -> Value:
    """What `work` gives, which asks a database; what it refuses, as a refusal of the request. `listed` is the path
    where the names stand that could be meant."""
    try:
        return await asyncio.to_thread(work)
    except (DataError, RemoteError) as error:
        logger.error("%s", error)
        hint = "nothing was changed; whoever runs the service finds the reason in its log"
        raise UnavailableError("the database of the keys does not answer", 1.0, hint=hint) from None
    except UnknownError as error:
        near = error.hint if error.hint and error.hint.startswith("did you mean") else None
        raise NotFoundError(error.message, hint=near or f"GET {listed} lists what there is") from None
    except UsageError as error:
        where = (error.where or "").removeprefix("--") or None
        raise RequestError(error.message, where=where, hint=error.hint) from None
