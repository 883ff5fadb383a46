"""MLflow's scoring server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiaas.serve.models import Live
from aiaas.serve.openapi.schema import Schema, array, content, get, only, post, record, response
from aiaas.serve.openapi.shapes import ABOUT, columns_of, examples_of, input_of, output_of
from aiaas.serve.protocols.asking import most
from aiaas.serve.service import Service

PROBLEM = "MlflowProblem"


def paths(service: Service, seen: Sequence[Live]) -> Schema:
    ping: Schema = {
        "operationId": "ping",
        "summary": "Whether requests should be sent here.",
        "responses": {
            status: response(text, content({"type": "string"}, kind="text/plain")) for status, text in _PING.items()
        },
    }
    of_mlflow = get("version", "The version of MLflow.", {"type": "string"})
    of_mlflow["responses"]["200"]["content"] = content({"type": "string"}, kind="text/plain")
    return {
        "/ping": {"get": ping},
        "/version": {"get": of_mlflow},
        "/invocations": {"post": _the_only(service, seen)},
        **{
            f"/v1/models/{live.name}/invocations": {"post": _invoke(service, live, f"invoke_{live.name}")}
            for live in seen
        },
    }


_PING = {"200": "Yes.", "503": "On its way out."}


def _the_only(service: Service, seen: Sequence[Live]) -> Schema:
    if len(seen) == 1:
        return _invoke(service, seen[0], "invoke")
    summary = "Answers of the only model: a caller of several names one in the path."
    refused = {"400": "The body is not of this form.", "404": "There is not one model."}
    return dict(post("invoke", summary, content({"type": "object"}), content({"type": "object"}), refused, PROBLEM))


def _invoke(service: Service, live: Live, operation: str) -> Schema:
    allowed, examples = most(service, live), examples_of(live)
    params: Any = {"params": live.bundle.options.model_json_schema()} if live.bundle.options else {}
    items = array(input_of(live), maxItems=allowed)
    names = list(live.bundle.signature.features)
    cells = array({}, minItems=1, maxItems=len(names))
    split = only(record({"columns": array({"enum": names}, minItems=1), "data": array(cells)}, index=array({})))
    forms: dict[str, Schema] = {
        "dataframe_split": split,
        "dataframe_records": items if live.bundle.signature.bare is None else array({"type": "object"}),
        "instances": items,
        "inputs": items,
    }
    taken = {"oneOf": [only(record({name: schema}, **params)) for name, schema in forms.items()]}
    given = record({**ABOUT, "predictions": array(output_of(live.bundle.signature, examples.answers))})
    table = columns_of(live, examples.inputs)
    rows = [list(row) for row in zip(*table.values(), strict=True)]
    shown = bool(examples.inputs)
    held = {"dataframe_split": {"columns": list(table), "data": rows}} if shown else None
    answered = {**live.about, "predictions": examples.answers} if shown else None
    csv = content({"type": "string", "description": "The first line names the columns."}, kind="text/csv")
    return dict(
        post(
            operation,
            f"Answers of {live.name}, one for each row.",
            content(taken, held) | csv,
            content(given, answered),
            {
                "400": "The body is not of this form.",
                "413": f"More than {service.limits.body:,} bytes or {allowed:,} rows.",
                "422": "Rows do not fit the model.",
            },
            PROBLEM,
        )
    )
