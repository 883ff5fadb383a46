"""MLflow's scoring server: /invocations, /ping, /version. Its table may hold NaN, as its client writes a missing value.

It knows one model a port: that is the one that a caller sees, if there is one; of several, each has /invocations below
its own path.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from pydantic import model_validator
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from aiaas.contracts import Signature
from aiaas.serve.body import read_bytes
from aiaas.serve.calls import Caller
from aiaas.serve.errors import NotFoundError, RequestError
from aiaas.serve.models import Live
from aiaas.serve.predict import encode_with
from aiaas.serve.protocols import call_of, sentence
from aiaas.serve.protocols.asking import Sent, ask, off_the_loop, read_as
from aiaas.serve.protocols.tensors import BOOL, FP64, INT64, inputs_of, plain, rows
from aiaas.serve.service import Service

NAME = "mlflow"
PATHS = re.compile(r"(/v1/models/[^/]+)?/(invocations|ping|version)")
HINT = 'such as {"dataframe_split": {"columns": [...], "data": [[...], ...]}}'
_TRUTHS = {"true": True, "false": False, "1": True, "0": False}


class Split(Sent):
    """A table by rows: names of columns, and a list of cells a row."""

    columns: list[str | int]
    data: list[list[Any]]
    index: list[Any] | None = None

    @model_validator(mode="after")
    def _rectangular(self) -> Split:
        width = len(set(map(str, self.columns)))  # 1 and "1" are the same name
        if width != len(self.columns) or any(len(row) != width for row in self.data):
            raise ValueError("a row has as many cells as there are columns, each of another name")
        return self


class Invocation(Sent):
    """One of the four forms of inputs; `params` are options of a model that writes."""

    dataframe_split: Split | None = None
    dataframe_records: list[dict[str, Any]] | None = None
    instances: list[Any] | None = None
    inputs: list[Any] | dict[str, list[Any]] | None = None
    params: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one(self) -> Invocation:
        given = (self.dataframe_split, self.dataframe_records, self.instances, self.inputs)
        if sum(each is not None for each in given) != 1:
            raise ValueError("one of dataframe_split, dataframe_records, instances and inputs is needed")
        return self


def routes(service: Service) -> list[Route]:
    async def ping(request: Request) -> Response:
        return PlainTextResponse("\n", 503 if service.life.stopping else 200)

    async def of_mlflow(request: Request) -> Response:
        call_of(request, NAME)
        return PlainTextResponse(version("mlflow"))

    async def invocations(request: Request) -> Response:
        call = call_of(request, NAME)
        live = _live(service, request.path_params.get("name"), call.caller)
        inputs, options = await _asked(request, service, live)
        _, answered = await ask(request, service, call, live, inputs, options)
        body = await encode_with(answered.about, "predictions", answered.outputs)
        return Response(body, media_type="application/json")

    return [
        Route("/invocations", invocations, methods=["POST"]),
        Route("/v1/models/{name}/invocations", invocations, methods=["POST"]),
        Route("/ping", ping, methods=["GET"]),
        Route("/version", of_mlflow, methods=["GET"]),
    ]


def wording(error: Mapping[str, Any], request_id: str) -> dict[str, Any]:
    code = str(error["code"]).upper().replace("-", "_")
    return {"error_code": code, "message": sentence(error), "request_id": request_id}


def _live(service: Service, name: str | None, caller: Caller) -> Live:
    if name is not None:
        return service.models.find(name, caller)
    seen = service.models.of(caller)
    if len(seen) != 1:
        raise NotFoundError(
            f"there is not one model here but {len(seen)}",
            hint="each has its own path, as /v1/models/NAME/invocations; GET /v1/models lists them",
        )
    return seen[0]


async def _asked(request: Request, service: Service, live: Live) -> tuple[list[Any], dict[str, Any] | None]:
    """Inputs and options of either kind of body."""
    signature = live.bundle.signature
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/csv":
        data = await read_bytes(request, service.limits.body)
        return await off_the_loop(len(data), lambda: of_csv(signature, data)), None
    sent = await read_as(request, service, Invocation, HINT, nan_is_null=True)
    return inputs_from(signature, sent), sent.params


def inputs_from(signature: Signature, sent: Invocation) -> list[Any]:
    """Inputs of the model, in their order."""
    if sent.dataframe_split is not None:
        return _of_table(signature, sent.dataframe_split.columns, sent.dataframe_split.data)
    if isinstance(sent.inputs, dict):
        return rows(signature, sent.inputs)
    records = sent.dataframe_records or sent.instances or sent.inputs or []
    if signature.bare is None:
        return records
    return [plain(signature, signature.bare, each) for each in records]


def _of_table(signature: Signature, columns: Sequence[str | int], data: Sequence[Sequence[Any]]) -> list[Any]:
    """A plain list becomes a table whose only column is called 0, where MLflow makes one of it."""
    names: Sequence[Any] = columns
    if signature.bare is not None and list(columns) == [0]:
        names = [signature.bare]
    return rows(signature, {str(name): [row[place] for row in data] for place, name in enumerate(names)})


def of_csv(signature: Signature, data: bytes) -> list[Any]:
    """Inputs of a table as CSV in UTF-8, whose first line names the columns; an empty cell is a missing value."""
    hint = "the first line names the columns: " + ",".join(signature.features)
    try:
        text = io.StringIO(data.decode("utf-8-sig"), newline="")
        names, *lines = [line for line in csv.reader(text, strict=True) if line]
    except (ValueError, csv.Error):  # what is not UTF-8 is a ValueError as well
        raise RequestError("the body is no CSV in UTF-8", where="body", hint=hint) from None
    kinds = {each.name: each.datatype for each in inputs_of(signature)}
    if len(set(names)) != len(names) or any(len(line) != len(names) for line in lines):
        raise RequestError("a line has as many cells as there are columns", where="body", hint=hint)
    cells = {name: [_cell(line[place], kinds.get(name)) for line in lines] for place, name in enumerate(names)}
    return rows(signature, cells)


def _cell(text: str, kind: str | None) -> Any:
    """A cell as its column has it; what is none of its kind stays a text, which the model refuses."""
    try:
        if kind == INT64 and text.removeprefix("-").isdecimal():
            return int(text)
        if kind in {INT64, FP64}:
            return float(text) if text else None
        if kind == BOOL:
            return _TRUTHS[text.lower()] if text else None
    except (ValueError, KeyError):
        pass
    return text
