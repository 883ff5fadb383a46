"""What protocols share: a body read and checked, inputs counted, answers awaited while the client is there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from aiaas.serve.body import no_options, parse, read_bytes, too_many
from aiaas.serve.calls import Answered, Call
from aiaas.serve.errors import NotFoundError, RequestError
from aiaas.serve.models import Live
from aiaas.serve.presence import while_there
from aiaas.serve.protocols import call_of
from aiaas.serve.service import Service

LARGE = 64 << 10
"""Bytes of a body that is not read on the event loop."""
_SUBJECT = re.compile(r"^\w+ should ")
Value = TypeVar("Value")
Form = TypeVar("Form", bound=BaseModel)


class Sent(BaseModel):
    """Base of what a caller sends: nothing else is taken, and nothing is turned into something it is not."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


async def read_as(
    request: Request, service: Service, kind: type[Form], hint: str, *, nan_is_null: bool = False
) -> Form:
    """The body, which must be JSON of the form `kind`, whatever it is declared as. Raises RequestError."""
    data = await read_bytes(request, service.limits.body)
    return await off_the_loop(len(data), lambda: checked(kind, parse(data, hint, nan_is_null=nan_is_null), hint))


async def off_the_loop(size: int, work: Callable[[], Value]) -> Value:
    """What `work` gives; it is done in a thread where so many bytes are worth one."""
    return work() if size < LARGE else await asyncio.to_thread(work)


def checked(kind: type[Form], value: Any, hint: str) -> Form:
    """`value` as `kind`; RequestError says the first fault, and repeats nothing of what was sent."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
    if found["type"] == "extra_forbidden":
        allowed = ", ".join(kind.model_fields)
        raise RequestError(f"the body holds a key that is not known; allowed: {allowed}", where="body", hint=hint)
    where = str(found["loc"][0]) if found["loc"] else "body"
    raise RequestError(_message(found["type"], found["msg"]), where=where, hint=hint)


def _message(kind: str, said: str) -> str:
    """What pydantic says, without its names for what a caller never sees."""
    if kind == "model_type":
        return "must be an object"
    return _SUBJECT.sub("must ", said.removeprefix("Value error, "))


def named(request: Request, service: Service, protocol: str) -> tuple[Call, Live]:
    """The call, and the model that the path names, in the version that it names where it does. Raises NotFoundError."""
    call = call_of(request, protocol)
    live = service.models.find(request.path_params["name"], call.caller)
    of_version(live.bundle.version, request.path_params.get("version"))
    return call, live


def most(service: Service, live: Live) -> int:
    """Inputs that a request may hold."""
    return service.limits.rows if live.bundle.options is None else service.limits.prompts


async def ask(
    request: Request,
    service: Service,
    call: Call,
    live: Live,
    inputs: Sequence[Any],
    options: Mapping[str, Any] | None = None,
) -> tuple[Live, Answered]:
    """The answers, while the client is there, and the version that gave them. Raises TooLargeError, OptionError, and
    what `Service.answer` does."""
    if len(inputs) > (allowed := most(service, live)):
        raise too_many(allowed)
    if options and live.bundle.options is None:
        raise no_options()
    answered = await while_there(request, service.answer(call, live.name, inputs, options))
    return _by(service, live, answered), answered


def _by(service: Service, live: Live, answered: Answered) -> Live:
    """Which version answered: another may have come since `live` was looked up."""
    if answered.about is live.about:
        return live
    return next((each for each in service.models if each.about == answered.about), live)


def of_version(version: str | None, wanted: str | None) -> None:
    """NotFoundError where a caller wants another version than the one that answers."""
    if wanted is not None and wanted != version:
        hint = f"{version} answers now" if version else "leave the version out"
        raise NotFoundError("the model has no such version here", hint=hint)
