"""The Open Inference Protocol, version 2, over HTTP: health, metadata, and infer with tensors as JSON or as bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aiaas.contracts import Answer
from aiaas.serve.body import read_bytes
from aiaas.serve.calls import Answered, Call
from aiaas.serve.errors import RequestError
from aiaas.serve.models import Live
from aiaas.serve.predict import encode, encode_with
from aiaas.serve.protocols import binary, call_of, in_a_sentence
from aiaas.serve.protocols.asking import ask, most, named, of_version, off_the_loop
from aiaas.serve.protocols.infer_request import HEADER, Inference, read
from aiaas.serve.protocols.tensors import Tensor, columns_of, inputs_of, outputs_of, values
from aiaas.serve.service import Service

NAME = "openinference"
PATHS = re.compile(r"/v2(/.*)?")
_MICROSECONDS = 1e-6
wording = in_a_sentence


def routes(service: Service) -> list[Route]:
    def found(request: Request) -> tuple[Call, Live]:
        return named(request, service, NAME)

    async def server(request: Request) -> Response:
        call_of(request, NAME)
        about = {"name": "aiaas", "version": version("aiaas"), "extensions": ["binary_tensor_data"]}
        return JSONResponse(about)

    async def alive(request: Request) -> Response:
        return JSONResponse({"live": True})

    async def ready(request: Request) -> Response:
        return JSONResponse({"ready": not service.life.stopping}, 503 if service.life.stopping else 200)

    async def model(request: Request) -> Response:
        return JSONResponse(described(found(request)[1]))

    async def model_ready(request: Request) -> Response:
        return JSONResponse({"name": found(request)[1].name, "ready": True})

    async def infer(request: Request) -> Response:
        return await _inferred(request, service, *found(request))

    paths = ("/v2/models/{name}", "/v2/models/{name}/versions/{version}")
    return [
        Route("/v2", server, methods=["GET"]),
        Route("/v2/health/live", alive, methods=["GET"]),
        Route("/v2/health/ready", ready, methods=["GET"]),
        *(Route(path, model, methods=["GET"]) for path in paths),
        *(Route(path + "/ready", model_ready, methods=["GET"]) for path in paths),
        *(Route(path + "/infer", infer, methods=["POST"]) for path in paths),
    ]


async def _inferred(request: Request, service: Service, call: Call, live: Live) -> Response:
    data = await read_bytes(request, service.limits.body)
    header, signature, allowed = request.headers.get(HEADER), live.bundle.signature, most(service, live)
    sent, inputs = await off_the_loop(len(data), lambda: read(data, header, allowed, signature))
    if sent.model_name not in (None, live.name):
        raise RequestError("the body names another model than the path", where="model_name")
    if microseconds := sent.parameters.get("timeout"):
        call.deadline = min(call.deadline, call.began + _seconds(microseconds))
    options = sent.options if live.bundle.options is not None else None
    by, answered = await ask(request, service, call, live, inputs, options)
    of_version(answered.about["version"], request.path_params.get("version"))
    return await _response(by, sent, answered)


def described(live: Live) -> dict[str, Any]:
    """The metadata of a model. The labels of a classifier are in the order of its scores."""
    bundle = live.bundle
    return {
        "name": live.name,
        "versions": [bundle.version] if bundle.version else [],
        "platform": bundle.runtime,
        "inputs": [_metadata(each) for each in inputs_of(bundle.signature)],
        "outputs": [_metadata(each) for each in outputs_of(live)],
        "parameters": {"digest": bundle.digest, "labels": list(bundle.signature.labels)},
    }


def _metadata(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": [-1, *tensor.shape]}


def _seconds(microseconds: Any) -> float:
    if isinstance(microseconds, bool) or not isinstance(microseconds, int | float) or not microseconds > 0:
        raise RequestError("timeout is no number of microseconds above 0", where="parameters", hint="such as 2500000")
    return microseconds * _MICROSECONDS


async def _response(live: Live, sent: Inference, answered: Answered) -> Response:
    """The outputs that were asked for, each as JSON or as bytes."""
    columns = _wanted(outputs_of(live) or columns_of(live.bundle.signature, answered.outputs), sent)
    outputs, tail = [], b""
    for column in columns:
        if sent.wants_bytes(column.name):
            output, data = _as_bytes(column, answered.outputs)
            outputs.append(encode(output))
            tail += data
        else:
            flat = _flat(column, answered.outputs)
            outputs.append(await encode_with(_head(column, len(answered.outputs)), "data", flat))
    about = answered.about
    body: dict[str, Any] = {"model_name": live.name}
    body |= {"model_version": about["version"]} if about["version"] else {}
    body |= {"id": sent.id} if sent.id else {}
    body |= {"parameters": {"digest": about["digest"]}}
    head = encode(body)[:-1] + b',"outputs":[' + b",".join(outputs) + b"]}"
    if not any(sent.wants_bytes(column.name) for column in columns):
        return Response(head, media_type="application/json")
    return Response(head + tail, headers={HEADER: str(len(head))}, media_type="application/octet-stream")


def as_json(column: Tensor, answers: Sequence[Answer]) -> dict[str, Any]:
    """An output with its data in the JSON, row after row."""
    return {**_head(column, len(answers)), "data": _flat(column, answers)}


def _flat(column: Tensor, answers: Sequence[Answer]) -> list[Any]:
    made = values(column, answers)
    return [each for row in made for each in row] if column.shape else made


def _as_bytes(column: Tensor, answers: Sequence[Answer]) -> tuple[dict[str, Any], bytes]:
    data = binary.write(column.datatype, values(column, answers))
    return {**_head(column, len(answers)), "parameters": {"binary_data_size": len(data)}}, data


def _head(column: Tensor, rows: int) -> dict[str, Any]:
    return {"name": column.name, "datatype": column.datatype, "shape": [rows, *column.shape]}


def _wanted(columns: Sequence[Tensor], sent: Inference) -> list[Tensor]:
    if not sent.outputs:
        return list(columns)
    known = {column.name: column for column in columns}
    if any(each.name not in known for each in sent.outputs):
        raise RequestError("there is no such output", where="outputs", hint="there are " + ", ".join(known))
    if len({each.name for each in sent.outputs}) < len(sent.outputs):  # a small request would have a huge answer
        raise RequestError("an output is asked for twice", where="outputs")
    return [known[each.name] for each in sent.outputs]
