"""The one place where an error becomes an HTTP answer.

What a caller reads names the fault and what to do. It never repeats the input, and holds no path and no trace: those go
to the log, under the request's id.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response

from aiaas.errors import AiaasError, DataError, Interrupted, MissingPackageError, OptionError, RemoteError, UsageError

MAX_FAULTS = 100  # a request of thousands of bad inputs is not answered with thousands of lines
logger = logging.getLogger("aiaas.serve")


class RequestError(UsageError):
    """A request that cannot be answered; its message was written for the caller."""

    http: ClassVar[int] = 400
    code = "bad-request"


class NoKeyError(RequestError):
    """There is no valid key."""

    http = 401
    code = "no-key"


class NotFoundError(RequestError):
    """There is no such model, version or path, or none for this caller."""

    http = 404
    code = "not-found"


class ForbiddenError(RequestError):
    """The key is valid, and not for this."""

    http = 403
    code = "forbidden"


class ConflictError(RequestError):
    """The service is not in a state in which it could be done."""

    http = 409
    code = "conflict"


class TooLargeError(RequestError):
    """The body, or the number of inputs, is above the limit."""

    http = 413
    code = "too-large"


class MediaTypeError(RequestError):
    """The body is of a kind that is not taken here."""

    http = 415
    code = "media-type"


class LaterError(RequestError):
    """A request that may be sent again: `after` is how many seconds from now, whole ones at least."""

    def __init__(self, message: str, after: float, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.after = max(1, math.ceil(after))


class QuotaError(LaterError):
    """The caller's own share is used up."""

    http = 429
    code = "quota"


class BusyError(LaterError):
    """Too much waits already."""

    http = 503
    code = "overloaded"


class UnavailableError(LaterError):
    """Something that the service needs does not answer just now."""

    http = 503
    code = "unavailable"


class DeadlineError(RequestError):
    """The time given for the request was over before it was answered."""

    http = 504
    code = "deadline"

    def __init__(self) -> None:
        super().__init__(
            "the time given for the request was over before it was answered",
            hint="give it more with X-Request-Timeout, in seconds, or send fewer inputs at once",
        )


class InputsError(DataError):
    """Inputs that do not fit the model: `faults` are (position, message), the first of them the error's own."""

    http: ClassVar[int] = 422

    def __init__(self, faults: Sequence[tuple[int, str]], *, hint: str | None = None) -> None:
        super().__init__(faults[0][1], where=f"inputs[{faults[0][0]}]", hint=hint)
        self.faults = faults[:MAX_FAULTS]

    def as_dict(self) -> dict[str, Any]:
        return {
            **super().as_dict(),
            "faults": [{"where": f"inputs[{place}]", "message": message} for place, message in self.faults],
        }


_STATUS: tuple[tuple[type[AiaasError], int], ...] = (
    (DataError, 422),
    (RemoteError, 502),
    (Interrupted, 503),
    (MissingPackageError, 500),
    (AiaasError, 500),
)
HTTP_CODES = {404: "not-found", 405: "method-not-allowed"}


Wording = Callable[[Mapping[str, Any], str], Mapping[str, Any]]
"""The body of an error as a protocol has it: of code, message, where and hint, and the id of the request."""


def our_wording(error: Mapping[str, Any], request_id: str) -> Mapping[str, Any]:
    return {"error": error, "request_id": request_id}


class Told(NamedTuple):
    """What a caller is told of an error: code, message, where, hint, and `faults` where there are some."""

    status: int
    error: Mapping[str, Any]
    headers: Mapping[str, str] = {}


class Problem(Response):
    """An error as a caller reads it; `code` is its name."""

    media_type = "application/json"

    def __init__(self, told: Told, request_id: str, wording: Wording) -> None:
        self.code = str(told.error["code"])
        body = json.dumps(wording(told.error, request_id), ensure_ascii=False)
        super().__init__(body, told.status, dict(told.headers))


def code_of(error: Exception) -> str:
    """The name of an error, as its answer gives it."""
    return error.code if isinstance(error, AiaasError) else AiaasError.code


def answer_error(error: Exception, request_id: str, wording: Wording = our_wording) -> Problem:
    """The response to whatever was raised; what is no caller's fault is logged whole and told in one sentence."""
    return Problem(_told(error, request_id), request_id, wording)


def _told(error: Exception, request_id: str) -> Told:
    if isinstance(error, LaterError):
        return Told(error.http, error.as_dict(), {"retry-after": str(error.after)})
    if isinstance(error, NoKeyError):
        return Told(error.http, error.as_dict(), {"www-authenticate": "Bearer"})
    if isinstance(error, RequestError | InputsError):
        return Told(error.http, error.as_dict())
    if isinstance(error, OptionError):  # written for whoever asks, without what was sent
        return Told(422, error.as_dict())
    if isinstance(error, HTTPException):
        code = HTTP_CODES.get(error.status_code, "http")
        body = {
            "code": code,
            "message": str(error.detail),
            "where": None,
            "hint": "GET /openapi.json lists what there is",
        }
        return Told(error.status_code, body, error.headers or {})
    if isinstance(error, DataError):  # its `where` may name a file
        return Told(422, {**error.as_dict(), "where": None})
    known = isinstance(error, AiaasError)
    status = next((number for kind, number in _STATUS if isinstance(error, kind)), 500)
    logger.error("request %s failed: %s", request_id, error, exc_info=None if known else error)
    body = {
        "code": code_of(error),
        "message": "the service could not answer",
        "where": None,
        "hint": "whoever runs the service finds the reason in its log, under the request's id",
    }
    return Told(status, body)
