"""TensorFlow Serving's REST API, which is also the first version of KServe's: :predict in rows or in columns, the state
of a version, the metadata of its tensors."""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from typing import Any

from pydantic import model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aiaas.contracts import Answer, Signature
from aiaas.serve.calls import Call
from aiaas.serve.errors import NotFoundError, RequestError
from aiaas.serve.models import Live
from aiaas.serve.predict import encode, encode_with
from aiaas.serve.protocols import in_a_sentence
from aiaas.serve.protocols.asking import Sent, ask, named, of_version, read_as
from aiaas.serve.protocols.tensors import (
    BOOL,
    BYTES,
    FP32,
    FP64,
    INT64,
    Tensor,
    columns_of,
    inputs_of,
    outputs_of,
    plain,
    rows,
    values,
)
from aiaas.serve.service import Service

NAME = "tensorflow-serving"
PATHS = re.compile(r"/v1/models/[^/]+((/versions/[^/]+)?(:predict|/metadata)|/versions/[^/]+)")
HINT = 'such as {"instances": [...]}'
SIGNATURE = "serving_default"
wording = in_a_sentence
_DTYPES = {BYTES: "DT_STRING", BOOL: "DT_BOOL", INT64: "DT_INT64", FP32: "DT_FLOAT", FP64: "DT_DOUBLE"}


class Prediction(Sent):
    """Inputs as rows (`instances`) or as columns (`inputs`); {"b64": ...} stands for bytes."""

    signature_name: str = SIGNATURE
    instances: list[Any] | None = None
    inputs: list[Any] | dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one(self) -> Prediction:
        if (self.instances is None) == (self.inputs is None):
            raise ValueError("one of instances and inputs is needed")
        return self


def routes(service: Service) -> list[Route]:
    def found(request: Request) -> tuple[Call, Live]:
        return named(request, service, NAME)

    async def predict(request: Request) -> Response:
        call, live = found(request)
        sent = await read_as(request, service, Prediction, HINT)
        if sent.signature_name != SIGNATURE:
            raise NotFoundError("there is no such signature", hint=f"leave signature_name out, or say {SIGNATURE}")
        live, answered = await ask(request, service, call, live, inputs_from(live.bundle.signature, sent))
        of_version(answered.about["version"], request.path_params.get("version"))
        columns = outputs_of(live) or columns_of(live.bundle.signature, answered.outputs)
        made = by_rows if sent.inputs is None else by_columns
        ((name, answers),) = made(columns, answered.outputs).items()
        if isinstance(answers, list):
            body = await encode_with(answered.about, name, answers)
        else:
            body = encode({**answered.about, name: answers})
        return Response(body, media_type="application/json")

    async def status(request: Request) -> Response:
        return JSONResponse(state(found(request)[1]))

    async def metadata(request: Request) -> Response:
        return JSONResponse(described(found(request)[1]))

    version = "/v1/models/{name}/versions/{version}"
    return [
        Route(version + ":predict", predict, methods=["POST"]),
        Route("/v1/models/{name}:predict", predict, methods=["POST"]),
        Route(version + "/metadata", metadata, methods=["GET"]),
        Route("/v1/models/{name}/metadata", metadata, methods=["GET"]),
        Route(version, status, methods=["GET"]),
    ]


def inputs_from(signature: Signature, sent: Prediction) -> list[Any]:
    """Inputs of the model, in their order. Raises RequestError."""
    if sent.instances is not None:
        return [_instance(signature, each) for each in sent.instances]
    if isinstance(sent.inputs, dict) and sent.inputs.keys() != {"b64"}:
        return rows(signature, {name: _column(value) for name, value in sent.inputs.items()})
    if len(signature.features) != 1:
        raise RequestError("the model takes several inputs", where="inputs", hint="name each: " + _names(signature))
    name = next(iter(signature.features))
    return rows(signature, {name: _column(sent.inputs)})


def _instance(signature: Signature, value: Any) -> Any:
    if isinstance(value, dict) and value.keys() != {"b64"}:
        return {name: plain(signature, name, _bytes(each)) for name, each in value.items()}
    return plain(signature, signature.bare, _bytes(value)) if signature.bare else value


def _column(value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        raise RequestError("a column must be a list, with a value a row", where="inputs")
    return [_bytes(each) for each in value]


def _bytes(value: Any) -> Any:
    """What {"b64": ...} stands for; anything else is itself."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict) or value.keys() != {"b64"}:
        return value
    try:
        return binascii.a2b_base64(value["b64"], strict_mode=True)
    except (TypeError, ValueError):  # no text; not ASCII, or not base64
        raise RequestError("b64 is not base64", where="b64", hint='such as {"b64": "iVBORw0KGgo="}') from None


def _names(signature: Signature) -> str:
    return ", ".join(signature.features)


def by_rows(columns: Sequence[Tensor], answers: Sequence[Answer]) -> dict[str, Any]:
    """A prediction a row: an object of the outputs, or the value itself where there is one."""
    made = [values(column, answers) for column in columns]
    if len(columns) == 1:
        return {"predictions": made[0]}
    names = [column.name for column in columns]
    return {"predictions": [dict(zip(names, row, strict=True)) for row in zip(*made, strict=True)]}


def by_columns(columns: Sequence[Tensor], answers: Sequence[Answer]) -> dict[str, Any]:
    """Each output with all its rows, or the values themselves where there is one."""
    made = {column.name: values(column, answers) for column in columns}
    return {"outputs": next(iter(made.values())) if len(made) == 1 else made}


def state(live: Live) -> dict[str, Any]:
    """That the version is there; 0 is the version of a model that has none."""
    status = {"error_code": "OK", "error_message": ""}
    version = live.bundle.version or "0"
    return {"model_version_status": [{"version": version, "state": "AVAILABLE", "status": status}]}


def described(live: Live) -> dict[str, Any]:
    """The tensors of the model, as the protocol's own metadata has them."""
    signature = {
        "inputs": _tensors(inputs_of(live.bundle.signature)),
        "outputs": _tensors(outputs_of(live)),
        "method_name": "tensorflow/serving/predict",
    }
    return {
        "model_spec": {"name": live.name, "signature_name": "", "version": live.bundle.version or "0"},
        "metadata": {"signature_def": {"signature_def": {SIGNATURE: signature}}},
    }


def _tensors(columns: Sequence[Tensor]) -> dict[str, Any]:
    return {
        column.name: {
            "dtype": _DTYPES[column.datatype],
            "tensor_shape": {
                "dim": [{"size": str(size), "name": ""} for size in (-1, *column.shape)],
                "unknown_rank": False,
            },
            "name": column.name,
        }
        for column in columns
    }
