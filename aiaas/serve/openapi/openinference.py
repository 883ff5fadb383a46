"""The Open Inference Protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiaas.serve.models import Live
from aiaas.serve.openapi.schema import Schema, array, content, get, only, post, record, response
from aiaas.serve.openapi.shapes import columns_of, examples_of
from aiaas.serve.openapi.tensorflow_serving import versions
from aiaas.serve.protocols import binary
from aiaas.serve.protocols.asking import most
from aiaas.serve.protocols.infer_request import HEADER
from aiaas.serve.protocols.openinference import as_json, described
from aiaas.serve.protocols.tensors import inputs_of, outputs_of
from aiaas.serve.service import Service

PROBLEM = "TensorProblem"


def paths(service: Service, seen: Sequence[Live]) -> Schema:
    tensor = record({"name": "string", "datatype": "string", "shape": array({"type": "integer"})})
    model = record(
        {"name": "string", "versions": array({"type": "string"}), "platform": "string"},
        inputs=array(tensor),
        outputs=array(tensor),
        parameters="object",
    )
    server = record({"name": "string", "version": "string", "extensions": array({"type": "string"})})
    ready = get("v2_ready", "Whether requests should be sent here.", record({"ready": "boolean"}))
    ready["responses"]["503"] = response("On its way out.", content(record({"ready": "boolean"})))
    found: Schema = {
        "/v2": {"get": get("v2_server", "About the service.", server)},
        "/v2/health/live": {"get": get("v2_live", "Whether the process answers.", record({"live": "boolean"}))},
        "/v2/health/ready": {"get": ready},
    }
    for live in seen:
        name = live.name
        for path, told in versions(f"/v2/models/{name}", live.bundle.version):
            about = get(f"v2_model{told}_{name}", f"The tensors of {name}.", model)
            about["responses"]["200"]["content"] = content(model, described(live))
            is_ready = record({"name": "string", "ready": "boolean"})
            found[path] = {"get": about}
            found[f"{path}/ready"] = {"get": get(f"v2_ready{told}_{name}", f"Whether {name} is ready.", is_ready)}
            found[f"{path}/infer"] = {"post": _infer(service, live, f"v2_infer{told}_{name}")}
    return found


def _infer(service: Service, live: Live, operation: str) -> Schema:
    allowed, examples = most(service, live), examples_of(live)
    shown = bool(examples.inputs)
    refused = {
        "400": "The body is not of this form.",
        "404": "There is no such version.",
        "413": f"More than {service.limits.body:,} bytes or {allowed:,} rows.",
        "422": "Rows do not fit the model.",
    }
    return dict(
        post(
            operation,
            f"Answers of {live.name}, one for each row of its input tensors.",
            content(_taken(live, allowed), _request(live, examples.inputs) if shown else None) | _binary(),
            content(_given(), _response(live, examples.answers) if shown else None) | _binary(),
            refused,
            PROBLEM,
        )
    )


def _taken(live: Live, allowed: int) -> Schema:
    names = [each.name for each in inputs_of(live.bundle.signature)]
    outputs = [each.name for each in outputs_of(live)]
    parameters: Schema = {"type": "object"}
    if live.bundle.options is not None:
        parameters |= {"properties": live.bundle.options.model_json_schema()["properties"]}
    shape = {"type": "integer", "minimum": 0, "maximum": allowed}
    tensor = record(
        {
            "name": {"enum": names},
            "datatype": {"enum": list(binary.DATATYPES)},
            "shape": array(shape, minItems=1, maxItems=1),
        },
        parameters={"type": "object"},
        data=array({"type": ["string", "number", "boolean", "null"]}, maxItems=allowed),
    )
    wanted = only(record({"name": {"enum": outputs}}, parameters={"type": "object"}))
    return only(
        record(
            {"inputs": array(only(tensor), minItems=1, maxItems=len(names))},
            id={"type": "string", "maxLength": 256},
            model_name={"const": live.name},
            outputs=array(wanted) if outputs else array({}, maxItems=0),
            parameters=parameters,
        )
    )


def _given() -> Schema:
    shape = array({"type": "integer"})
    output = record({"name": "string", "datatype": "string", "shape": shape}, data=array({}), parameters="object")
    return record(
        {"model_name": "string", "outputs": array(output), "parameters": record({"digest": "string"})},
        model_version="string",
        id="string",
    )


def _binary() -> Schema:
    text = f"The JSON, as long as the header {HEADER} says, then the bytes of the tensors."
    return content({"type": "string", "description": text}, kind="application/octet-stream")


def _request(live: Live, inputs: Sequence[Any]) -> Mapping[str, Any]:
    kinds = {each.name: each.datatype for each in inputs_of(live.bundle.signature)}
    columns = columns_of(live, inputs)
    return {
        "inputs": [
            {"name": name, "datatype": kinds[name], "shape": [len(data)], "data": data}
            for name, data in columns.items()
        ]
    }


def _response(live: Live, answers: Sequence[Any]) -> Mapping[str, Any]:
    version = {"model_version": live.bundle.version} if live.bundle.version else {}
    return {
        "model_name": live.name,
        **version,
        "parameters": {"digest": live.bundle.digest},
        "outputs": [as_json(each, answers) for each in outputs_of(live)],
    }
